"""How much of a cosine is taken from the scan, and how much from the answer of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medddim.inference.blocks import kind_of
from medddim.noise.filters import Curve
from medddim.volume import Array

KNOTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.95, 1.25)
"""Frequencies, Nyquist's being 1, between which the numbers of `FITTED` run straight."""
FITTED = {
    "thin": (
        (1.8, 0.48, 2.3, 1.6, 1.1, 0.22, 0.38),
        (4.7, 2, 1.5, 0.00087, -1.4, -0.037, 1.7),
        (0.17, 0.63, 2.7, 2.6, 1.5, -0.86, -3.4),
    ),
    "thick": (
        (0.7, 0.045, 0.035, 0.59, -0.55, -0.32, 0.98),
        (0.53, 2.4, 2.7, 3.1, 2.1, 1.7, 1.8),
        (-3.5, -0.11, 0.83, 0.66, 0.035, -1.8, -3.8),
    ),
}
"""Where slices are as thin as pixels, and where they are thick, at `KNOTS`: the logarithm of `weak`
and of `strong`, and the logit of `kept`. Those of thick slices were fitted by `tools/fit_gains.py`
(docs/decisions/0240), the others by an earlier form of it and chosen on validation scans (0253)."""
EDGE, FINE = {"thin": 0.025, "thick": 0.05}, 0.95
"""Over the noise as a share of what the network sees as 1, is the power of the answer, in units of
that of the noise, beyond a frequency, Nyquist's being 1, where half of what `kept` leaves is kept,
too: only an edge has as much, or an answer to weak noise, which holds more of it. See
docs/decisions/0253."""
LEFT = 1.5
"""How much more noise is reckoned with, at most, where few cosines hold all of it: those of the
answer hold more than a tenth of it then, that looks like structure. See docs/decisions/0225."""
LEAST = 0.1
"""Times the mean power, that the noise of a cosine has: no part of k-space is quite empty."""
TINY = 1e-12
"""To divide by, in place of 0."""
SURE = 1e6
"""Times the power of the noise, from which nothing but the scan counts."""


@dataclass(frozen=True)
class Gains:
    """What is taken of scan and answer in each cosine `(y, z, x, 1)` of a block.

    With the power of the answer in units of the variance of the noise, `power / (power + weak +
    strong / power)` is taken of the scan; of what that leaves, the share `kept` of the answer, and
    what is `left`, too, where the block holds an edge: the mean power by the weights `fine` tells.
    """

    weak: Tensor
    strong: Tensor
    kept: Tensor
    left: Tensor
    fine: Tensor
    edge: float

    def mixed(self, answer: Tensor, scan: Tensor, variance: Tensor, bright: float) -> Tensor:
        """The cosines `(y, z, x, number)` of both, by the variance `(number,)` of the noise.

        Nothing is left where that is infinite. `bright` is what the network sees as 1.
        """
        numbers = self.weak, self.strong, self.kept, self.left, self.fine
        weak, strong, kept, left, fine = (one.to(scan) for one in numbers)
        exactness = 1 / variance
        power = answer.square().mul_(exactness).clamp_(max=SURE)
        square = power.square()
        gain = square / torch.addcmul(square, weak, power).add_(strong)
        share = fine.flatten() @ power.detach().flatten(end_dim=2)
        least = (self.edge * bright) ** 2 * exactness
        share = share.square_().div_(share + least.clamp_(min=TINY))
        mine = answer * torch.addcmul(kept * (exactness > 0), left, share)
        return torch.addcmul(mine, gain, scan - mine)


def gains_of(power: Curve, numbers: Tensor | None = None) -> Gains:
    """Those of a block in whose cosines `(x, y, z)` noise of variance 1 has this power.

    The smaller the share of cosines that hold the noise, the nearer they are to those of a Wiener
    filter: of such noise a network leaves more. `numbers` stand for those of `FITTED`.
    """
    power, kind = np.maximum(power, LEAST), kind_of(power.shape)
    if numbers is None:
        numbers = torch.tensor(FITTED[kind])
    noise = torch.from_numpy(_laid_out(power))[..., None]
    weak, strong, kept = (_near(power.shape) @ numbers.t())[..., None, :].unbind(-1)
    share = min(1 / float(np.square(power).mean()), 1.0)
    weak = share * weak + (1 - share) * float(np.log1p(LEFT * (1 - share)))
    kept = kept.sigmoid() * share
    weak, strong = weak.exp() * noise, strong.exp() * share * noise**2
    return Gains(weak, strong, kept, share - kept, _fine(power.shape), EDGE[kind])


def _fine(shape: Sequence[int]) -> Tensor:
    """The weights of a mean over the finest cosines."""
    fine = (_frequency(shape) > FINE).astype(float)
    return torch.from_numpy(_laid_out(fine / max(fine.sum(), 1)))[..., None]


def _near(shape: Sequence[int]) -> Tensor:
    """How near each cosine is to each of `KNOTS`."""
    frequency = _frequency(shape)
    near = (np.interp(frequency, KNOTS, knot) for knot in np.eye(len(KNOTS)))
    return torch.from_numpy(np.stack([_laid_out(one) for one in near], axis=-1))


def _frequency(shape: Sequence[int]) -> Curve:
    """That of each cosine `(x, y, z)`, Nyquist's being 1 along each axis."""
    x, y, z = (np.arange(size) / size for size in shape)
    frequency: Curve = np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + z**2)
    return frequency


def _laid_out(numbers: Curve) -> Array:
    """From `(x, y, z)` to `(y, z, x)`."""
    laid_out: Array = np.ascontiguousarray(np.moveaxis(numbers, 0, -1), np.float32)
    return laid_out
