"""One axis of k-space: which part of it was measured, and what the scanner multiplied it by.

What a scanner does to k-space it does to the noise as well: zero filling, a raw filter and partial
Fourier make white noise correlated. All of it is a response along each axis, so that the noise of
an image has the power spectrum of their product squared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from medddim.errors import RequestProblem

Response = npt.NDArray[np.float32]
Power = npt.NDArray[np.float64]
Filter = Literal["none", "gaussian", "hann", "tukey", "fermi"]

LAGS = (1, 2)
"""Distances in voxels at which the correlation of the noise is described."""
PARTIAL_EDGE = 10
"""Lines over which the edge of a partial Fourier acquisition is tapered."""
FERMI_RADIUS = 0.9
"""Where a Fermi filter has fallen to a half, as a share of the measured k-space."""


@dataclass(frozen=True)
class KSpaceAxis:
    """How k-space was sampled and filtered along one axis.

    `share` is the part of k-space that was measured, 1 without zero filling. `strength` is that of
    the `filter`: s of exp(-s^2 u^2 / 2) for "gaussian", the share of k-space over which it falls
    for "tukey", the width of the fall for "fermi"; "hann" has none. u is the frequency in units of
    the highest measured one. `partial` is the part of the measured lines that were acquired, from
    one side on; the rest is filled with zeros. Sources: Bernstein, King & Zhou 2004, ch. 13
    (filters and partial Fourier); ranges of Xue et al. 2025 (SNRAware, arXiv 2503.18162).
    This is what a simulated scanner does, line by line; what can be read from the noise of a scan
    is less, and is `medddim.noise.AxisFilter`.

    Raises RequestProblem for values out of range.
    """

    share: float = 1.0
    filter: Filter = "none"
    strength: float = 0.0
    partial: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise RequestProblem(f"expected a share of k-space in (0, 1], found {self.share}")
        if not 0.5 < self.partial <= 1:
            raise RequestProblem(f"expected a partial Fourier in (0.5, 1], found {self.partial}")
        if self.filter not in get_args(Filter):
            known = ", ".join(get_args(Filter))
            raise RequestProblem(f"expected a filter of {known}, found {self.filter!r}")
        if not 0 <= self.strength < np.inf or (self.filter == "tukey" and self.strength > 1):
            raise RequestProblem(
                f"expected a filter strength of 0 or more (tukey: up to 1), found {self.strength}"
            )

    def response(self, size: int) -> Response:
        """What each of `size` frequencies was multiplied by, in the order of `numpy.fft`."""
        edge = max(round(self.share * size / 2), 1)
        line = np.fft.fftfreq(size, 1 / size)
        u = line / edge
        kept = (line >= -edge) & (line < edge) if self.share < 1 else np.ones(size, bool)
        acquired = np.ones(size)
        if self.partial < 1:
            taper = min(PARTIAL_EDGE, max(edge // 4, 1))
            begins = -edge + 2 * edge * (1 - self.partial)
            acquired = 0.5 - 0.5 * np.cos(np.pi * ((line - begins) / taper).clip(0, 1))
        return np.asarray(kept * acquired * self._filter(np.abs(u)), np.float32)

    def unfiltered(self) -> KSpaceAxis:
        """The same axis without its filter."""
        return replace(self, filter="none", strength=0.0)

    def _filter(self, u: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if self.filter == "gaussian":
            return np.exp(-((self.strength * u) ** 2) / 2)
        if self.filter == "fermi":
            return 1 / (1 + np.exp((u - FERMI_RADIUS) / max(self.strength, 1e-3)))
        falls = {"none": 0.0, "hann": 1.0, "tukey": self.strength}[self.filter]
        beyond = (u - (1 - falls)) / falls if falls else np.zeros_like(u)
        return (1 + np.cos(np.pi * beyond.clip(0, 1))) / 2

    def correlation(self, size: int) -> tuple[float, ...]:
        """Of white noise after it, the correlation at each of `LAGS` along this axis."""
        return correlation_of(self.response(size))


def round_response(axes: Sequence[KSpaceAxis], shape: Sequence[int]) -> Response:
    """The filter of `axes` by the distance from the centre of k-space, an array of `shape`.

    The distance is in units of the highest measured frequency of each axis; axes without a filter
    do not count. All others are expected to have the same. Scanners filter in the round as well:
    decision 151.
    """
    squares: npt.NDArray[np.float64] = np.zeros((1,) * len(shape))
    for at, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        if axis.filter != "none":
            u = np.fft.fftfreq(size, 1 / size) / max(round(axis.share * size / 2), 1)
            squares = (
                squares + u.reshape([-1 if at == other else 1 for other in range(len(shape))]) ** 2
            )
    first = next((axis for axis in axes if axis.filter != "none"), axes[0])
    return np.asarray(np.broadcast_to(first._filter(np.sqrt(squares)), shape), np.float32)


def correlation_of(response: Response) -> tuple[float, ...]:
    """The correlation at each of `LAGS` of white noise that was multiplied by `response`.

    The Fourier transform of its power spectrum (Wiener & Khinchin), its real part: where there is
    signal, a magnitude image shows the part of the noise that is in phase with it.
    """
    return correlation_of_power(np.square(response, dtype=np.float64))


def correlation_of_power(power: Power, lags: Sequence[int] = LAGS) -> tuple[float, ...]:
    """The correlation at each of `lags` of noise with this power spectrum along the axis."""
    phase = 2 * np.pi * np.fft.fftfreq(len(power))
    return tuple(float((power * np.cos(lag * phase)).sum() / power.sum()) for lag in lags)


def power_of(responses: Sequence[Response], whole: Response | None = None) -> list[Power]:
    """The power spectrum of white noise along each axis after `responses` and `whole`.

    Each is the mean over the other axes. `whole` is a response for all of k-space at once.
    """
    powers = [np.square(response, dtype=np.float64) for response in responses]
    if whole is None:
        means = [power.mean() for power in powers]
        total = np.prod(means)
        return [power * (total / mean) for power, mean in zip(powers, means, strict=True)]
    joint = np.square(whole, dtype=np.float64)
    for at, power in enumerate(powers):
        joint = joint * _along(power, at, joint.ndim)
    axes = range(joint.ndim)
    return [joint.mean(axis=tuple(other for other in axes if other != at)) for at in axes]


def noise_gain(responses: list[Response], whole: Response | None = None) -> float:
    """How many times the standard deviation white noise keeps after `responses` of all axes."""
    if whole is not None:
        return float(np.sqrt(power_of(responses, whole)[0].mean()))
    return float(np.prod([np.sqrt(np.square(r, dtype=np.float64).mean()) for r in responses]))


def _along(line: Power, axis: int, axes: int) -> Power:
    """The line as an array of so many `axes` that varies along one of them."""
    return line.reshape([-1 if axis == other else 1 for other in range(axes)])
