"""The filter of k-space along one axis that explains one profile of the noise's spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from medddim.intensity import median
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
ANATOMY, COUNTS = 0.03, 0.06
"""Below this share of Nyquist a profile is of anatomy; it counts fully from so much above."""
FILTER, SECOND_ORDER, CONSTANT = range(3)
PARTS = (
    (FILTER,),
    (FILTER, SECOND_ORDER),
    (FILTER, CONSTANT),
    (FILTER, SECOND_ORDER, CONSTANT),
)
"""What a profile is explained by, together."""
MOST = {SECOND_ORDER: 0.35, CONSTANT: 0.03}
"""How strong, as shares of the noise at frequency 0, what the filter does not explain may be."""
EACH, FURTHEST = 0.001, 0.7
"""What each of them counts against a fit, and how far off the log of the profile is at most."""
RIDGE = 1e-6
"""What keeps curves apart that are alike."""


@dataclass(frozen=True)
class _Library:
    """Filters, one a row of `parameters`, and their curves `(filter, bin)`."""

    parameters: Curve
    power: Curve
    second: Curve

    def only(self, used: npt.NDArray[np.bool_] | slice) -> _Library:
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


@lru_cache(maxsize=1)
def _smooth() -> _Library:
    """The filters without a sharp end."""
    library = _library()
    shares, gauss, roll, half_from = library.parameters.T
    ends_smoothly = (roll >= 0.6) & np.isin(gauss, (0, 1, 2)) & (half_from == 0)
    return library.only((shares == 1) | ends_smoothly)


def _ending_near(end: float) -> _Library:
    """The filters whose measured part ends near a share of Nyquist; they follow on each other."""
    near = np.flatnonzero(np.abs(SHARES - end) <= 1.01 / BINS)
    each = len(_library().parameters) // len(SHARES)
    return _library().only(slice(near[0] * each, (near[-1] + 1) * each) if near.size else slice(0))


def fit(profile: Curve) -> AxisFilter:
    """The filter whose spectrum is closest to `profile`, power at 0 ... Nyquist along an axis.

    To the spectrum of the filter are added, as far as they help, what a magnitude adds beyond it
    (the square of the noise across the signal; its spectrum is that of the noise convolved with
    itself) and a constant (rounding). Where the power falls sharply, the measured part ends.
    """
    frequency = (np.arange(BINS) + 0.5) / BINS
    weight = np.clip((frequency - ANATOMY) / COUNTS, 0, 1)
    means = _binned(profile)
    smooth = _smooth()
    row, best = _closest(means, weight, smooth)
    found = AxisFilter(*map(float, smooth.parameters[row]))
    for end, fall in sharp_falls(profile):
        near = _ending_near(end)
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
    scaled: Curve = means / median(means)
    return scaled


def _closest(profile: Curve, weight: Curve, library: _Library) -> tuple[int, float]:
    """The row of the library that explains the profile best, and the mean deviation of its log."""
    curves = [library.power, library.second, np.ones((1, BINS))]
    gram, target, norm = _products(curves, weight, profile)
    level, share = np.log(profile), weight / weight.sum()
    scores = np.full((len(PARTS), len(library.power)), np.inf)
    for score, parts in zip(scores, PARTS, strict=True):
        size = _solved(gram[np.ix_(parts, parts)], target[list(parts)])
        fits = (size >= 0).all(axis=0)
        used = slice(None) if fits.all() else np.flatnonzero(fits)  # a slice copies nothing
        size = size[:, used] / norm[list(parts)][:, used]
        model = curves[0][used] * size[0, :, None]
        for part, one in zip(parts[1:], size[1:], strict=True):
            curve = curves[part] if part == CONSTANT else curves[part][used]
            model += np.minimum(one, MOST[part] * size[0])[:, None] * curve
        apart = np.log(np.maximum(model, 1e-12, out=model), out=model)
        apart -= level
        np.minimum(np.abs(apart, out=apart), FURTHEST, out=apart)
        score[used] = apart @ share + EACH * len(parts)
    best = scores.min(axis=0) + _penalty(library.parameters)
    row = int(np.argmin(best))
    return row, float(best[row])


def _products(curves: list[Curve], weight: Curve, profile: Curve) -> tuple[Curve, Curve, Curve]:
    """Products of the curves, as shares of the profile, with each other and with 1; their norms.

    Shapes are `(curve, curve, filter)` and `(curve, filter)`; the curves are of norm 1 in them.
    """
    inner, count = weight / profile**2, len(curves[0])
    norm, target = np.empty((2, len(curves), count))
    gram = np.empty((len(curves), *norm.shape))
    for row, one in enumerate(curves):
        norm[row] = np.sqrt((one * one) @ inner)
        target[row] = one @ (weight / profile) / norm[row]
        gram[row, row] = 1 + RIDGE
        for column, other in enumerate(curves[:row]):
            alike = (one * other) @ inner / (norm[row] * norm[column])
            gram[row, column] = gram[column, row] = alike
    return gram, target, norm


def _solved(gram: Curve, target: Curve) -> Curve:
    """The solutions `(unknown, filter)` of small systems `(unknown, unknown, filter)`, all at once.

    By elimination; `numpy.linalg.solve` takes them one after the other.
    """
    for row in range(len(target)):
        for below in range(row + 1, len(target)):
            factor = gram[below, row] / gram[row, row]
            gram[below] -= factor * gram[row]
            target[below] -= factor * target[row]
    for row in reversed(range(len(target))):
        for known in range(row + 1, len(target)):
            target[row] -= gram[row, known] * target[known]
        target[row] /= gram[row, row]
    return target


def _penalty(parameters: Curve) -> Curve:
    """The simpler of two filters that explain a profile nearly as well is taken."""
    _, _, roll, half_from = parameters.T
    partial: Curve = 0.003 * (roll > 0) + 0.01 * (half_from > 0)
    return partial
