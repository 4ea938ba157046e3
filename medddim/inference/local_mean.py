"""Local means of a scan are kept where there is signal: noise has none to take away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from medddim.noise.rice import mean_of_signal
from medddim.volume import Array

WIDTH = 4.0
"""Standard deviation of the Gaussian of a local mean, in the smallest voxel edges."""
CUT = 2.0
"""Where that Gaussian ends, in its standard deviations."""
REACH = round(WIDTH * CUT)
"""How many voxels away a voxel still counts."""
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
    noise = np.maximum(noise, np.float32(1e-12))
    smallest = min(spacing_mm)
    widths = [
        WIDTH * min(1.0, smallest / mm) if n > 1 else 0.0
        for n, mm in zip(answer.shape, spacing_mm, strict=True)
    ]
    share = OFFSET**2 / (OFFSET**2 + variance_of_mean(widths, lag_1))
    signal = answer / noise
    weight = ((signal - FAINT) / (BRIGHT - FAINT)).clip(0, 1).astype(np.float32)
    mean, slope = mean_of_signal(signal.clip(0))
    missing = weight * (measured / noise - mean).astype(np.float32)
    around = gaussian_filter(weight * slope.astype(np.float32), widths, truncate=CUT)
    moved = gaussian_filter(missing, widths, truncate=CUT) / np.maximum(around, np.float32(1e-3))
    whole: Array = answer + noise * weight * moved * np.float32(share)
    return whole


def variance_of_mean(widths: Sequence[float], lag_1: Sequence[float]) -> float:
    """Of the local mean of noise of variance 1, whose correlation falls as a Gaussian does."""
    steps = np.arange(-20, 21)
    variance = 1.0
    for width, lag in zip(widths, lag_1, strict=True):
        alike = float((np.clip(lag, 0, 0.95) ** (steps**2)).sum())
        variance *= min(1.0, alike / max(2 * np.pi**0.5 * width, 1.0))
    return variance
