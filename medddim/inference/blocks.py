"""How far one sees where a scan is filtered, and in which blocks.

See `medddim.inference.similar` and `medddim.inference.wiener`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCK, THIN = 8, 2
"""Voxels along the edge of a block; along the axis of thick slices."""
REACH = {"thin": 2, "thick": 3}
"""Voxels to those that are averaged if they are alike, by `kind_of`: across thick slices, none."""
SIDE = 1
"""Voxels on each side of one, in its local mean."""
THICK = 1.8
"""Times the median voxel edge, from which slices are thick."""


def block_sizes(shape: Sequence[int], spacing_mm: Sequence[float]) -> list[int]:
    """Voxels along each edge of a block, one along an axis of one voxel."""
    return [block_size(spacing_mm, axis) if n > 1 else 1 for axis, n in enumerate(shape)]


def kind_of(sizes: Sequence[int]) -> str:
    """Where blocks have these sizes, slices are "thin", as pixels are, or "thick", or one alone."""
    return "thin" if min(sizes) == max(sizes) == BLOCK else "thick"


def alike_reach(sizes: Sequence[int]) -> list[int]:
    """How many voxels away along each axis lie those that are averaged if they are alike.

    `sizes` are those of blocks.
    """
    return [REACH[kind_of(sizes)] if size == BLOCK else 0 for size in sizes]


def similar_reach(sizes: Sequence[int], axis: int) -> int:
    """How many voxels away along an axis one still counts in a mean of those that are alike."""
    reach = alike_reach(sizes)[axis]
    return reach + SIDE if reach else 0


def block_size(spacing_mm: Sequence[float], axis: int) -> int:
    """Voxels along this edge of a block."""
    return THIN if spacing_mm[axis] >= THICK * float(np.median(spacing_mm)) else BLOCK


def block_reach(spacing_mm: Sequence[float], axis: int) -> int:
    """How many voxels away along an axis one still counts: the blocks of a voxel end there."""
    return block_size(spacing_mm, axis) - 1
