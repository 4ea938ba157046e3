"""The texture of CT noise: its radial power spectrum, and which reconstruction makes such noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from medddim.intensity import percentile
from medddim.noise.level import spread
from medddim.noise.planes import Slabs
from medddim.volume import Array

Looks = Literal["filtered back-projection", "smooth kernel", "iterative or learned", "cannot tell"]
Values = npt.NDArray[np.float64]

SIDE_MM, LEAST_PIXELS = 24.0, 16
"""The side of the squares whose spectrum is taken: as wide as even soft tissue is."""
TISSUE_HU, INSIDE, NOISES = 200.0, 0.99, 4.0
"""So many of a square's pixels lie between minus and plus this, or 4 times the noise if more."""
QUIET, FEWEST = 0.05, 8
"""The share of the squares, the quietest, that are read: anatomy is in the others; at least 8."""
LEAST_HU = 1e-3
"""Squares of less are of one value: not measured."""
NEAR_PER_MM, LOW_PER_MM, HIGH_PER_MM = 0.04, 0.08, 0.2
"""Where the spectrum is compared; below the first, squares of this side tell nothing."""
RISES, BY_CHANCE = 1.15, 0.3
"""The power rises if it reaches so much of its least below: anatomy and smoothed noise only fall.

Of few squares it must rise by more: by the second over the root of their number.
"""
FALLS, KERNEL_FALLS = 0.35, 0.2
"""Power that is so little at 0.2 per mm, of that at 0.08, is concentrated low; by a kernel alone,
only if it is less than the second: streaks of low dose concentrate it somewhat."""
ENOUGH = 16
"""Of fewer squares, only a rise is believed."""
EVEN_TAIL, UNEVEN_TAIL, VERY_UNEVEN = 1.15, 1.25, 2.0
"""The largest hundredth of the detail, where normal noise has 1. A filter leaves noise normal."""
LEVEL_START, STEEP_START = 1.3, 1.6
"""Power at 0.04 per mm over that at 0.08: anatomy falls by more than smoothed noise does."""


@dataclass(frozen=True)
class CtTexture:
    """How the noise of a CT scan is made up, within its slices.

    `power` is the radial noise power spectrum at the frequencies `per_mm`, relative to its largest
    value (ICRU report 87, sect. 5); `peak_per_mm` is where that is, or where the power has risen
    most, which anatomy at low frequencies may hide; `mean_per_mm` is the mean frequency of the
    power in two dimensions. `tail` is how large the largest hundredth of the
    finest detail is, where normal noise has 1. `squares` were read. `looks` is what makes such
    noise: "filtered back-projection" (the power rises with the frequency, then falls), "smooth
    kernel" (it is concentrated low, and normal), "iterative or learned" (concentrated low, and of
    uneven size: it depends on edges), or "cannot tell".
    """

    per_mm: tuple[float, ...]
    power: tuple[float, ...]
    peak_per_mm: float
    mean_per_mm: float
    tail: float
    squares: int
    looks: Looks

    @property
    def facts(self) -> dict[str, Any]:
        """All of it as plain values, rounded: for JSON."""
        return {
            "looks": self.looks,
            "peak_per_mm": round(self.peak_per_mm, 3),
            "mean_per_mm": round(self.mean_per_mm, 3),
            "tail": round(self.tail, 2),
            "squares": self.squares,
            "per_mm": [round(one, 3) for one in self.per_mm],
            "power": [round(one, 3) for one in self.power],
        }

    @property
    def summary(self) -> str:
        """One line for people."""
        looks = {
            "filtered back-projection": "rises and falls, as that of filtered back-projection",
            "smooth kernel": "is concentrated low, as that of a smooth kernel",
            "iterative or learned": (
                "is concentrated low and uneven, as after iterative or learned reconstruction"
            ),
            "cannot tell": "does not tell how the scan was reconstructed",
        }[self.looks]
        where = f"peak at {self.peak_per_mm:.2f}, mean {self.mean_per_mm:.2f} per mm"
        return f"the noise power spectrum ({where}) {looks}"


def ct_texture(slabs: Slabs, pixel_mm: float, level: float) -> CtTexture | None:
    """The texture of CT slices in HU whose noise is of this `level`; None without even soft tissue.

    Squares of 24 mm in soft tissue, each less its parabola, the quietest of them. The verdict rests
    on this: what filtered back-projection makes of white projections has a power that rises with
    the frequency, up to where the kernel cuts it off (Riederer, Pelc & Chesler 1978, Phys Med Biol
    23:446), and is normal. Anatomy, and noise that was smoothed, only fall; a filter leaves noise
    normal, what spares edges does not. Where there is less anatomy, in how neighbouring slices
    differ, a rise counts as well.
    """
    side = max(LEAST_PIXELS, 2 * round(SIDE_MM / pixel_mm / 2))
    limit = max(TISSUE_HU, NOISES * level)
    quiet = _quiet(slabs.planes, side, limit)
    if len(quiet) < FEWEST:
        return None
    power, even = _spectrum(quiet)
    per_mm = np.arange(1, len(power) + 1) / (side * pixel_mm)
    rises = max(
        (_rises(one) for one in (quiet, _quiet(_differences(slabs, limit), side, limit))),
        key=lambda one: float(one.max()),
    )
    tail = _tail(quiet / quiet.std(axis=(1, 2), keepdims=True))
    looks = _looks(per_mm, power, float(rises.max()), tail, len(quiet))
    peak = rises if looks == "filtered back-projection" else even
    return CtTexture(
        tuple(map(float, per_mm)),
        tuple(map(float, power)),
        float(per_mm[np.argmax(peak)]),
        float((power * per_mm**2).sum() / (power * per_mm).sum()),
        tail,
        len(quiet),
        looks,
    )


def _looks(per_mm: Values, power: Values, rise: float, tail: float, squares: int) -> Looks:
    near, low, high = np.interp([NEAR_PER_MM, LOW_PER_MM, HIGH_PER_MM], per_mm, power)
    if rise >= RISES and tail < EVEN_TAIL:
        return "filtered back-projection"
    concentrated = high <= FALLS * low and rise < RISES and squares >= ENOUGH
    if (
        concentrated
        and high <= KERNEL_FALLS * low
        and tail < EVEN_TAIL
        and near < LEVEL_START * low
    ):
        return "smooth kernel"
    if concentrated and (tail > VERY_UNEVEN or (tail > UNEVEN_TAIL and near < STEEP_START * low)):
        return "iterative or learned"
    return "cannot tell"


def _quiet(planes: Array, side: int, limit: float) -> Values:
    """The quietest squares of soft tissue `(square, row, column)`, each less its parabola."""
    found = list(_tissue(planes, side, limit)) if min(planes.shape[1:]) >= side else []
    if not found:
        return np.zeros((0, side, side))
    flat = np.concatenate(found).reshape(-1, side**2).astype(np.float64)
    basis = _parabolas(side)
    squares = (flat - (flat @ basis) @ basis.T).reshape(-1, side, side)
    deviation = squares.std(axis=(1, 2))
    order = np.argsort(deviation)
    quiet: Values = squares[order[deviation[order] > LEAST_HU]]
    return quiet[: max(FEWEST, int(QUIET * len(quiet)))]


def _differences(slabs: Slabs, limit: float) -> Array:
    """How neighbouring slices differ, over the root of 2; beyond the limit where not of tissue."""
    pairs = []
    for run in slabs.runs:
        first, second = slabs.planes[run][:-1], slabs.planes[run][1:]
        tissue = np.maximum(np.abs(first), np.abs(second)) < limit
        apart = (second - first) * np.float32(np.sqrt(0.5))
        pairs.append(np.where(tissue, apart, np.float32(2 * limit)))
    return np.concatenate(pairs)


def _spectrum(squares: Values) -> tuple[Values, Values]:
    """The radial power from the first frequency on, relative to its largest; and smoothed."""
    power = (_radial(squares) / _of_white(squares.shape[-1]))[1:]
    power = power / power.max()
    return power, np.convolve(np.pad(power, 1, "edge"), [0.25, 0.5, 0.25], "valid")


def _rises(squares: Values) -> Values:
    """By what the power exceeds its least below, less what it does by chance; 0 of few squares."""
    if len(squares) < FEWEST:
        return np.zeros(1)
    _, even = _spectrum(squares)
    rises: Values = even / np.minimum.accumulate(even) - BY_CHANCE / np.sqrt(len(squares))
    return rises


def _tissue(planes: Array, side: int, limit: float) -> Iterator[Array]:
    places = np.lib.stride_tricks.sliding_window_view(planes, (side, side), axis=(1, 2))
    places = places[:, :: side // 2, :: side // 2]
    for row in range(places.shape[1]):
        squares = places[:, row].reshape(-1, side, side)
        yield squares[(np.abs(squares) < limit).mean(axis=(1, 2)) > INSIDE]


@lru_cache(maxsize=8)
def _parabolas(side: int) -> Values:
    """An orthonormal basis of the surfaces of second order, `(pixel, surface)`."""
    line = np.linspace(-1, 1, side)
    y, x = (one.ravel() for one in np.meshgrid(line, line, indexing="ij"))
    basis: Values = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=-1))[0]
    return basis


def _radial(squares: Values) -> Values:
    """The mean power of the squares at whole frequencies from 0 up, under a Hann window."""
    side = squares.shape[-1]
    window = np.hanning(side + 2)[1:-1]
    power = (np.abs(np.fft.fft2(squares * window[:, None] * window)) ** 2).mean(axis=0)
    line = np.fft.fftfreq(side) * side
    ring = np.rint(np.hypot(line[:, None], line)).astype(int).ravel()
    total = np.bincount(ring, power.ravel())[: side // 2 + 1]
    means: Values = total / np.bincount(ring)[: side // 2 + 1]
    return means


@lru_cache(maxsize=8)
def _of_white(side: int) -> Values:
    """What white noise gives, less its parabola and under the window."""
    white = np.random.default_rng(0).standard_normal((256, side**2))
    basis = _parabolas(side)
    return _radial((white - (white @ basis) @ basis.T).reshape(-1, side, side))


def _tail(squares: Values) -> float:
    """How large the largest hundredth of the diagonal differences is, where normal noise has 1."""
    rows = np.diff(squares, axis=1)
    size = np.abs(np.diff(rows, axis=2))
    usual = spread(size.astype(np.float32))
    return float(percentile(size, 99)) / (2.576 * usual) if usual else 1.0
