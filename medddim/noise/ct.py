"""How noisy a CT scan is: the standard deviation of its soft tissue."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d, uniform_filter

from medddim.noise.planes import spread_planes
from medddim.volume import Array, Volume

MINIMUM_VOXELS = 500
SOFT_TISSUE_HU = 150.0
"""Soft tissue lies between minus and plus this, in the mean over a window."""
WINDOW = 9
"""Pixels along each side of a window."""


def ct_noise(volume: Volume) -> float:
    """That of some slices, spread over the scan."""
    return soft_tissue_noise(spread_planes(volume))


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


# --- how it is correlated ------------------------------------------------------------------------

BLOCK = 32
"""Pixels along each side of the squares of which the spectrum is the mean."""


def tissue_spectrum(planes: Array) -> npt.NDArray[np.float64] | None:
    """The noise power spectrum of soft tissue, in the order of `numpy.fft`; None without enough.

    The mean over squares of soft tissue in CT slices `(slice, row, column)`, the more even half of
    them, each less its mean (ICRU report 87, sect. 5).
    """
    count, rows, columns = planes.shape
    high, wide = rows // BLOCK, columns // BLOCK
    cut = planes[:, : high * BLOCK, : wide * BLOCK].astype(np.float64)
    squares = cut.reshape(count, high, BLOCK, wide, BLOCK).swapaxes(2, 3).reshape(-1, BLOCK, BLOCK)
    tissue = squares[(np.abs(squares) < 2 * SOFT_TISSUE_HU).mean(axis=(1, 2)) > 0.98]
    if len(tissue) < 4:
        return None
    deviation = tissue.std(axis=(1, 2))
    even = tissue[deviation <= np.median(deviation)]
    even = even - even.mean(axis=(1, 2), keepdims=True)
    power: npt.NDArray[np.float64] = (np.abs(np.fft.fft2(even)) ** 2).mean(axis=0)
    return power


def tissue_correlation(planes: Array) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """The noise's correlation to the pixel 1 and 2 on, along rows and columns of soft tissue."""
    power = tissue_spectrum(planes)
    if power is None or power.sum() == 0:
        return None
    shared = np.fft.ifft2(power).real
    shared /= shared[0, 0]
    rows = float(shared[1, 0]), float(shared[2, 0])
    return rows, (float(shared[0, 1]), float(shared[0, 2]))
