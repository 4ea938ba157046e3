"""Which slices of a scan are read: some, in runs of neighbours, spread over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from medddim.noise.spectrum import LEAST_VOXELS
from medddim.volume import Array, Volume

RUNS, RUN = 6, 3
"""So many runs of so many neighbouring slices: a million voxels tell the noise to 0.2 %."""
MOST_VOXELS, LEAST_SLICES = 2_400_000, 4
"""Of slices so large that the runs hold more voxels than this, fewer are read, but four."""
ENOUGH = 600_000
"""Of slices so small that the runs hold fewer voxels than this, more are read."""


SPREAD = 16
"""Single slices that are read where no neighbours are asked for."""


def spread_planes(volume: Volume) -> Array:
    """Slices `(slice, row, column)` spread over the scan and its channels, without its ends."""
    axis = volume.slice_axis
    planes = np.moveaxis(volume.voxels, 1 + axis, 1).reshape(-1, *np.delete(volume.shape, axis))
    if len(planes) > SPREAD:
        planes = planes[np.linspace(0, len(planes) - 1, SPREAD + 2).astype(int)[1:-1]]
    return planes


def reading_axis(volume: Volume) -> int:
    """The axis across the planes that noise is read in: that of the slices, if they are wide.

    A slab of a 3D scan may be too narrow for a spectrum along one axis, which is then taken across.
    """
    shape, axis = volume.shape, volume.slice_axis
    narrow = int(np.argmin(shape))
    wide = min(n for other, n in enumerate(shape) if other != narrow)
    within = min(n for other, n in enumerate(shape) if other != axis)
    return narrow if within < LEAST_VOXELS <= wide else axis


@dataclass(frozen=True)
class Slabs:
    """Slices `(slice, row, column)` of a scan, and where they lie.

    `axis` is the spatial axis across them, `axes` those of rows and columns; `positions` are the
    slices' indices along `axis`; `runs` slice into `planes`, each run of neighbours in one volume.
    `again` are the same slices in the next volume of a series; None of a single volume.
    """

    planes: Array
    axis: int
    positions: tuple[int, ...]
    runs: tuple[slice, ...]
    again: Array | None = None

    @property
    def noise(self) -> Array:
        """What noise is read from: how volumes of a series differ, else the slices themselves."""
        if self.again is None:
            return self.planes
        noise: Array = (self.planes - self.again) * np.float32(np.sqrt(0.5))
        return noise

    @property
    def image(self) -> Array:
        """The slices, the mean of both volumes where there are two."""
        if self.again is None:
            return self.planes
        mean: Array = (self.planes + self.again) * np.float32(0.5)
        return mean

    @property
    def axes(self) -> tuple[int, int]:
        """The spatial axes of rows and columns."""
        first, second = sorted({0, 1, 2} - {self.axis})
        return first, second

    @classmethod
    def of(cls, volume: Volume, *, axis: int | None = None, runs: int = RUNS) -> Slabs:
        """Runs of slices across `axis` (the scan's own slices), spread over space and channels."""
        across = volume.slice_axis if axis is None else axis
        stack = np.moveaxis(volume.voxels, 1 + across, 1)
        channels, size = stack.shape[:2]
        plane = stack[0, :1].size
        most = max(LEAST_SLICES, min(max(RUNS * RUN, ENOUGH // plane), MOST_VOXELS // plane))
        run = RUN if most >= 2 * RUN else most // 2
        length = size if channels * size <= most else min(run, size)
        count = min(runs, max(1, min(most, size * channels) // length))
        starts = np.unique(np.linspace(0, channels * size - 1, count + 2).astype(int)[1:-1])
        if count == 1:
            starts = np.array([(size - length) // 2])
        planes: list[Array] = []
        again: list[Array] = []
        positions: list[int] = []
        found: list[slice] = []
        for number, start in enumerate(starts):
            channel, first = start // size, min(start % size, size - length)
            planes.append(stack[channel, first : first + length])
            if channels > 1:
                again.append(stack[(channel + 1) % channels, first : first + length])
            positions += range(first, first + length)
            found.append(slice(number * length, (number + 1) * length))
        slices = np.concatenate(planes)
        others = np.concatenate(again) if again else slices
        alike = not again or bool(np.array_equal(slices, others))
        return cls(slices, across, tuple(positions), tuple(found), None if alike else others)
