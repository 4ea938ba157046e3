"""How noisy a CT scan is: the standard deviation of its soft tissue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, uniform_filter

from medddim.volume import Array

MINIMUM_VOXELS = 500
SOFT_TISSUE_HU = 150.0
"""Soft tissue lies between minus and plus this, in the mean over a window."""
WINDOW = 9
"""Pixels along each side of a window."""


def soft_tissue_noise(planes: Array) -> float:
    """The noise of CT slices `(slice, row, column)` in HU: the commonest standard deviation.

    Taken over windows in soft tissue; windows with edges in them are noisier and of all kinds, so
    the mode passes them over. It makes no assumption on how the noise is correlated. Source:
    Christianson et al. 2015 (AJR 205:W93). Without soft tissue, windows in anything but air count.
    """
    hu = planes.astype(np.float64).clip(-1024, 3071)
    mean = uniform_filter(hu, size=(0, WINDOW, WINDOW))
    square = uniform_filter(hu**2, size=(0, WINDOW, WINDOW))
    deviation = np.sqrt(np.maximum(square - mean**2, 0) * WINDOW**2 / (WINDOW**2 - 1))
    tissue = np.abs(mean) < SOFT_TISSUE_HU
    if np.count_nonzero(tissue) < MINIMUM_VOXELS:
        tissue = mean > -900
    return _mode(deviation[tissue]) if tissue.any() else 0.0


def _mode(values: npt.NDArray[np.float64]) -> float:
    """The commonest value, to about a hundredth of the median."""
    median = float(np.median(values))
    if median == 0:
        return 0.0
    counts, edges = np.histogram(values, bins=150, range=(0, 3 * median))
    peak = int(np.argmax(gaussian_filter1d(counts.astype(np.float64), 4)))
    return float(edges[peak] + edges[peak + 1]) / 2
