"""Power over spatial frequency: how much texture is left, and at which scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medddim.metrics.slices import Float, Image, everywhere, pieces, require_comparable
from medddim.volume import Mask

HIGH_BAND = (0.25, 0.5)
"""Radial frequency in cycles per voxel, lower edge open: from half Nyquist up to Nyquist."""

MASK_SOFTENING = 2.0
"""Voxels; a mask edge this soft puts less than 1 % of its amplitude into the high band."""

BINS = 32


@dataclass(frozen=True)
class Spectrum:
    """Mean power at each radial frequency (bin centres, cycles per voxel, up to Nyquist).

    White noise of standard deviation s has the power s^2 at every frequency.
    """

    frequency: tuple[float, ...]
    power: tuple[float, ...]


def hf_power(
    candidate: Image, reference: Image, *, slice_axis: int = 2, mask: Mask | None = None
) -> float:
    """Power of the candidate in the high band over that of the reference; 1 = as much texture.

    Each slice across `slice_axis` is multiplied by a Hann window (against leakage from its border)
    and, with a mask, by the mask smoothed with a Gaussian of 2 voxels (so that its edge adds next
    to nothing); its 2D power spectrum is summed over radial in-plane frequencies |f| in
    (0.25, 0.5] cycles per voxel, then over slices and channels. Below 1 is smoother than the
    reference, above 1 holds more texture or more noise: the figure cannot tell which. NaN if the
    reference has no power there.
    """
    require_comparable(candidate, reference, mask=mask)
    region = everywhere(reference) if mask is None else mask
    low, high = HIGH_BAND
    power = np.zeros(2)
    for ours, theirs, inside in pieces(candidate, reference, region, flat_axis=slice_axis):
        window, radius = _window(inside), _radius(inside.shape)
        band = (radius > low) & (radius <= high)
        power += [float(np.sum(_power(image * window)[band])) for image in (ours, theirs)]
    return float(power[0] / power[1]) if power[1] > 0 else float("nan")


def radial_spectrum(image: Image, *, slice_axis: int = 2, mask: Mask | None = None) -> Spectrum:
    """The spectrum behind `hf_power`: windowed alike, mean over directions, slices and channels.

    32 bins of equal width up to Nyquist; a slice too small for that leaves bins out.
    """
    require_comparable(image, image, mask=mask)
    region = everywhere(image) if mask is None else mask
    total, count = np.zeros(BINS), np.zeros(BINS)
    for piece, _, inside in pieces(image, image, region, flat_axis=slice_axis):
        window, radius = _window(inside), _radius(inside.shape)
        seen = radius <= HIGH_BAND[1]
        bins = np.minimum((radius[seen] * 2 * BINS).astype(int), BINS - 1)
        power = _power(piece * window)[seen] / np.sum(np.square(window))
        total += np.bincount(bins, power, BINS)
        count += np.bincount(bins, minlength=BINS)
    centres = (np.arange(BINS) + 0.5) / (2 * BINS)
    held = count > 0
    power = total[held] / count[held]
    return Spectrum(tuple(centres[held].tolist()), tuple(power.tolist()))


def _power(image: Float) -> Float:
    power: Float = np.abs(np.fft.fft2(image)) ** 2
    return power


def _radius(shape: tuple[int, ...]) -> Float:
    rows, columns = (np.fft.fftfreq(n) for n in shape)
    radius: Float = np.hypot(rows[:, None], columns)
    return radius


def _window(inside: Mask) -> Float:
    """A Hann window times the softened mask."""
    rows, columns = (np.hanning(n + 2)[1:-1] for n in inside.shape)
    soft: Float = ndimage.gaussian_filter(inside.astype(np.float64), MASK_SOFTENING, mode="nearest")
    window: Float = np.outer(rows, columns) * soft
    return window
