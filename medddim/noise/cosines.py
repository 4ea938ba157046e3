"""How strong noise that went through filters of k-space is in the cosines of a block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from scipy.fft import dct

from medddim.noise.filters import AxisFilter, PlaneFilter, Round
from medddim.volume import Array

FINE = 256
"""Frequencies between 0 and Nyquist at which the spectrum within slices is sampled."""


def cosine_power(
    filters: Sequence[AxisFilter], sizes: Sequence[int], around: Round | None = None
) -> Array:
    """The power of noise of variance 1 in each cosine `(x, y, z)` of a block of these `sizes`.

    Cosines are those of the orthonormal transform, so that the mean power is 1. `filters` are those
    of k-space along each axis, `around` is one in the round.
    """
    if around is None:
        along = [_along(*one) for one in zip(filters, sizes, strict=True)]
        power: Array = reduce(np.multiply.outer, along)
        return power
    first, second = around.axes
    (across,) = {0, 1, 2} - {first, second}
    plane = PlaneFilter(filters[first], filters[second], around.radius, around.width)
    within = _within(plane, sizes[first], sizes[second])
    power = np.multiply.outer(within, _along(filters[across], sizes[across]))
    return np.moveaxis(power, 2, across)


def _along(one: AxisFilter, size: int) -> Array:
    cosines = dct(np.eye(size), axis=0, norm="ortho")
    lags = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    alike = one.covariance(size)[lags]
    power: Array = np.einsum("ki,ij,kj->k", cosines, alike, cosines)
    return power


def _within(plane: PlaneFilter, rows: int, columns: int) -> Array:
    """The spectrum of the noise as each cosine of rows and of columns sees it."""
    frequency = np.arange(FINE + 1) / FINE
    spectrum = plane.power(frequency, frequency)
    spectrum[[0, -1]] /= 2  # the others are there twice, with either sign
    spectrum[:, [0, -1]] /= 2
    power: Array = _seen(rows) @ (spectrum / spectrum.sum()) @ _seen(columns).T
    return power


def _seen(size: int) -> Array:
    """How much each cosine sees of each frequency."""
    cosines = dct(np.eye(size), axis=0, norm="ortho")
    power: Array = np.abs(np.fft.rfft(cosines, 2 * FINE, axis=1)) ** 2
    return power
