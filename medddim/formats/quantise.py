"""From float voxels back to the integers of the source: one rule for every format."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import UnsupportedScan
from medddim.intensity import in_digits, percentile
from medddim.volume import Derivation, Volume

FINEST_SHARE = 0.5
"""Of the noise: rounding to steps coarser than this takes back much of what denoising gains."""
BRIGHT_END, HU_RANGE = 99.5, 1000.0
"""What `noise_level` on record is a share of: this percentile of an MR scan; of CT, so many HU."""

PIECE = 2**22
"""Voxels that are converted at once: float64 of a whole scan would be the peak of the memory."""


def pieces(shape: Sequence[int]) -> Iterator[tuple[slice, ...]]:
    """Parts of an array of this shape, in C order, each contiguous and of about `PIECE` voxels."""
    first, *rest = shape
    size = math.prod(rest)
    if size <= PIECE or not rest:
        rows = max(PIECE // max(size, 1), 1)
        yield from ((slice(row, row + rows),) for row in range(0, first, rows))
        return
    for row in range(first):
        yield from ((slice(row, row + 1), *within) for within in pieces(rest))


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
    limits, clipped = np.iinfo(dtype), 0
    high = float(limits.max)
    if limits.bits > 53:  # the largest 64 bit integer is no float64: the next one above is
        high = float(np.nextafter(high, 0))
    integers = np.empty(values.shape, dtype)
    for piece in pieces(values.shape):
        exact = values[piece].astype(np.float64)
        exact -= intercept
        exact /= slope
        np.rint(exact, out=exact)
        clipped += int(np.count_nonzero((exact < limits.min) | (exact > limits.max)))
        integers[piece] = np.clip(exact, float(limits.min), high, out=exact)
    return integers, clipped


def said_of_clipped(
    values: npt.NDArray[np.float32], dtype: np.dtype[Any], *, slope: float, intercept: float
) -> str:
    """By how much the values go beyond what `dtype` can hold, in words."""
    limits = np.iinfo(dtype)
    low, high = sorted(slope * end + intercept for end in (float(limits.min), float(limits.max)))
    most = max(low - float(values.min()), float(values.max()) - high)
    return f"voxels clipped by {in_digits(most)} at most"


def too_coarse(slope: float, result: Volume, derivation: Derivation) -> bool:
    """Whether integers in steps of `slope` are too coarse for a result whose noise is on record.

    Rounding adds an error of step/sqrt(12), which at a step of half the noise is a seventh of it.
    """
    level = derivation.parameters.get("noise_level")
    if not isinstance(level, int | float) or not level > 0:
        return False
    scale = HU_RANGE if result.in_hu else float(percentile(result.voxels, BRIGHT_END))
    return bool(abs(slope) > FINEST_SHARE * level * scale)


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
