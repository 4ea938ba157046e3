"""How large the blocks are in which a scan is filtered (`medddim.inference.wiener`)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BLOCK, THIN = 8, 2
"""Voxels along the edge of a block; along the axis of thick slices."""
THICK = 1.8
"""Times the median voxel edge, from which slices are thick."""


def block_size(spacing_mm: Sequence[float], axis: int) -> int:
    """Voxels along this edge of a block."""
    return THIN if spacing_mm[axis] >= THICK * float(np.median(spacing_mm)) else BLOCK


def block_reach(spacing_mm: Sequence[float], axis: int) -> int:
    """How many voxels away along an axis one still counts: the blocks of a voxel end there."""
    return block_size(spacing_mm, axis) - 1
