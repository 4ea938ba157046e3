"""The filter of k-space along one axis that explains one profile of the noise's spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from medddim.noise.filters import TINY, AxisFilter, Curve, power_at

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
MOST_SECOND_ORDER, MOST_CONSTANT = 0.35, 0.03
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
    ranges = (SHARES, GAUSS, ROLL, HALF_FROM)
    grid = np.stack(np.meshgrid(*ranges, indexing="ij"), -1).reshape(-1, 4)
    fine = (np.arange(4 * BINS) + 0.5) / (4 * BINS)
    apart = (one[..., None] for one in np.meshgrid(*ranges, indexing="ij", sparse=True))
    power = power_at(fine, *apart).reshape(len(grid), BINS, 4).mean(axis=2)
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
