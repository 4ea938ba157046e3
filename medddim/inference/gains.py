"""How much of a cosine is taken from the scan, and how much from the answer of the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medddim.volume import Array

KNOTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.95, 1.25)
"""Frequencies, Nyquist's being 1, between which the first numbers of `FITTED` run straight."""
FITTED = {
    "thin": (
        (np.log([2.0, 1.9, 1.0, 1.4, 0.9, 0.5, 1.6]), 0.0, 0.3),
        (np.log([2.3, 23.0, 104.0, 69.0, 17.0, 4.2, 3.0]), -0.25, 0.44),
        ((-3.5, 1.4, 2.0, 1.5, 0.55, -0.86, -2.6), 0.4, -0.68),
    ),
    "thick": (
        (np.log([0.9, 2.1, 0.6, 0.6, 0.3, 0.5, 2.4]), -0.1, 0.0),
        (np.log([0.6, 22.0, 45.0, 81.0, 23.0, 6.6, 4.2]), -0.37, 0.23),
        ((-3.8, 0.34, 1.3, 1.25, 0.41, -1.0, -3.0), 0.38, -1.1),
    ),
}
"""Of slices as thin as pixels, and of thick ones: the logarithms of `Gains.weak` and `strong` and
the logit of `kept` at `KNOTS`, and what is added to them for the logarithm of the power of the
noise in a cosine, and of its mean square: how few cosines hold the noise. Fitted on the training
scans (docs/decisions/0240)."""
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
        power = (answer.square() * exactness).clamp(max=SURE)
        square = power.square()
        gain = square / torch.addcmul(square, weak, power).add(strong)
        mine = answer * (kept * (exactness > 0))
        return torch.addcmul(mine, gain, scan - mine)


LEAST = 0.1
"""Times the mean power, that the noise of a cosine has: no part of k-space is quite empty."""


def gains_of(power: Array) -> Gains:
    """Those of a block in whose cosines `(x, y, z)` noise of variance 1 has this power."""
    power = np.maximum(power, LEAST)
    x, y, z = (np.arange(size) / size for size in power.shape)
    frequency = np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + z**2)
    few, each = np.log(max(float(np.square(power).mean()), 1.0)), np.log(power)
    weak, strong, kept = (
        np.interp(frequency, KNOTS, curve) + of_each * each + of_few * few
        for curve, of_each, of_few in FITTED[
            "thin" if min(power.shape) == max(power.shape) else "thick"
        ]
    )
    return Gains(
        _laid_out(np.exp(weak) * power),
        _laid_out(np.exp(strong) * power**2),
        _laid_out(1 / (1 + np.exp(-kept))),
    )


def _laid_out(numbers: Array) -> Tensor:
    order = np.moveaxis(numbers, 0, -1)[..., None]
    return torch.from_numpy(np.ascontiguousarray(order, np.float32))
