"""The noise's power spectrum along each axis of MR slices, and the filter that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.fft import fft2, fftfreq
from scipy.ndimage import gaussian_filter, maximum_filter1d, uniform_filter

from medddim.intensity import bright_end
from medddim.noise.filters import TINY, AxisFilter, Curve, power_at
from medddim.volume import Array

LEAST_VOXELS = 40
"""Along an axis of fewer voxels, the filter is not looked for."""

BLUR = 2.5  # standard deviation in voxels of the blur taken away, and of the local energy
OBJECT = 0.2  # voxels darker than this share of the bright end are air, or nearly


def noise_power(planes: Array) -> tuple[Curve, float]:
    """Power of the noise in slices `(slice, row, column)`, at the frequencies from 0 to Nyquist.

    Shape `(rows // 2 + 1, columns // 2 + 1)`; with it comes the power of the noise as a share of
    that of the signal, roughly. Anatomy is kept down: the slices less their blur are
    weighted where they are bright, so that magnitudes are normal, and not at edges, and what the
    blur took is put back in the spectrum. The weights are smooth, so that the end of the measured
    k-space stays sharp. What is left of anatomy is at low frequencies.
    """
    detail, weight, share = flattened(planes)
    power = (np.abs(fft2(detail * weight)) ** 2).mean(axis=0, dtype=np.float64)
    rows, columns = (np.exp(-2 * (np.pi * fftfreq(size) * BLUR) ** 2) for size in planes.shape[1:])
    kept = (1 - rows[:, None] * columns) ** 2
    return _folded(power / np.maximum(kept, 1e-3)), share


def flattened(planes: Array) -> tuple[Array, Array, float]:
    """The slices less their blur, and how much each voxel tells of the noise, from 0 to 1.

    The third is the power of the first as a share of that of the slices, where they tell most.
    """
    blur = (0, BLUR, BLUR)
    detail: Array = planes - gaussian_filter(planes, blur, truncate=3)
    brightness = uniform_filter(planes, (0, 9, 9))
    bright = max(float(bright_end(brightness)), TINY)
    energy: Array = gaussian_filter(detail**2, blur, truncate=3)
    object_ = brightness > OBJECT * bright
    usual = float(np.percentile(energy[object_], 30)) if object_.any() else 0.0
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


def filters_of(power: Curve, share: float) -> tuple[AxisFilter, AxisFilter]:
    """The filters along rows and columns that explain a spectrum of `noise_power`.

    Along each axis the spectrum is read in a band of high frequencies of the other axis, where
    noise is strong and anatomy weak at any frequency of this one; so bands and filters are found in
    turns. `share` is the power of the noise as a share of the signal's: where it is high, what a
    magnitude adds to the noise covers the frequencies that the filter keeps down.
    """
    bands = [slice(int(0.25 * size), int(0.5 * size) + 1) for size in power.shape]
    first = [_along(power, axis, bands[1 - axis]) for axis in (0, 1)]
    untapered = [AxisFilter(share=one.share, half_from=one.half_from) for one in first]
    ends = [_in_turns(power, start, share) for start in (first, untapered)]
    found, _ = min(ends, key=lambda end: end[1])
    return found[0], found[1]


def _in_turns(
    power: Curve, found: list[AxisFilter], share: float
) -> tuple[list[AxisFilter], float]:
    """Anatomy and filters, each found with the other taken off; and how far off they are."""
    for _ in range(TURNS):
        anatomy, _ = _anatomy(power, found, share)
        bands = [_band(one, size - 1, share) for one, size in zip(found, power.shape, strict=True)]
        found = [_along(power / anatomy, axis, bands[1 - axis]) for axis in (0, 1)]
    return found, _anatomy(power, found, share)[1]


def _along(power: Curve, axis: int, band: slice) -> AxisFilter:
    if 2 * (power.shape[axis] - 1) < LEAST_VOXELS:
        return AxisFilter()
    profile = (power[:, band] if axis == 0 else power[band]).mean(axis=1 - axis)
    return fit(profile)


TURNS = 2
LEAST_LEFT = (0.03, 0.15)
"""Noise is read where the filter leaves as much as the noise is of the signal, within these."""
ROUNDS = np.linspace(0.06, 1.4, 41)
"""Edges of the rings of frequencies in which anatomy and noise are separated, as shares."""
FALLS = np.array([2.0, 2.5, 3.0, 3.5, 4.0])
EQUAL = np.geomspace(0.02, 1.0, 24)


def _anatomy(power: Curve, found: list[AxisFilter], share: float) -> tuple[Curve, float]:
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
    return anatomy, float(np.abs(left - np.median(left)).mean())


def _band(found: AxisFilter, half: int, share: float) -> slice:
    """The high frequencies at which the filter leaves enough noise."""
    least = float(np.clip(share, *LEAST_LEFT))
    left = np.flatnonzero(found.power(np.arange(half + 1) / half) > least)
    last = max(1, min(int(0.95 * found.share * half), int(left[-1])))
    return slice(int((0.78 if least < 0.1 else 0.6) * last), last + 1)


# --- one filter from one profile -----------------------------------------------------------------

BINS = 64
SHARES = np.arange(16, BINS + 1) / BINS
GAUSS = np.array([0, 0.4, 0.8, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3])
ROLL = np.array([0, 0.15, 0.3, 0.6, 1.0])
HALF_FROM = np.array([0, 0.25, 0.5, 0.75])
SHARP, LEAST_SHARP = 2.2, 1.2
"""A fall of the power by this factor, beyond that on both sides of it, surely ends the measured
part; one by less may."""
CERTAIN = 0.01
"""How much a certain end counts against a closer curve without one, for each unit of its log."""
ANATOMY = 0.06
"""Below this share of Nyquist a profile is of anatomy; it counts fully from 0.15 above."""
MOST_SECOND_ORDER, MOST_CONSTANT = 0.1, 0.03
"""How strong, as shares of the noise at frequency 0, what the filter does not explain may be."""


@dataclass(frozen=True)
class _Library:
    """Filters, one a row of `parameters`, and their curves `(filter, bin)`."""

    parameters: Curve
    power: Curve
    second: Curve

    def only(self, used: npt.NDArray[np.bool_]) -> _Library:
        return _Library(self.parameters[used], self.power[used], self.second[used])


@lru_cache(maxsize=1)
def _library() -> _Library:
    """Every filter on the grid, and its spectrum convolved with itself: see `fit`."""
    grid = np.stack(np.meshgrid(SHARES, GAUSS, ROLL, HALF_FROM, indexing="ij"), -1).reshape(-1, 4)
    fine = (np.arange(4 * BINS) + 0.5) / (4 * BINS)
    power = power_at(fine, *grid.T[..., None]).reshape(len(grid), BINS, 4).mean(axis=2)
    both = np.concatenate([power, power[:, ::-1]], axis=1)
    square = np.fft.irfft(np.fft.rfft(both) ** 2)
    second = (square[:, np.r_[-1, : BINS - 1]] + square[:, :BINS]) / 2
    return _Library(grid, power, second / second.max(axis=1, keepdims=True))


def fit(profile: Curve) -> AxisFilter:
    """The filter whose spectrum is closest to `profile`, power at 0 ... Nyquist along an axis.

    To the spectrum of the filter are added, as far as they help, what a magnitude adds beyond it
    (the square of the noise across the signal; its spectrum is that of the noise convolved with
    itself) and a constant (rounding). Where the power falls sharply, the measured part ends.
    """
    frequency = (np.arange(BINS) + 0.5) / BINS
    weight = np.clip((frequency - ANATOMY) / 0.15, 0, 1)
    means = _binned(profile)
    library = _library()
    shares, gauss, roll, half_from = library.parameters.T
    ends_smoothly = (roll >= 0.6) & np.isin(gauss, (0, 1, 2)) & (half_from == 0)
    smooth = library.only((shares == 1) | ends_smoothly)
    row, best = _closest(means, weight, smooth)
    found = AxisFilter(*map(float, smooth.parameters[row]))
    for end, fall in sharp_falls(profile):
        near = library.only(np.abs(shares - end) <= 1.01 / BINS)
        if not len(near.parameters):  # below every share that scanners measure
            continue
        away = np.where(np.abs(frequency - end) < 1.6 / BINS, 0, weight)
        row, score = _closest(means, away, near)
        score -= CERTAIN * min(np.log(fall), np.log(SHARP))
        if score < best:
            best, found = score, AxisFilter(end, *map(float, near.parameters[row, 1:]))
    return found


def sharp_falls(profile: Curve) -> list[tuple[float, float]]:
    """Where the power falls sharply, as shares of Nyquist, and by which factors; the 3 sharpest.

    What it falls beside them is taken off: a filter falls too.
    """
    half = len(profile) - 1
    level = np.log(profile + 1e-9 * profile.max())
    width = 3 if half >= 48 else 2
    means = np.convolve(level, np.ones(width) / width, "valid")
    falls = np.zeros(half + 1)
    falls[width : half + 1 - width] = means[: half + 1 - 2 * width] - means[width + 1 :]
    beside = np.maximum(np.roll(falls, 2 * width), np.roll(falls, -2 * width))
    sharp = falls - np.maximum(beside, 0)
    inside = np.arange(int(0.28 * half), half - width)
    peaks = inside[maximum_filter1d(sharp, 2 * width + 1)[inside] == sharp[inside]]
    peaks = peaks[np.argsort(-sharp[peaks])][:3]
    return [
        (_half_way(profile, peak) / half, float(np.exp(sharp[peak])))
        for peak in peaks
        if sharp[peak] > np.log(LEAST_SHARP)
    ]


def _half_way(profile: Curve, where: int) -> float:
    """Where, near a sharp fall, the power is half of what it was before.

    The weights spread the fall over some frequencies; the power, not its log, is halved in the
    middle.
    """
    before = profile[max(where - 5, 0) : max(where - 2, 1)].mean() / 2
    for one in range(max(where - 3, 1), min(where + 4, len(profile))):
        if profile[one] < before:
            above = profile[one - 1] - profile[one]
            return one - float(np.clip((before - profile[one]) / max(above, 1e-300), 0, 1))
    return float(where)


def _binned(profile: Curve) -> Curve:
    """Means over bins from 0 to Nyquist, in units of their median."""
    half = len(profile) - 1
    total = np.concatenate([[0], np.cumsum((profile[1:] + profile[:-1]) / 2)])
    means = np.diff(np.interp(np.linspace(0, half, BINS + 1), np.arange(half + 1), total))
    least = max(float(means.max()) * 1e-9, TINY)
    means = np.maximum(means, least)
    scaled: Curve = means / np.median(means)
    return scaled


def _closest(profile: Curve, weight: Curve, library: _Library) -> tuple[int, float]:
    """The row of the library that explains the profile best, and the mean deviation of its log."""
    curves = np.stack([library.power, library.second, np.ones_like(library.power)], axis=-1)
    scaled = curves * (np.sqrt(weight) / profile)[:, None]
    norm = np.sqrt((scaled**2).sum(axis=1, keepdims=True))
    scaled = scaled / norm
    gram = scaled.swapaxes(1, 2) @ scaled + 1e-6 * np.eye(3)
    target = np.sqrt(weight) @ scaled
    penalty = _penalty(library.parameters)
    scores = []
    for parts in ([0], [0, 1], [0, 2], [0, 1, 2]):
        size = np.linalg.solve(gram[:, parts][:, :, parts], target[:, parts, None])[..., 0]
        worse = (size < 0).any(axis=1)
        size = np.maximum(size, 0) / norm[:, 0, parts]
        for column, part in enumerate(parts[1:], 1):
            most = (0, MOST_SECOND_ORDER, MOST_CONSTANT)[part]
            size[:, column] = np.minimum(size[:, column], most * size[:, 0])
        model = np.maximum((curves[..., parts] @ size[..., None])[..., 0], 1e-12)
        apart = np.minimum(np.abs(np.log(profile / model)), 0.7)
        scores.append(apart @ weight / weight.sum() + penalty + 0.001 * len(parts) + 9 * worse)
    best = np.min(scores, axis=0)
    return int(np.argmin(best)), float(best.min())


def _penalty(parameters: Curve) -> Curve:
    """The simpler of two filters that explain a profile nearly as well is taken."""
    _, _, roll, half_from = parameters.T
    partial: Curve = 0.003 * (roll > 0) + 0.01 * (half_from > 0) + 0.02 * (half_from == 0.25)
    return partial
