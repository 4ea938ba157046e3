"""Whether k-space was filtered in the round: what the corners of the spectrum tell."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from medddim.intensity import percentile
from medddim.noise.filters import TINY, Curve, fermi_power

CELLS = 20
"""Parts of each axis over which the spectrum is averaged."""
FROM = 0.45
"""Nearer to the centre than this share of the measured part there is anatomy."""
BETTER = 0.85
"""A round filter is taken if it explains the spectrum so much better than none."""
RADII = np.array([0.9, 0.95, 1.0, 1.05, 1.1, 1.15, 1.2, 1.25, 1.3])
WIDTHS = np.array([0.02, 0.06, 0.1, 0.15])
FLOORS = np.array([0.003, 0.02, 0.06])
"""How much noise may be left beyond the filter, which it did not go through: rounding, say."""
ROUNDS = 8
LEAST, LEAST_LEFT = 3.0, (0.02, 0.3)
"""How many times the share of the noise a cell must have of the strongest power; and the bounds."""


@dataclass(frozen=True)
class Corner:
    """A round filter (`PlaneFilter`), and the floor beyond it."""

    radius: float
    width: float
    floor: float


def round_filter(power: Curve, ends: tuple[float, float], share: float) -> Corner | None:
    """The round filter of a spectrum `(row, column)` without anatomy; None if there is none.

    Filters along the axes make a product, of which the logarithm is a sum over rows and columns: a
    round one does not. `ends` are where the axes seem to end. What has less of the strongest power
    than the noise has of the signal, `share`, may be what a magnitude adds: it is not looked at.
    """
    radius, width, floor = _library()
    level = np.log(np.maximum(_cells(power, ends), TINY))
    rows, columns = ((np.arange(size) + 0.5) / size for size in level.shape)
    far = np.hypot(rows[:, None], columns)
    filters = fermi_power(far, radius[:, None, None], width[:, None, None])
    left = np.concatenate([level[None], level - np.log(filters + floor[:, None, None])])
    used = far > FROM
    least = np.clip(LEAST * share, *LEAST_LEFT)
    used &= level > percentile(level[used], 95) + np.log(least)
    apart = _no_sum(left, used)
    best = int(np.argmin(apart[1:]))
    if apart[1 + best] >= BETTER * apart[0]:
        return None
    return Corner(float(radius[best]), float(width[best]), float(floor[best]))


@lru_cache(maxsize=1)
def _library() -> tuple[Curve, Curve, Curve]:
    grid = np.stack(np.meshgrid(RADII, WIDTHS, FLOORS, indexing="ij"), -1).reshape(-1, 3)
    return grid[:, 0], grid[:, 1], grid[:, 2]


def _cells(power: Curve, ends: tuple[float, float]) -> Curve:
    """Means over parts of the measured spectrum."""
    for axis, end in enumerate(ends):
        last = max(2, round(end * (power.shape[axis] - 1)))
        edges = np.linspace(0, last, min(CELLS, last // 2) + 1).astype(int)
        sums = np.add.reduceat(power.take(range(last), axis), edges[:-1], axis)
        shape = (-1, 1) if axis == 0 else (1, -1)
        power = sums / np.diff(edges).reshape(shape)
    return power


def _no_sum(level: Curve, used: np.ndarray) -> Curve:
    """How far each level `(..., row, column)` is from a sum over rows and columns, on average."""
    weight = used.astype(float)
    by_row, by_column = (np.maximum(weight.sum(axis, keepdims=True), 1) for axis in (1, 0))
    rows, columns = np.zeros((*level.shape[:2], 1)), np.zeros((len(level), 1, level.shape[2]))
    for _ in range(ROUNDS):
        rows = ((level - columns) * weight).sum(axis=2, keepdims=True) / by_row
        columns = ((level - rows) * weight).sum(axis=1, keepdims=True) / by_column
    apart: Curve = (np.abs(level - rows - columns) * weight).sum(axis=(1, 2)) / weight.sum()
    return apart
