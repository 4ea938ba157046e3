"""How the noise hangs together from slice to slice."""

from __future__ import annotations

import numpy as np

from medddim.noise.filters import AxisFilter
from medddim.noise.level import correlations
from medddim.noise.planes import Slabs
from medddim.noise.spectrum import filters_of, noise_power
from medddim.volume import Array, Mask, Volume

LEAST_SLICES = 48
"""A spectrum across fewer slices tells nothing."""
CORRELATED = 0.08
"""Slices that correlate less are taken as independent: no filter is looked for."""
THICK = 2.5
"""Slices that lie so many pixels apart are acquired one by one: their noise is independent."""
AGREE = 0.15
"""A filter across slices is believed if its correlation is as near to the one measured."""


def across_slices(detail: Array, even: Mask, runs: tuple[slice, ...]) -> tuple[float, float]:
    """The correlation of the noise to the next slice and the next but one; 0 where there is none.

    `detail` is the finest detail of the whitened slices, where there is hardly any anatomy that
    slices could share; what is large is cut, since edges are.
    """
    found = [correlations(detail[run], even[run], 0) for run in runs]
    one, two, _ = np.mean(found, axis=0)
    return float(one), float(two)


def is_thick(volume: Volume, axis: int) -> bool:
    """Whether slices lie so far apart along `axis` that each was excited by itself."""
    other = max(mm for one, mm in enumerate(volume.spacing_mm) if one != axis)
    return volume.spacing_mm[axis] >= THICK * other


def slice_filter(volume: Volume, measured: float, axis: int) -> AxisFilter:
    """The filter of k-space along `axis`, across many slices that correlate by `measured`."""
    if volume.shape[axis] < LEAST_SLICES or measured < CORRELATED:
        return AxisFilter()
    other = min({0, 1, 2} - {axis})
    slabs = Slabs.of(volume, axis=other, runs=4)
    found = filters_of(*noise_power(slabs.image, slabs.noise))[slabs.axes.index(axis)]
    return found if abs(found.correlation[0] - measured) < AGREE else AxisFilter()
