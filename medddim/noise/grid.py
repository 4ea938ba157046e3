"""From a coarse grid over the scan to all of its voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from medddim.volume import Array


def resampled(cells: Array, shape: Sequence[int]) -> Array:
    """Cells over a scan at each of its voxels, linearly between the centres."""
    for axis, size in enumerate(shape):
        centres = (np.arange(cells.shape[axis]) + 0.5) / cells.shape[axis] * size - 0.5
        cells = along(cells, centres, np.arange(size, dtype=float), axis)
    return cells


def along(values: Array, known: np.ndarray, wanted: np.ndarray, axis: int) -> Array:
    """Linear interpolation along one axis; beyond the ends, the value at the end."""
    if len(known) == 1:
        return np.repeat(values, len(wanted), axis=axis)
    place = np.interp(wanted, known, np.arange(len(known)))
    low = np.minimum(place.astype(int), len(known) - 2)
    shape = [1] * values.ndim
    shape[axis] = len(wanted)
    part = (place - low).reshape(shape).astype(np.float32)
    taken: Array = values.take(low, axis)
    taken *= 1 - part
    upper = values.take(low + 1, axis)
    upper *= part
    taken += upper
    return taken
