"""Large images a part at a time: what is held beside them does not grow with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from medddim.volume import Array

SLAB = 2**23
"""Voxels of a slab, about; 32 MiB as float32."""
PART = 2**17
"""Voxels that are computed together where each is for itself; so many stay in the cache."""

Box = tuple[slice, slice, slice]


def parts_of(shape: Sequence[int]) -> Iterator[slice]:
    """Parts of an image along its first axis, of about `PART` voxels."""
    first, *rest = shape
    rows = max(PART // math.prod(rest), 1)
    yield from (slice(row, row + rows) for row in range(0, first, rows))


def in_place(
    function: Callable[[Array, Box], Array], image: Array, *, axis: int, reach: int = 0
) -> None:
    """Put what a function makes of an image `(x, y, z)` in its place, a slab at a time.

    The slabs are of whole slices across `axis`. The function gets a copy of each, with `reach`
    slices more on both sides, and its box in the image, and returns as much; if it looks no
    further than that, the answer is that to the whole image.
    """
    size, height = image.shape[axis], _height(image.shape, axis, reach)
    before = image[_along(axis, 0, 0)].copy()
    for first in range(0, size, height):
        last = min(first + height, size)
        here, stop = _along(axis, first, last), min(last + reach, size)
        seen = np.concatenate([before, image[_along(axis, first, stop)]], axis=axis)
        known = first - before.shape[axis]
        kept = max(last - reach, known) - known
        before = seen[_along(axis, kept, last - known)].copy()
        found = function(seen, _along(axis, known, stop))
        image[here] = found[_along(axis, first - known, last - known)]


def largest(shape: Sequence[int], *, axis: int, reach: int = 0) -> int:
    """The voxels of the largest slab that `in_place` cuts an image of this shape into."""
    seen = min(_height(shape, axis, reach) + 2 * reach, shape[axis])
    return math.prod(shape) // shape[axis] * seen


def _height(shape: Sequence[int], axis: int, reach: int) -> int:
    """Slices of a slab, even ones: no fewer than those it is seen with on one side."""
    size = shape[axis]
    count = max(1, min(round(math.prod(shape) / SLAB), size // max(reach, 1)))
    return -(-size // count)


def _along(axis: int, first: int, last: int) -> Box:
    x, y, z = (slice(first, last) if one == axis else slice(None) for one in range(3))
    return x, y, z
