"""How noisy a scan is, estimated from the scan alone."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.fft import fft, ifft
from scipy.ndimage import gaussian_filter1d, uniform_filter

from medddim.intensity import bright_end, percentile
from medddim.noise.ct import soft_tissue_noise
from medddim.noise.level import DARK, MINIMUM_VOXELS, spread, squared_gradient
from medddim.noise.planes import spread_planes
from medddim.taken import as_volume
from medddim.volume import Array, Volume


def estimate_noise(volume: Volume | Any) -> float:
    """Standard deviation of the noise in the scan's unit, the noise taken for white.

    It is what a model for white noise is given. `noise_passport` reads the noise of MR as the
    scanner left it, filtered and uneven, and its level may differ; of CT it is the same.

    MR: that of each receiver channel, from voxels of the object, where Rician noise is as good as
    normal: see `receiver_noise`. CT: that of soft tissue, in HU: see `soft_tissue_noise`. How far
    off they are: `python benchmarks/noise_accuracy.py SCANS`. Returns 0 for a constant scan. Takes
    whatever `medddim.taken` takes.
    """
    planes = spread_planes(volume := as_volume(volume))
    if min(planes.shape[1:]) < 2:
        return 0.0
    return soft_tissue_noise(planes) if volume.in_hu else receiver_noise(planes)


# --- MR ------------------------------------------------------------------------------------------

SMOOTH_SHARE = 50
"""Per cent of the object, its most even parts, that are read: edges are no noise."""


def receiver_noise(planes: Array) -> float:
    """The noise of magnitude images `(slice, row, column)`.

    Zero filling is undone first: noise that fills a part of k-space is white in the image of that
    part, and as strong. There, the median absolute value of the diagonal second difference (the
    finest diagonal Haar coefficient, Donoho & Johnstone 1994) is taken over the object without its
    edges (Coupe et al. 2010, Med Image Anal 14:483), where the signal is three times the noise.
    """
    for axis in (1, 2):
        planes = _without_zero_filling(planes, axis)
    detail = np.abs(_diagonal(planes))
    brightness = uniform_filter(planes, size=(0, 5, 5))[:, 1:, 1:]
    slope = squared_gradient(brightness)
    object_ = brightness > DARK * bright_end(brightness)
    sigma = spread(detail[object_])
    for _ in range(4):
        bright = object_ & (brightness > 3 * sigma)
        if np.count_nonzero(bright) < MINIMUM_VOXELS:
            break
        even = bright & (slope <= percentile(slope[bright], SMOOTH_SHARE))
        sigma = spread(detail[even])
    return sigma


def _diagonal(planes: Array) -> Array:
    """Orthonormal diagonal differences: white noise keeps its standard deviation."""
    rows: Array = planes[:, 1:] - planes[:, :-1]
    detail: Array = (rows[:, :, 1:] - rows[:, :, :-1]) * np.float32(0.5)
    return detail


FALL = 5.0
"""The power falls by this factor within `STEP` of the spectrum where zero filling begins.

Anatomy alone falls by less than 2 there, and white noise not at all.
"""
STEP = 0.15
LEAST, MOST = 0.4, 0.8
"""Where the fall may begin: scanners seldom interpolate by more than 2; its end must be seen."""


def _without_zero_filling(planes: Array, axis: int) -> Array:
    """The magnitude of the part of k-space along `axis` that was measured."""
    size = planes.shape[axis]
    half = max(1, round(measured_share(planes, axis) * size / 2))
    if 2 * half >= size:
        return planes
    spectrum = fft(planes, axis=axis, norm="forward")
    kept = np.r_[:half, size - half : size]
    cut: Array = np.abs(ifft(np.take(spectrum, kept, axis=axis), axis=axis, norm="forward"))
    return cut


def measured_share(planes: Array, axis: int) -> float:
    """Which share of k-space along `axis` is not empty; 1 unless the power falls steeply.

    The object is brought out, since in air the magnitude spreads the noise over all frequencies.
    """
    half = planes.shape[axis] // 2
    if half < 32:
        return 1.0
    spectrum = fft(planes * uniform_filter(planes, size=(0, 9, 9)), axis=axis, norm="forward")
    power = (np.abs(spectrum) ** 2).mean(axis=(0, 3 - axis))[: half + 1]
    level = gaussian_filter1d(np.log(power + np.finfo(np.float32).tiny), half / 50)
    step = round(STEP * half)
    starts = np.arange(round(LEAST * half), round(MOST * half))
    falls = level[starts] - level[starts + step]
    steepest = int(np.argmax(falls))
    return float(starts[steepest] + step / 3) / half if falls[steepest] > np.log(FALL) else 1.0
