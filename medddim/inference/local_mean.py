"""Local means of a scan are kept where there is signal: noise has none to take away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from medddim.volume import Array

WIDTH = 4.0
"""Standard deviation of the Gaussian of a local mean, in the smallest voxel edges."""
CUT = 2.0
"""Where that Gaussian ends, in its standard deviations."""
REACH = round(WIDTH * CUT)
"""How many voxels away a voxel still counts."""
FAINT, BRIGHT = 5.0, 7.5
"""Times the noise: below, a magnitude says little of its signal's mean; above, all counts."""


def with_local_mean(
    answer: Array, measured: Array, noise: Array, spacing_mm: Sequence[float]
) -> Array:
    """The answer, moved so that its local means are those of the scan, where the signal is bright.

    All are images `(x, y, z)` in one unit; `noise` is the standard deviation at each voxel. The
    mean of noise over some hundred voxels is small, a network's offset is not: large faint
    structures stay as bright as they were measured. The mean of a magnitude lies above its signal;
    that much is taken off (Gudbjartsson & Patz 1995, eq. 5: sqrt(signal^2 + noise^2)).
    """
    noise = np.maximum(noise, np.float32(1e-12))
    weight = ((answer / noise - FAINT) / (BRIGHT - FAINT)).clip(0, 1).astype(np.float32)
    smallest = min(spacing_mm)
    widths = [
        WIDTH * min(1.0, smallest / mm) if n > 1 else 0.0
        for n, mm in zip(answer.shape, spacing_mm, strict=True)
    ]
    missing = weight * (measured - np.hypot(answer, noise))
    around = gaussian_filter(weight, widths, truncate=CUT)
    mean = gaussian_filter(missing, widths, truncate=CUT) / np.maximum(around, np.float32(1e-3))
    moved: Array = answer + weight * mean
    return moved
