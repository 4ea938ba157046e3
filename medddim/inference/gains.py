"""How much of a cosine is taken from the scan, and how much from the answer of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

KNOTS = (0.0, 0.15, 0.3, 0.5, 0.7, 0.95, 1.25)
"""Frequencies, Nyquist's being 1, between which the numbers of `FITTED` run straight."""
FITTED = {
    False: (
        (0.7, 2.3, 0.6, 0.6, 0.2, 0.3, 1.4),
        (0.3, 12.0, 95.0, 115.0, 28.0, 7.2, 4.1),
        (0.0, 0.79, 0.88, 0.85, 0.75, 0.35, 0.05),
    ),
    True: (
        (0.7, 3.2, 0.4, 0.2, 0.1, 0.4, 2.0),
        (0.3, 19.0, 70.0, 117.0, 32.0, 10.0, 4.9),
        (0.0, 0.68, 0.86, 0.84, 0.7, 0.3, 0.05),
    ),
}
"""`weak`, `strong` and `kept` of `Gains`, where slices are as thin as pixels and where thick."""

SURE = 1e6
"""The power from which nothing but the scan counts."""


@dataclass(frozen=True)
class Gains:
    """What is taken of scan and answer in each cosine `(y, z, x, 1)` of a block.

    With the power of the answer in units of that of the noise, `power / (power + weak + strong /
    power)` is taken of the scan; of what that leaves, the share `kept` is taken of the answer.
    """

    weak: Tensor
    strong: Tensor
    kept: Tensor

    def mixed(self, answer: Tensor, scan: Tensor, variance: Tensor) -> Tensor:
        """The cosines `(y, z, x, number)` of both, by the `variance` of the noise in each."""
        power = (answer.square() / variance).clamp(max=SURE)
        square = power.square()
        gain = square / (square + self.weak * power + self.strong)
        mine = self.kept * answer
        return torch.addcmul(mine, gain, scan - mine)


@lru_cache
def gains_of(sizes: tuple[int, ...]) -> Gains:
    """Those for the cosines of a block of these sizes along x, y and z."""
    x, y, z = (np.arange(size) / size for size in sizes)
    frequency = np.sqrt(y[:, None, None] ** 2 + z[:, None] ** 2 + x**2)
    thick = min(sizes) < max(sizes)
    curves = (np.interp(frequency, KNOTS, curve) for curve in FITTED[thick])
    return Gains(*(torch.from_numpy(curve.astype(np.float32))[..., None] for curve in curves))
