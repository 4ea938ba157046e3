"""What a scanner does to k-space along one axis, and what it makes of white noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]

PARTIAL_WIDTH = 0.1
"""Over what the power falls to a half where partial Fourier ends, as a share of the measured half
of k-space: the taper lies within what was acquired."""
FINE = 512
"""Frequencies between 0 and Nyquist at which a filter is sampled when sums are taken."""
TINY = float(np.finfo(np.float32).tiny)
"""So little is nothing, but may be divided by."""
TAPERS = np.linspace(0, 4, 401)


@dataclass(frozen=True)
class AxisFilter:
    """The filter of k-space along one axis; `AxisFilter()` leaves white noise white.

    `share` is the measured share of k-space: what lies beyond is zero-filled. Within it, with v
    the frequency as a share of where the measured part ends, the amplitude is
    exp(-`gauss`^2 v^2 / 2), times a Tukey window that falls to 0 over the outer `roll` (1 is a
    Hann window; Harris 1978, eq. 33), and the power is halved beyond v = `half_from`, where one
    side alone was measured (partial Fourier, filled with zeros); 0 where it was not.
    """

    share: float = 1.0
    gauss: float = 0.0
    roll: float = 0.0
    half_from: float = 0.0

    def power(self, frequency: npt.ArrayLike) -> Curve:
        """The noise power relative to that at 0, at shares of the image's Nyquist frequency."""
        return power_at(np.asarray(frequency), self.share, self.gauss, self.roll, self.half_from)

    @cached_property
    def mean_power(self) -> float:
        """The noise power that is left of white noise of power 1."""
        return float(self._sampled.mean())

    @cached_property
    def correlation(self) -> tuple[float, float, float]:
        """The noise's correlation to the voxel 1, 2 and 3 on: the cosine transform of the power."""
        return _correlation(self._sampled)

    def covariance(self, count: int) -> Curve:
        """The noise's correlation to the voxel itself (1) and up to `count` - 1 voxels on."""
        frequency, power = _frequencies(), self._sampled
        lags: Curve = np.cos(np.pi * np.arange(count)[:, None] * frequency) @ power / power.sum()
        return lags

    @cached_property
    def taper(self) -> float:
        """The s of the Gaussian amplitude exp(-s^2 v^2 / 2) that is closest to the filter's."""
        v = _frequencies()
        amplitude = np.sqrt(self.power(v * self.share))
        apart = np.exp(-((TAPERS[:, None] * v) ** 2) / 2) - amplitude
        return float(TAPERS[np.argmin((apart**2).sum(axis=1))])

    @property
    def edge(self) -> float:
        """The amplitude that is left where the measured k-space ends."""
        return float(np.sqrt(self.power(self.share * (1 - 1e-6))))

    @cached_property
    def usable(self) -> float:
        """The share of k-space in which at least a tenth of the noise power is left."""
        kept = np.flatnonzero(self._sampled >= 0.1)
        return float(min(self.share, (kept[-1] + 1) / FINE)) if kept.size else self.share

    @cached_property
    def _sampled(self) -> Curve:
        return self.power(_frequencies())


@dataclass(frozen=True)
class Round:
    """A filter of the distance from the centre of k-space, within the plane of two spatial axes.

    `radius` and `width` are those of `PlaneFilter`.
    """

    radius: float
    width: float
    axes: tuple[int, int]


@dataclass(frozen=True)
class PlaneFilter:
    """The filters along rows and columns, and one of the distance from the centre of k-space.

    Many scanners filter, or measure, a round part of k-space: the amplitude is multiplied by a
    Fermi function that is a half at `radius` and falls over `width`, where 1 is the distance at
    which the measured part of an axis ends (Bernstein, King & Zhou 2004, sect. 13.2); a radius
    of 0 is no such filter.
    """

    rows: AxisFilter
    columns: AxisFilter
    radius: float = 0.0
    width: float = 0.0

    @property
    def axes(self) -> tuple[AxisFilter, AxisFilter]:
        """The filters along rows and columns."""
        return self.rows, self.columns

    def round(self, rows: Curve, columns: Curve) -> Curve:
        """The power that the round filter leaves `(row, column)`, at shares of Nyquist."""
        if not self.radius:
            return np.ones((len(rows), len(columns)))
        far = np.hypot(rows[:, None] / self.rows.share, columns / self.columns.share)
        return fermi_power(far, self.radius, self.width)

    def power(self, rows: Curve, columns: Curve) -> Curve:
        """The noise power relative to that at 0 `(row, column)`, at shares of Nyquist."""
        along = self.rows.power(rows)[:, None] * self.columns.power(columns)
        return along * self.round(rows, columns)

    @property
    def mean_power(self) -> float:
        """The noise power that is left of white noise of power 1."""
        if not self.radius:
            return self.rows.mean_power * self.columns.mean_power
        return float(self._sampled.mean())

    @property
    def correlation(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """The noise's correlation to the voxel 1, 2 and 3 on, along rows and along columns."""
        if not self.radius:
            return self.rows.correlation, self.columns.correlation
        profiles = self._sampled.mean(axis=1), self._sampled.mean(axis=0)
        first, second = (_correlation(one) for one in profiles)
        return first, second

    @property
    def usable(self) -> tuple[float, float]:
        """The shares of k-space along both axes in which a tenth of the noise power is left."""
        if not self.radius:
            return self.rows.usable, self.columns.usable
        least = self.radius + self.width * np.log(np.sqrt(10) - 1)
        inside = min(1.0, float(least) / np.sqrt(2))
        rows, columns = (min(one.usable, inside * one.share) for one in self.axes)
        return rows, columns

    @cached_property
    def _sampled(self) -> Curve:
        fine = (np.arange(FINE // 2) + 0.5) / (FINE // 2)
        return self.power(fine, fine)


def fermi_power(far: Curve, radius: float | Curve, width: float | Curve) -> Curve:
    """The square of the Fermi function 1 / (1 + exp((far - radius) / width))."""
    power: Curve = (1 + np.exp((far - radius) / width)) ** -2.0
    return power


def _correlation(power: Curve) -> tuple[float, float, float]:
    """At 1, 2 and 3 voxels, of noise whose power is sampled evenly from 0 to Nyquist."""
    frequency = (np.arange(len(power)) + 0.5) / len(power)
    one, two, three = np.cos(np.pi * np.arange(1, 4)[:, None] * frequency) @ power / power.sum()
    return float(one), float(two), float(three)


@lru_cache(maxsize=1)
def _frequencies() -> Curve:
    return (np.arange(FINE) + 0.5) / FINE


def power_at(
    frequency: Curve,
    share: float | Curve,
    gauss: float | Curve,
    roll: float | Curve,
    half_from: float | Curve,
) -> Curve:
    """The power of filters at frequencies, in shares of Nyquist; all broadcast."""
    v = np.abs(frequency) / share
    tail = np.clip((v - 1 + roll) / np.maximum(roll, 1e-6), 0, 1)
    window = 0.5 + 0.5 * np.cos(np.pi * tail)
    step = np.clip((v - half_from) / PARTIAL_WIDTH + 1, 0, 1) * (np.asarray(half_from) > 0)
    power: Curve = np.exp(-((np.asarray(gauss) * v) ** 2)) * window**2 * (1 - step / 2)
    return power * (v <= 1 + 1e-9)
