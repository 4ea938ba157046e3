"""How strong the noise of MR magnitudes is, and where: read where its spectrum was made white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import fft, fft2, fftfreq, ifft, ifft2
from scipy.ndimage import uniform_filter

from medddim.intensity import bright_end, median, percentile
from medddim.noise.filters import FINE, AxisFilter, PlaneFilter
from medddim.volume import Array, Mask

MAD_OF_NORMAL = 0.6745
"""Median absolute value of a standard normal variable."""
DARK = 0.15
"""Voxels darker than this share of the bright end are not of the object, however low the noise."""
NORMAL_FROM = 3.0
"""Above so many standard deviations of signal a magnitude's noise is as good as normal."""
SMOOTH_SHARE = 25
"""Per cent of the object, its most even parts, that are read: edges are no noise."""
MINIMUM_VOXELS = 500
LEAST_POWER = 0.05
"""Of the noise power at frequency 0: no more than to its inverse are others magnified."""


@dataclass(frozen=True)
class Whitened:
    """Slices on the grid of the k-space that counts, the filter divided out: the noise is white.

    `detail` is their orthonormal fourth difference, `brightness` the local mean, `slope` the
    squared gradient, all `(slice, row, column)`; a standard deviation of `detail` times `scale` is
    that of a receiver channel at a voxel of the scan.
    """

    detail: Array
    brightness: Array
    slope: Array
    scale: float
    second: float

    @classmethod
    def of(cls, planes: Array, filters: PlaneFilter, noise: Array | None = None) -> Whitened:
        """Slices `(slice, row, column)` of a magnitude whose noise went through `filters`.

        `noise` is how two volumes of a series differ, where there are two.
        """
        image, power, second = white(planes, filters)
        brightness = uniform_filter(image, (0, 5, 5))[:, 2:-2, 2:-2]
        read = image if noise is None else white(noise, filters)[0]
        return cls(
            _detail(read), brightness, squared_gradient(brightness), float(np.sqrt(power)), second
        )

    def level(self) -> tuple[float, Mask, Mask]:
        """The standard deviation of a channel; the voxels of the object, and its even ones.

        The median absolute value of the detail (Donoho & Johnstone 1994) over the object without
        its edges (Coupe et al. 2010, Med Image Anal 14:483), where the signal is three times the
        noise, so that magnitudes are normal.
        """
        inside = self.brightness > max(DARK * float(bright_end(self.brightness)), 0.0)
        size, brightness, slope = (
            np.abs(self.detail[inside]),
            self.brightness[inside],
            self.slope[inside],
        )
        sigma, loud, even = self.scale * spread(size), brightness > 0, brightness > 0
        for turn in range(4):
            louder = brightness > NORMAL_FROM * sigma
            same = turn > 0 and np.array_equal(louder, loud)
            if same or np.count_nonzero(louder) < MINIMUM_VOXELS:
                break
            loud = louder
            even = loud & (slope <= percentile(slope[loud], SMOOTH_SHARE))
            sigma = self._corrected(self.scale * spread(size[even]), brightness[even])
        return sigma, _put(loud, inside), _put(even, inside)

    def _corrected(self, sigma: float, brightness: Array) -> float:
        """`sigma` without what a magnitude makes of it, in voxels of this brightness.

        With e = sigma^2 / (2 S^2), a magnitude keeps 1 - 2 e of the noise power and adds e, the
        noise across the signal squared, whose spectrum is another: `second` is how much more of it
        the whitened detail holds. For white noise 1 - e is left, Rice's own (Gudbjartsson & Patz
        1995, MRM 34:910).
        """
        signal = np.maximum(brightness**2 - sigma**2, sigma**2)
        e = float(np.mean(sigma**2 / (2 * signal)))
        return sigma / float(np.sqrt(np.clip(1 + (self.second - 2) * e, 0.7, 2)))

    def whiteness(self, even: Mask) -> list[tuple[float, float, float]]:
        """What is left of the correlation to the voxel 1, 2 and 3 on, along rows and columns.

        White noise has none; what its fourth difference has is taken off.
        """
        found = [correlations(self.detail, even, axis) for axis in (1, 2)]
        one, two, three = DETAIL_LAGS
        return [(a - one, b - two, c - three) for a, b, c in found]


def white(planes: Array, filters: PlaneFilter) -> tuple[Array, float, float]:
    """Slices with the filters divided out, and their noise's power as a multiple of the white one.

    The third is `Whitened.second`.
    """
    power, second, shares = filters.mean_power, 1.0, []
    for axis, (one, usable) in enumerate(zip(filters.axes, filters.usable, strict=True), 1):
        planes, share = _whitened(planes, axis, one, usable)
        power /= share
        second *= _second_order(one, share)
        shares.append(share)
    if filters.radius:
        planes = _unrounded(planes, filters, shares)
    return planes, power, second


def correlations(detail: Array, even: Mask, axis: int) -> tuple[float, float, float]:
    """The correlation of the detail to that 1, 2 and 3 on, over pairs of even voxels."""
    most = 3 * spread(np.abs(detail[even]))
    cut = np.clip(detail, -most, most) * even
    square, used = cut**2, even.astype(np.float32)
    found = []
    for lag in (1, 2, 3):
        first = *[slice(None)] * axis, slice(None, -lag)
        second = *[slice(None)] * axis, slice(lag, None)
        power = _product(square[first], used[second]) + _product(square[second], used[first])
        found.append(2 * _product(cut[first], cut[second]) / power if power else 0.0)
    return found[0], found[1], found[2]


def _product(first: Array, second: Array) -> float:
    """The sum of the products, each slice by itself: the sum of millions is not exact."""
    return float(sum(np.vdot(one, other) for one, other in zip(first, second, strict=True)))


def _put(values: Mask, inside: Mask) -> Mask:
    """A mask over all voxels, from its values in those `inside`."""
    found = np.zeros_like(inside)
    found[inside] = values
    return found


def _second_order(one: AxisFilter, share: float) -> float:
    """How much of the squared noise the whitened detail holds, if of the noise it holds 1.

    The spectrum of a square is that of the noise convolved with itself.
    """
    frequency = (np.arange(-FINE, FINE) + 0.5) / FINE
    power = one.power(frequency) / one.power(frequency).sum()
    square = np.fft.fft(power)
    both = np.roll(np.fft.ifft(square**2).real, FINE)
    both = (both + np.roll(both, 1)) / 2
    inside = np.abs(frequency) < share
    detail = (1 - np.cos(np.pi * frequency[inside] / share)) ** 4
    floor = LEAST_POWER * power.max()
    kept = detail * (both[inside] / np.maximum(power[inside], floor))
    return float(kept.sum() / detail.sum())


def spread(size: Array) -> float:
    """The standard deviation of normal values, from their absolute size."""
    return float(median(size)) / MAD_OF_NORMAL if size.size else 0.0


def _unrounded(planes: Array, filters: PlaneFilter, shares: Sequence[float]) -> Array:
    """The slices with the round filter divided out; they hold `shares` of k-space."""
    rows, columns = (
        np.abs(fftfreq(size)) * 2 * share
        for size, share in zip(planes.shape[1:], shares, strict=True)
    )
    gain = 1 / np.sqrt(np.maximum(filters.round(rows, columns), LEAST_POWER))
    white: Array = ifft2(fft2(planes) * gain.astype(np.float32)).real
    return white


def _whitened(planes: Array, axis: int, one: AxisFilter, usable: float) -> tuple[Array, float]:
    """The slices of a part of k-space along `axis`, its filter divided out, and the part's share.

    The outer parts, where the filter leaves less than a tenth, would be magnified most, and with
    them what is not the noise's own.
    """
    size = planes.shape[axis]
    if usable == 1 and one.edge > 0.999:
        return planes, 1.0
    half = max(1, round(usable * size / 2))
    if 2 * half >= size:
        kept = np.arange(size)
    else:
        inner = max(1, half - 1)
        kept = np.r_[: inner + 1, size - inner : size]
    shape = [1, 1, 1]
    shape[axis] = len(kept)
    frequency = np.minimum(kept, size - kept) / (size / 2)
    gain = 1 / np.sqrt(np.maximum(one.power(np.minimum(frequency, one.usable)), LEAST_POWER))
    spectrum = np.take(fft(planes, axis=axis, norm="forward"), kept, axis=axis)
    spectrum *= gain.reshape(shape).astype(np.float32)
    return ifft(spectrum, axis=axis, norm="forward").real, len(kept) / size


OF_FOURTH = np.float32(1 / np.sqrt(70))
"""By this the fourth difference is orthonormal: of white noise it keeps the standard deviation."""
DETAIL_LAGS = (-56 / 70, 28 / 70, -8 / 70)
"""What the fourth difference of white noise correlates by at 1, 2 and 3."""


def _detail(planes: Array) -> Array:
    """Orthonormal fourth differences along both axes: the finest detail, nearly free of anatomy."""
    rows = np.diff(planes, 4, axis=1)
    rows *= OF_FOURTH
    both: Array = np.diff(rows, 4, axis=2)
    both *= OF_FOURTH
    return both


def squared_gradient(brightness: Array) -> Array:
    """The squared gradient, from voxels so far apart that it knows little of the finest detail."""
    rows, columns = np.zeros_like(brightness), np.zeros_like(brightness)
    rows[:, 2:-2] = brightness[:, 4:] - brightness[:, :-4]
    columns[:, :, 2:-2] = brightness[:, :, 4:] - brightness[:, :, :-4]
    squared: Array = rows**2 + columns**2
    return squared
