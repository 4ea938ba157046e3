"""Local means of a scan are kept where there is signal: noise has none to take away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from medddim.inference.slabs import parts_of
from medddim.noise.rice import mean_of_signal, slope_of_mean
from medddim.volume import Array

WIDTH = 4.0
"""Standard deviation of the Gaussian of a local mean, in the smallest voxel edges."""
CUT = 2.0
"""Where that Gaussian ends, in its standard deviations."""
REACH = round(WIDTH * CUT)
"""How many voxels away a voxel still counts, at most."""
FAINT, BRIGHT = 1.0, 2.0
"""Times the noise: below, a magnitude says little of its signal's mean; above, all counts."""
OFFSET = 0.1
"""By how much of the noise the local means of a network are off, as a rule."""


def with_local_mean(
    answer: Array,
    measured: Array,
    noise: Array,
    spacing_mm: Sequence[float],
    *,
    lag_1: Sequence[float] = (0.0, 0.0, 0.0),
) -> Array:
    """The answer, moved so that its local means are those of the scan, where there is signal.

    All are images `(x, y, z)` in one unit; `noise` is the standard deviation at each voxel, `lag_1`
    its correlation to the next voxel along each axis. The mean of noise over some hundred voxels is
    small, a network's offset is not: large faint structures stay as bright as they were measured.
    The scan's mean is held against that of the answer with noise, whose magnitude is brighter
    (`medddim.noise.rice`). The fewer independent voxels a mean has, the less of it is taken over:
    `OFFSET` squared, over itself and the variance of the mean.
    """
    widths = [_width(spacing_mm, axis) if n > 1 else 0.0 for axis, n in enumerate(answer.shape)]
    share = OFFSET**2 / (OFFSET**2 + variance_of_mean(widths, lag_1))
    missing, around, counted = (np.empty(answer.shape, np.float32) for _ in range(3))
    for part in parts_of(answer.shape):
        level = np.maximum(noise[part], np.float32(1e-12))
        signal = answer[part] / level
        weight = ((signal - FAINT) / (BRIGHT - FAINT)).clip(0, 1).astype(np.float32)
        mean = mean_of_signal(signal.clip(0))
        missing[part] = weight * (measured[part] / level - mean).astype(np.float32)
        around[part] = weight * slope_of_mean(signal.clip(0)).astype(np.float32)
        counted[part] = level * weight
    for image in (missing, around):
        gaussian_filter(image, widths, truncate=CUT, output=image)
    np.maximum(around, np.float32(1e-3), out=around)
    missing /= around
    counted *= missing
    counted *= np.float32(share)
    counted += answer
    return counted


def reach(spacing_mm: Sequence[float], axis: int) -> int:
    """How many voxels away along an axis a voxel still counts."""
    return int(CUT * _width(spacing_mm, axis) + 0.5)


def _width(spacing_mm: Sequence[float], axis: int) -> float:
    return WIDTH * min(1.0, min(spacing_mm) / spacing_mm[axis])


def variance_of_mean(widths: Sequence[float], lag_1: Sequence[float]) -> float:
    """Of the local mean of noise of variance 1, whose correlation falls as a Gaussian does."""
    steps = np.arange(-20, 21)
    variance = 1.0
    for width, lag in zip(widths, lag_1, strict=True):
        alike = float((np.clip(lag, 0, 0.95) ** (steps**2)).sum())
        variance *= min(1.0, alike / max(2 * np.pi**0.5 * width, 1.0))
    return variance
