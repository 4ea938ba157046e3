"""Voxels where none were measured: slices between two others, slices set upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from medddim.errors import UnreadableScan
from medddim.formats.dicom.planes import Vector
from medddim.formats.dicom.shear import Shear
from medddim.volume import Array

SPLINE = 3
"""Cubic: straight lines between voxels would take away up to half of the noise variance."""


@dataclass(frozen=True, eq=False)
class Stack:
    """The slices of one stack, each array `(slice, row, column)`.

    `outside` marks padding, of which `stored` keeps the integers to put back.
    """

    values: Array
    stored: npt.NDArray[np.integer[Any]]
    outside: npt.NDArray[np.bool_]


Decoded = TypeVar("Decoded", bound=Any)
"""An image with the arrays of a `Stack`, each `(row, column)`, and a path."""


class Held:
    """The voxels of all images, each moved here when it is decoded, so that they are held once.

    `arrays` are values, stored integers and what is outside, `(image, row, column)`.
    """

    def __init__(self, count: int) -> None:
        self.count, self.arrays, self.taken_so_far = count, list[Any](), 0

    def taken(self, image: Decoded) -> Decoded:
        """The image, its arrays now parts of these. Raises UnreadableScan for another type."""
        found = (image.values, image.stored, image.outside)
        if not self.arrays:
            self.arrays = [np.empty((self.count, *one.shape), one.dtype) for one in found]
        if image.stored.dtype != self.arrays[1].dtype:
            where = image.path.parent
            raise UnreadableScan(
                f"{where}: signed and unsigned slices in one series; remove the files that do not "
                "belong"
            )
        for array, one in zip(self.arrays, found, strict=True):
            array[self.taken_so_far] = one
        image.values, image.stored, image.outside = (one[self.taken_so_far] for one in self.arrays)
        self.taken_so_far += 1
        return image


def frozen(array: Array) -> Array:
    """The array, read-only like what it is a view of, so that a Volume takes it as it is."""
    for one in (array.base, array):
        if isinstance(one, np.ndarray):
            one.setflags(write=False)
    return array


def filled(stack: Stack, along: Vector) -> Stack:
    """A slice for each place in `along`, counted in slices; linear between two of them."""
    before, after = np.floor(along).astype(int), np.ceil(along).astype(int)
    if np.array_equal(before, after):
        return stack
    weight = (along - before).astype(np.float32)[:, None, None]
    outside_before = stack.outside[before]
    outside = outside_before | stack.outside[after]
    between = (1 - weight) * stack.values[before] + weight * stack.values[after]
    padding = np.where(outside_before, stack.values[before], stack.values[after])
    return Stack(
        np.where(outside, padding, between),
        np.where(outside_before, stack.stored[before], stack.stored[after]),
        outside,
    )


def upright(stack: Stack, shear: Shear) -> Stack:
    """Each slice moved in its plane by its share of the shear, on a grid that holds them all.

    What no slice covers holds the smallest value of the scan, or its padding where it has some.
    """
    padding = stack.stored[stack.outside]
    lowest = stack.values[~stack.outside].min() if padding.size < stack.values.size else 0
    rows, columns = shear.shape
    beyond = stack.values[stack.outside][0] if padding.size else lowest
    values = np.full((shear.count, rows, columns), beyond, dtype=np.float32)
    covered = np.zeros(values.shape, dtype=bool)
    for k, (image, outside) in enumerate(zip(stack.values, stack.outside, strict=True)):
        shift = (k * shear.step - shear.origin)[::-1]
        seen = _moved((~outside).astype(np.float32), shift, (rows, columns), order=1) > 1 - 1e-3
        moved = _moved(np.where(outside, lowest, image), shift, (rows, columns), order=SPLINE)
        values[k][seen], covered[k] = moved[seen], seen
    fill = padding[0] if padding.size else stack.stored.min()
    outside = ~covered if padding.size else np.zeros_like(covered)
    return Stack(values, np.full(values.shape, fill, dtype=stack.stored.dtype), outside)


def _moved(image: Array, shift: Vector, shape: tuple[int, int], *, order: int) -> Array:
    """`image` moved by `(rows, columns)` into a larger frame; beyond its edge, its edge or 0."""
    from scipy import ndimage  # here: a wrong request does not wait for it

    margins = [(0, size - extent) for size, extent in zip(shape, image.shape, strict=True)]
    # splines ring at a step: beyond the edge the image goes on, and is masked afterwards
    framed = np.pad(image, margins, mode="edge" if order > 1 else "constant")
    mode = "nearest" if order > 1 else "grid-constant"
    moved: Array = ndimage.shift(framed, shift, order=order, mode=mode)
    return moved
