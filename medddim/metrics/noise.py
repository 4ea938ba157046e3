"""How noisy a scan is, estimated from the scan alone."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import uniform_filter

from medddim.volume import Array, Volume

MAD_OF_NORMAL = 0.6745
"""Median absolute value of a standard normal variable."""
MINIMUM_VOXELS = 500


def estimate_noise(volume: Volume) -> float:
    """Standard deviation of the noise in the receiver channels, in the scan's unit.

    The median absolute value of the diagonal second difference (the finest diagonal Haar
    coefficient, Donoho & Johnstone 1994) over voxels whose signal is three times the noise or
    more, where Rician noise is as good as normal. Assumes noise that is white in the slice: a scan
    that was interpolated (zero-filled) on the scanner holds less noise at the finest scale than in
    all, and is underestimated. Returns 0 for a constant scan.
    """
    images = np.moveaxis(volume.voxels, 1 + volume.slice_axis, 1)
    planes = images.reshape(-1, *images.shape[2:])
    if min(planes.shape[1:]) < 2:
        return 0.0
    detail = np.abs(_diagonal(planes))
    brightness = uniform_filter(planes, size=(0, 5, 5))[:, 1:, 1:]
    sigma = _spread(detail[planes[:, 1:, 1:] != 0])
    for _ in range(4):
        bright = detail[brightness > 3 * sigma]
        if bright.size < MINIMUM_VOXELS:
            break
        sigma = _spread(bright)
    return sigma


def _diagonal(planes: Array) -> Array:
    """Orthonormal diagonal differences: white noise keeps its standard deviation."""
    rows: Array = planes[:, 1:] - planes[:, :-1]
    detail: Array = (rows[:, :, 1:] - rows[:, :, :-1]) * np.float32(0.5)
    return detail


def _spread(detail: Array) -> float:
    return float(np.median(detail)) / MAD_OF_NORMAL if detail.size else 0.0
