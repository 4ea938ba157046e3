"""How strong noise that went through filters of k-space is in the cosines of a block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
from scipy.fft import dct

from medddim.noise.filters import AxisFilter, Curve, PlaneFilter, Round

FINE = 256
"""Frequencies between 0 and Nyquist at which the spectrum within slices is sampled."""


def cosine_power(
    filters: Sequence[AxisFilter], sizes: Sequence[int], around: Round | None = None
) -> Curve:
    """The power of noise of variance 1 in each cosine `(x, y, z)` of a block of these `sizes`.

    Cosines are those of the orthonormal transform, so that the mean power is 1. `filters` are those
    of k-space along each axis, `around` is one in the round.
    """
    if around is None:
        return separable_power(
            [one.covariance(size) for one, size in zip(filters, sizes, strict=True)]
        )
    first, second = around.axes
    (across,) = {0, 1, 2} - {first, second}
    plane = PlaneFilter(filters[first], filters[second], around.radius, around.width)
    within = _within(plane, sizes[first], sizes[second])
    power = np.multiply.outer(within, _along(filters[across].covariance(sizes[across])))
    return np.moveaxis(power, 2, across)


def separable_power(alike: Sequence[Curve]) -> Curve:
    """The same of noise whose correlation to the voxels of a block is `alike` along each axis."""
    power: Curve = reduce(np.multiply.outer, map(_along, alike))
    return power


def _along(alike: Curve) -> Curve:
    size = len(alike)
    cosines = dct(np.eye(size), axis=0, norm="ortho")
    lags = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    power: Curve = np.einsum("ki,ij,kj->k", cosines, alike[lags], cosines)
    return power


def _within(plane: PlaneFilter, rows: int, columns: int) -> Curve:
    """The spectrum of the noise as each cosine of rows and of columns sees it."""
    frequency = np.arange(FINE + 1) / FINE
    spectrum = plane.power(frequency, frequency)
    spectrum[[0, -1]] /= 2  # the others are there twice, with either sign
    spectrum[:, [0, -1]] /= 2
    power: Curve = _seen(rows) @ (spectrum / spectrum.sum()) @ _seen(columns).T
    return power


def _seen(size: int) -> Curve:
    """How much each cosine sees of each frequency."""
    cosines = dct(np.eye(size), axis=0, norm="ortho")
    power: Curve = np.abs(np.fft.rfft(cosines, 2 * FINE, axis=1)) ** 2
    return power
