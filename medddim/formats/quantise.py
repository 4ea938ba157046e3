"""From float voxels back to the integers of the source: one rule for every format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import UnsupportedScan


def quantise(
    values: npt.NDArray[np.float32],
    dtype: np.dtype[Any],
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
) -> tuple[npt.NDArray[Any], int]:
    """The stored integers of `values = slope * stored + intercept`, and how many were clipped.

    Rounds half to even and clips to what `dtype` can hold, because wrapping round would turn the
    brightest voxels black.
    """
    limits = np.iinfo(dtype)
    exact = values.astype(np.float64)
    exact -= intercept
    exact /= slope
    np.rint(exact, out=exact)
    clipped = int(np.count_nonzero((exact < limits.min) | (exact > limits.max)))
    high = float(limits.max)
    if limits.bits > 53:  # the largest 64 bit integer is no float64: the next one above is
        high = float(np.nextafter(high, 0))
    np.clip(exact, float(limits.min), high, out=exact)
    return exact.astype(dtype), clipped


def require_float32_holds(
    stored: npt.NDArray[Any],
    values: npt.NDArray[np.float32],
    path: Path,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
) -> None:
    """Raise UnsupportedScan unless `values` still tell every stored integer apart."""
    again, _ = quantise(values, stored.dtype, slope=slope, intercept=intercept)
    if not np.array_equal(again, stored):
        raise UnsupportedScan(
            f"{path}: float32 cannot hold its {stored.dtype.name} values without loss; "
            "convert the scan to float32 or to 16 bit first"
        )
