"""The noise's power spectrum along each axis of MR slices, and the filter that explains it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.fft import fft2, fftfreq
from scipy.ndimage import gaussian_filter, uniform_filter

from medddim.intensity import bright_end
from medddim.noise.filters import TINY, AxisFilter, Curve, power_at
from medddim.volume import Array

LEAST_VOXELS = 40
"""Along an axis of fewer voxels, the filter is not looked for."""

# --- the spectrum of the noise in slices ---------------------------------------------------------

BLUR = 2.5
"""Standard deviation in voxels of the blur that is taken away, and of the local energy."""
OBJECT = 0.2
"""Voxels darker than this share of the bright end are air, or nearly."""


def noise_power(planes: Array) -> Curve:
    """Power of the noise in slices `(slice, row, column)`, at the frequencies from 0 to Nyquist.

    Shape `(rows // 2 + 1, columns // 2 + 1)`. Anatomy is kept down: the slices less their blur are
    weighted where they are bright, so that magnitudes are normal, and not at edges, and what the
    blur took is put back in the spectrum. The weights are smooth, so that the end of the measured
    k-space stays sharp. What is left of anatomy is at low frequencies.
    """
    detail, weight = flattened(planes)
    power = (np.abs(fft2(detail * weight)) ** 2).mean(axis=0, dtype=np.float64)
    rows, columns = (np.exp(-2 * (np.pi * fftfreq(size) * BLUR) ** 2) for size in planes.shape[1:])
    kept = (1 - rows[:, None] * columns) ** 2
    return _folded(power / np.maximum(kept, 1e-3))


def flattened(planes: Array) -> tuple[Array, Array]:
    """The slices less their blur, and how much each voxel tells of the noise, from 0 to 1."""
    blur = (0, BLUR, BLUR)
    detail: Array = planes - gaussian_filter(planes, blur, truncate=3)
    brightness = uniform_filter(planes, (0, 9, 9))
    bright = max(float(bright_end(brightness)), TINY)
    energy: Array = gaussian_filter(detail**2, blur, truncate=3)
    object_ = brightness > OBJECT * bright
    usual = float(np.percentile(energy[object_], 30)) if object_.any() else 0.0
    even = 1 / (1 + (energy / max(2.5 * usual, TINY)) ** 2)
    weight: Array = gaussian_filter(np.where(object_, even, 0), blur, truncate=3)
    return detail, weight * np.minimum(brightness / bright, 1).astype(np.float32)


def _folded(power: Curve) -> Curve:
    """The four quarters of a spectrum on each other."""
    for axis in (0, 1):
        size = power.shape[axis]
        half = np.arange(size // 2 + 1)
        power = (power.take(half, axis) + power.take(-half % size, axis)) / 2
    return power


# --- the filters that explain it -----------------------------------------------------------------


def filters_of(power: Curve) -> tuple[AxisFilter, AxisFilter]:
    """The filters along rows and columns that explain a spectrum of `noise_power`.

    Along each axis the spectrum is read in a band of high frequencies of the other axis, where
    noise is strong and anatomy weak at any frequency of this one; so bands and filters are found in
    turns.
    """
    found = [AxisFilter(), AxisFilter()]
    bands = [slice(int(0.25 * size), int(0.5 * size) + 1) for size in power.shape]
    for _ in range(3):
        found = [_along(power, axis, bands[1 - axis]) for axis in (0, 1)]
        bands = [_band(one, size - 1) for one, size in zip(found, power.shape, strict=True)]
    return found[0], found[1]


def _along(power: Curve, axis: int, band: slice) -> AxisFilter:
    if 2 * (power.shape[axis] - 1) < LEAST_VOXELS:
        return AxisFilter()
    profile = (power[:, band] if axis == 0 else power[band]).mean(axis=1 - axis)
    return fit(profile)


def _band(found: AxisFilter, half: int) -> slice:
    """The high frequencies at which the filter leaves enough noise."""
    left = np.flatnonzero(found.power(np.arange(half + 1) / half) > 0.03)
    last = max(1, min(int(0.95 * found.share * half), int(left[-1])))
    return slice(int(0.55 * last), last + 1)


# --- one filter from one profile -----------------------------------------------------------------

BINS = 64
SHARES = np.arange(24, BINS + 1) / BINS
GAUSS = np.array([0, 0.4, 0.8, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 3])
ROLL = np.array([0, 0.15, 0.3, 0.6, 1.0])
HALF_FROM = np.array([0, 0.25, 0.5, 0.75])
SHARP = 2.2
"""A fall of the power by this factor, beyond that on both sides of it, ends the measured part."""
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
    end, fall = sharpest_fall(profile)
    library = _library()
    if fall > SHARP:
        library = library.only(np.abs(library.parameters[:, 0] - end) <= 1.01 / BINS)
    else:
        smooth = (library.parameters[:, 0] == 1) | (library.parameters[:, 2] >= 0.6)
        library = library.only(smooth)
    frequency = (np.arange(BINS) + 0.5) / BINS
    weight = np.clip((frequency - ANATOMY) / 0.15, 0, 1)
    if fall > SHARP:
        weight[np.abs(frequency - end) < 1.6 / BINS] = 0
    share, *others = library.parameters[_closest(_binned(profile), weight, library)]
    return AxisFilter(end if fall > SHARP else float(share), *map(float, others))


def sharpest_fall(profile: Curve) -> tuple[float, float]:
    """Where the power falls most sharply, as a share of Nyquist, and by which factor."""
    half = len(profile) - 1
    level = np.log(profile + 1e-9 * profile.max())
    width = 3 if half >= 48 else 2
    means = np.convolve(level, np.ones(width) / width, "valid")
    falls = np.zeros(half + 1)
    falls[width : half + 1 - width] = means[: half + 1 - 2 * width] - means[width + 1 :]
    beside = np.maximum(np.roll(falls, 2 * width), np.roll(falls, -2 * width))
    sharp = falls - np.maximum(beside, 0)
    first = int(0.35 * half)
    where = first + int(np.argmax(sharp[first : half - width]))
    return _half_way(profile, where) / half, float(np.exp(sharp[where]))


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


def _closest(profile: Curve, weight: Curve, library: _Library) -> int:
    """The row of the library that explains the profile best, by the mean deviation of its log."""
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
    return int(np.argmin(np.min(scores, axis=0)))


def _penalty(parameters: Curve) -> Curve:
    """The simpler of two filters that explain a profile nearly as well is taken."""
    _, _, roll, half_from = parameters.T
    partial: Curve = 0.003 * (roll > 0) + 0.01 * (half_from > 0) + 0.02 * (half_from == 0.25)
    return partial
