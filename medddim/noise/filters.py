"""What a scanner does to k-space along one axis, and what it makes of white noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

Curve = npt.NDArray[np.float64]

PARTIAL_WIDTH = 0.1
"""The width of the step of partial Fourier, as a share of the measured half of k-space."""
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
        cosines = np.cos(np.pi * np.arange(1, 4)[:, None] * _frequencies())
        one, two, three = (cosines @ self._sampled) / self._sampled.sum()
        return float(one), float(two), float(three)

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
    step = np.clip((v - half_from) / PARTIAL_WIDTH + 0.5, 0, 1) * (np.asarray(half_from) > 0)
    power: Curve = np.exp(-((np.asarray(gauss) * v) ** 2)) * window**2 * (1 - step / 2)
    return power * (v <= 1 + 1e-9)
