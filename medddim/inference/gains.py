"""How much of a cosine is taken from the scan, and how much from the answer of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medddim.noise.filters import Curve
from medddim.volume import Array

KNOTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.95, 1.25)
"""Frequencies, Nyquist's being 1, between which the numbers of `FITTED` run straight."""
FITTED = {
    "thin": (
        (0.69, 0.64, 0.0, 0.34, -0.11, -0.69, 0.47, 0.0, 0.3),
        (0.83, 3.14, 4.64, 4.23, 2.83, 1.44, 1.1, -0.25, 0.44),
        (-3.5, 1.4, 2.0, 1.5, 0.55, -0.86, -2.6, 0.4, -0.68),
    ),
    "thick": (
        (-0.11, 0.74, -0.51, -0.51, -1.2, -0.69, 0.88, -0.1, 0.0),
        (-0.51, 3.09, 3.81, 4.39, 3.14, 1.89, 1.44, -0.37, 0.23),
        (-3.8, 0.34, 1.3, 1.25, 0.41, -1.0, -3.0, 0.38, -1.1),
    ),
}
"""Where slices are as thin as pixels, and where they are thick: of `weak` and `strong` the
logarithm and of `kept` the logit, at `KNOTS`; then what is added for the logarithm of the power of
noise in the cosine, and for that of its mean square, which tells how few cosines hold the noise.
Made by `tools/fit_gains.py` (docs/decisions/0240)."""
LEAST = 0.1
"""Times the mean power, that the noise of a cosine has: no part of k-space is quite empty."""
SURE = 1e6
"""Times the power of the noise, from which nothing but the scan counts."""


@dataclass(frozen=True)
class Gains:
    """What is taken of scan and answer in each cosine `(y, z, x, 1)` of a block.

    With the power of the answer in units of the variance of the noise, `power / (power + weak +
    strong / power)` is taken of the scan; of what that leaves, the share `kept` of the answer.
    """

    weak: Tensor
    strong: Tensor
    kept: Tensor

    def mixed(self, answer: Tensor, scan: Tensor, variance: Tensor) -> Tensor:
        """The cosines `(y, z, x, number)` of both, by the variance `(number,)` of the noise.

        Nothing is left where that is infinite.
        """
        weak, strong, kept = (share.to(scan) for share in (self.weak, self.strong, self.kept))
        exactness = 1 / variance
        power = answer.square().mul_(exactness).clamp_(max=SURE)
        square = power.square()
        gain = square / torch.addcmul(square, weak, power).add_(strong)
        mine = answer * (kept * (exactness > 0))
        return torch.addcmul(mine, gain, scan - mine)


def gains_of(power: Curve, numbers: Tensor | None = None) -> Gains:
    """Those of a block in whose cosines `(x, y, z)` noise of variance 1 has this power.

    `numbers` stand for those of `FITTED`.
    """
    power = np.maximum(power, LEAST)
    if numbers is None:
        numbers = torch.tensor(FITTED[kind_of(power.shape)])
    noise = torch.from_numpy(_laid_out(power))[..., None]
    weak, strong, kept = (_seen(power) @ numbers.t())[..., None, :].unbind(-1)
    return Gains(weak.exp() * noise, strong.exp() * noise**2, kept.sigmoid())


def kind_of(shape: Sequence[int]) -> str:
    """Which of `FITTED` serve blocks of this shape."""
    return "thin" if min(shape) == max(shape) else "thick"


def _seen(power: Curve) -> Tensor:
    """What the numbers are multiplied by, for each cosine."""
    x, y, z = (np.arange(size) / size for size in power.shape)
    frequency = np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + z**2)
    near = [np.interp(frequency, KNOTS, knot) for knot in np.eye(len(KNOTS))]
    few = np.full_like(power, np.log(max(float(np.square(power).mean()), 1.0)))
    seen = map(_laid_out, (*near, np.log(power), few))
    return torch.from_numpy(np.stack([*seen], axis=-1))


def _laid_out(numbers: Curve) -> Array:
    """From `(x, y, z)` to `(y, z, x)`."""
    laid_out: Array = np.ascontiguousarray(np.moveaxis(numbers, 0, -1), np.float32)
    return laid_out
