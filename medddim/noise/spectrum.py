"""The noise's power spectrum along each axis of MR slices, and the filter that explains it."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial

import numpy as np
from scipy.fft import fft2, fftfreq
from scipy.ndimage import gaussian_filter, uniform_filter

from medddim.intensity import bright_end, median, percentile
from medddim.noise.corners import round_filter
from medddim.noise.filters import TINY, AxisFilter, Curve, PlaneFilter
from medddim.noise.profile import fit
from medddim.volume import Array

LEAST_VOXELS = 40
"""Along an axis of fewer voxels, the filter is not looked for."""

BLUR = 2.5  # standard deviation in voxels of the blur taken away, and of the local energy
Two = tuple[AxisFilter, AxisFilter]
OBJECT = 0.2  # voxels darker than this share of the bright end are air, or nearly


def noise_power(planes: Array, noise: Array | None = None) -> tuple[Curve, float]:
    """Power of the noise in slices `(slice, row, column)`, at the frequencies from 0 to Nyquist.

    Shape `(rows // 2 + 1, columns // 2 + 1)`; with it comes the power of the noise as a share of
    that of the signal, roughly. Anatomy is kept down: the slices less their blur are
    weighted where they are bright, so that magnitudes are normal, and not at edges, and what the
    blur took is put back in the spectrum. The weights are smooth, so that the end of the measured
    k-space stays sharp. What is left of anatomy is at low frequencies. `noise` is how two volumes
    of a series differ, where there are two: it is read in place of the slices.
    """
    detail, weight, share = flattened(planes, planes if noise is None else noise)
    power = (np.abs(fft2(detail * weight)) ** 2).mean(axis=0, dtype=np.float64)
    rows, columns = (np.exp(-2 * (np.pi * fftfreq(size) * BLUR) ** 2) for size in planes.shape[1:])
    kept = (1 - rows[:, None] * columns) ** 2
    return _folded(power / np.maximum(kept, 1e-3)), share


def flattened(planes: Array, noise: Array) -> tuple[Array, Array, float]:
    """The noise less its blur, and how much each voxel tells of the noise, from 0 to 1.

    The third is the power of the first as a share of that of the slices, where they tell most.
    """
    blur = (0, BLUR, BLUR)
    detail: Array = noise - gaussian_filter(noise, blur, truncate=3)
    brightness = uniform_filter(planes, (0, 9, 9))
    bright = max(float(bright_end(brightness)), TINY)
    energy: Array = gaussian_filter(detail**2, blur, truncate=3)
    object_ = brightness > OBJECT * bright
    usual = float(percentile(energy[object_], 30)) if object_.any() else 0.0
    even = 1 / (1 + (energy / max(2.5 * usual, TINY)) ** 2)
    weight: Array = gaussian_filter(np.where(object_, even, 0), blur, truncate=3)
    weight *= np.minimum(brightness / bright, 1).astype(np.float32)
    signal = float(((brightness * weight) ** 2).sum())
    return detail, weight, float(((detail * weight) ** 2).sum()) / max(signal, TINY)


def _folded(power: Curve) -> Curve:
    """The four quarters of a spectrum on each other."""
    for axis in (0, 1):
        size = power.shape[axis]
        half = np.arange(size // 2 + 1)
        power = (power.take(half, axis) + power.take(-half % size, axis)) / 2
    return power


# --- the filters that explain it -----------------------------------------------------------------


def plane_filter(power: Curve, share: float) -> PlaneFilter:
    """The filters that explain a spectrum of `noise_power`, a round one among them if need be."""
    found = PlaneFilter(*filters_of(power, share))
    small = min(power.shape) <= LEAST_VOXELS // 2
    for _ in range(0 if small else 2):
        anatomy, _ = _anatomy(power, found.axes, share)
        corner = round_filter(power / anatomy, (found.rows.share, found.columns.share), share)
        if corner is None:
            break
        frequencies = [np.linspace(0, 1, size) for size in power.shape]
        around = replace(found, radius=corner.radius, width=corner.width)
        left = around.round(*frequencies) + corner.floor
        found = PlaneFilter(*filters_of(power, share, left), corner.radius, corner.width)
    return found


def filters_of(power: Curve, share: float, around: Curve | None = None) -> Two:
    """The filters along rows and columns that explain a spectrum of `noise_power`.

    Along each axis the spectrum is read in a band of high frequencies of the other axis, where
    noise is strong and anatomy weak at any frequency of this one; so bands and filters are found in
    turns. `share` is the power of the noise as a share of the signal's: where it is high, what a
    magnitude adds to the noise covers the frequencies that the filter keeps down. `around` is the
    power that a round filter leaves.
    """
    bands = [slice(int(0.25 * size), int(0.5 * size) + 1) for size in power.shape]
    none = AxisFilter(), AxisFilter()
    rows, columns = (_along(power, axis, bands[1 - axis], none, around) for axis in (0, 1))
    turn = cache(partial(_turn, power, share, around))  # both starts often come to the same
    ends = [
        turn(turn(start)) for start in ((rows, columns), (_untapered(rows), _untapered(columns)))
    ]
    return min(dict.fromkeys(ends), key=lambda end: _anatomy(power, end, share, around)[1])


def _untapered(one: AxisFilter) -> AxisFilter:
    return AxisFilter(share=one.share, half_from=one.half_from)


def _turn(power: Curve, share: float, around: Curve | None, found: Two) -> Two:
    """The filters once more, with the anatomy taken off that stands out behind those found."""
    anatomy, _ = _anatomy(power, found, share, around)
    bands = [_band(one, size - 1, share) for one, size in zip(found, power.shape, strict=True)]
    if around is not None:  # the high frequencies of both axes hold no noise
        bands = [slice(band.stop // 3, band.stop) for band in bands]
    straight = power / anatomy
    rows, columns = (_along(straight, axis, bands[1 - axis], found, around) for axis in (0, 1))
    return rows, columns


def _along(power: Curve, axis: int, band: slice, found: Two, around: Curve | None) -> AxisFilter:
    """The filter along one axis, from the noise in a band of the other."""
    if 2 * (power.shape[axis] - 1) < LEAST_VOXELS:
        return AxisFilter()
    profile = np.moveaxis(power, axis, 0)[:, band].mean(axis=1)
    if around is not None:
        other = found[1 - axis].power(np.linspace(0, 1, power.shape[1 - axis]))
        profile = profile / (np.moveaxis(around, axis, 0) * other)[:, band].mean(axis=1)
    return fit(profile)


LEAST_LEFT = (0.03, 0.15)
"""Noise is read where the filter leaves as much as the noise is of the signal, within these."""
SEEN = 0.1
"""Where a round filter leaves less of the noise's power, the spectrum is not read."""
ROUNDS = np.linspace(0.06, 1.4, 41)
"""Edges of the rings of frequencies in which anatomy and noise are separated, as shares."""
FALLS = np.array([2.0, 2.5, 3.0, 3.5, 4.0])
EQUAL = np.geomspace(0.02, 1.0, 24)


def _anatomy(
    power: Curve, found: Two, share: float, around: Curve | None = None
) -> tuple[Curve, float]:
    """The spectrum as a multiple of the noise's, as anatomy makes it; and how far that is off.

    With the filters divided out the noise is the same at all frequencies, and anatomy falls by a
    power of the frequency in all directions (Ruderman & Bialek 1994, Phys Rev Lett 73:814): how
    fast, and where they are equal, is found on rings.
    """
    least = float(np.clip(share, *LEAST_LEFT))
    rows, columns = (np.linspace(0, 1, size) for size in power.shape)
    radius = np.hypot(rows[:, None], columns)
    filters = [one.power(line) for one, line in zip(found, (rows, columns), strict=True)]
    seen = [left > least for left in filters]
    inside = seen[0][:, None] & seen[1] & (radius > ROUNDS[0])
    white = power / np.maximum(filters[0][:, None] * filters[1], 1e-6)
    if around is not None:
        inside &= around > SEEN
        white = white / around
    ring = np.digitize(radius[inside], ROUNDS)
    count = np.bincount(ring, minlength=len(ROUNDS) + 1)[1:-1]
    total = np.bincount(ring, white[inside], minlength=len(ROUNDS) + 1)[1:-1]
    full = count > 8
    if np.count_nonzero(full) < 6:
        return np.ones_like(power), 0.0
    level = np.log(total[full] / count[full])
    at = ((ROUNDS[1:] + ROUNDS[:-1]) / 2)[full]
    fall, equal = (one.ravel() for one in np.meshgrid(FALLS, EQUAL))
    apart = level - np.log1p((equal[:, None] / at) ** fall[:, None])
    apart = np.abs(apart - np.median(apart, axis=1, keepdims=True)).mean(axis=1)
    best = int(np.argmin(apart))
    anatomy: Curve = 1 + (equal[best] / np.maximum(radius, ROUNDS[0])) ** fall[best]
    left = np.log(white[inside] / anatomy[inside])
    return anatomy, float(np.abs(left - median(left)).mean())


def _band(found: AxisFilter, half: int, share: float) -> slice:
    """The high frequencies at which the filter leaves enough noise."""
    least = float(np.clip(share, *LEAST_LEFT))
    left = np.flatnonzero(found.power(np.arange(half + 1) / half) > least)
    last = max(1, min(int(0.95 * found.share * half), int(left[-1])))
    return slice(int((0.78 if least < 0.1 else 0.6) * last), last + 1)
