"""Local means of an image, by weight, a box at a time: the filters of scipy, in less time.

Lines are not filtered one by one: a box, that stays in the cache, is multiplied and added as a
whole, in float32. Boxes without weight are left out, such as those of air. A voxel's mean has the
same bits whatever box it lies in, and whatever part of the image is given.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from medddim.inference.slabs import Box
from medddim.volume import Array

PART = 2**17
"""Voxels of a box, about."""
LEAST = np.float32(1e-3)
"""Where all weights together are less, the mean is the smaller for it."""

Taps = tuple[float, ...]
"""A symmetric kernel, from its centre outwards."""


def gaussian(sd: float, cut: float) -> Taps:
    """A Gaussian of this standard deviation in voxels; it ends at `cut` times that."""
    reach = int(cut * sd + 0.5)
    if not reach:
        return (1.0,)
    taps = np.exp(-0.5 * np.square(np.arange(reach + 1) / sd))
    return tuple((taps / (2 * taps.sum() - taps[0])).tolist())


def even(size: int) -> Taps:
    """As many voxels, an odd number, that all count alike."""
    return (1 / size,) * (size // 2 + 1)


def boxes_of(image: Array, weight: Array | None) -> Iterator[Box]:
    """Boxes that hold all voxels with weight; all voxels of the image, if there is none."""
    there = np.full(image.shape, weight is None)
    if weight is not None:
        np.greater(weight, 0, out=there)
    layers = list(
        zip(*_extents(np.any(there, axis=2)), *_extents(np.any(there, axis=1)), strict=True)
    )
    first = 0
    while first < len(layers):
        last, (low, high, left, right) = first, layers[first]
        for x, (*rows, start, stop) in enumerate(layers[first + 1 :], first + 1):
            wider = min(low, rows[0]), max(high, rows[1]), min(left, start), max(right, stop)
            if (x + 1 - first) * (wider[1] - wider[0]) * (wider[3] - wider[2]) > PART:
                break
            last, (low, high, left, right) = x, wider
        if low < high:
            yield slice(first, last + 1), slice(low, high), slice(left, right)
        first = last + 1


def _extents(there: Any) -> tuple[list[int], list[int]]:
    """Where the voxels of each row start and stop; of an empty one, beyond the end and at 0."""
    some, size = there.any(axis=1), there.shape[1]
    start = np.where(some, there.argmax(axis=1), size)
    stop = np.where(some, size - there[:, ::-1].argmax(axis=1), 0)
    return start.tolist(), stop.tolist()


@dataclass(frozen=True, eq=False)
class LocalMeans:
    """Means around each voxel of a box of images `(x, y, z)`, by a kernel along each axis.

    `weight` is how much each voxel of the image counts; None: all count alike. What lies beyond the
    image is its mirror image.
    """

    weight: Array | None
    kernels: Sequence[Taps]
    box: Box

    def of(self, *factors: Array) -> Array:
        """That of an image, or of the product of several."""
        if self.weight is None:
            return self._smooth(*factors)
        mean = self._smooth(*factors, self.weight)
        mean /= self._total
        return mean

    @cached_property
    def _total(self) -> Array:
        assert self.weight is not None  # noqa: S101  # asked for only where there is one
        total: Array = self._smooth(self.weight)
        return np.maximum(total, LEAST, out=total)

    def _smooth(self, *factors: Array) -> Array:
        product = self._product(factors)
        x, y, z = self.kernels
        shape = (len(product) - 2 * len(x) + 2, *product.shape[1:])
        # one line of all voxels: sums across its turns are those of voxels that are dropped
        line, row = product.reshape(-1), shape[2]
        found, spare = np.empty((2, shape[0] * shape[1] * row), np.float32)
        _filter(line, x, shape[1] * row, found, spare)
        size = found.size - 2 * row * (len(y) - 1)
        _filter(found, y, row, line[:size], spare)
        _filter(line, z, 1, found[: size - 2 * (len(z) - 1)], spare)
        height, width = (side.stop - side.start for side in self.box[1:])
        smooth: Array = found.reshape(shape)[:, :height, :width].copy()
        return smooth

    def _product(self, factors: Sequence[Array]) -> Array:
        """Of the box, and what it is seen with."""
        reach = [len(taps) - 1 for taps in self.kernels]
        sides = list(zip(self.box, reach, factors[0].shape, strict=True))
        there = tuple(
            slice(max(s.start - far, 0), min(s.stop + far, size)) for s, far, size in sides
        )
        product = np.empty([s.stop - s.start + 2 * far for s, far, _ in sides], np.float32)
        within = tuple(
            slice(t.start - s.start + far, t.stop - s.start + far)
            for t, (s, far, _) in zip(there, sides, strict=True)
        )
        here = product[within]
        np.multiply(factors[0][there], 1 if len(factors) == 1 else factors[1][there], out=here)
        for factor in factors[2:]:
            here *= factor[there]
        for axis, (s, far, size) in enumerate(sides):
            _mirror(np.moveaxis(product, axis, 0), s.start - far, size)
        return product


def _mirror(layers: Array, first: int, size: int) -> None:
    """Put the mirror image of `size` layers before and beyond them, where there is place."""
    for place in range(first, first + len(layers)):
        if not 0 <= place < size:
            mirrored = place % (2 * size)
            layers[place - first] = layers[min(mirrored, 2 * size - 1 - mirrored) - first]


def _filter(line: Array, taps: Taps, step: int, found: Array, spare: Array) -> None:
    """Filter a line of voxels whose neighbours lie a step apart, where it has them all."""
    count, reach = found.size, len(taps) - 1
    if reach > 1 and len(set(taps)) == 1:
        _sum(line, 2 * reach + 1, step, found)
        found *= np.float32(taps[0])
        return
    spare = spare[:count]

    def at(place: int) -> Array:
        return line[place * step : place * step + count]

    found[:] = 0
    for away in range(reach, 0, -1):  # from the smallest, as sums of floats should be
        np.add(at(reach - away), at(reach + away), out=spare)
        spare *= np.float32(taps[away])
        found += spare
    found += np.multiply(at(reach), np.float32(taps[0]), out=spare)


def _sum(line: Array, size: int, step: int, found: Array) -> None:
    """The sums of so many neighbours: those of one, two, four ..., as many as it takes."""
    found[:], done, width = 0, 0, 1
    while width <= size:
        if size & width:
            found += line[done * step : done * step + found.size]
            done += width
        line = line[: -width * step] + line[width * step :]
        width *= 2
