"""What air says of the noise, and whether what was read in the object can be noise."""

from __future__ import annotations

import numpy as np

from medddim.intensity import bright_end, percentile
from medddim.noise.level import DARK, Whitened
from medddim.noise.planes import Slabs
from medddim.volume import Array, Mask

BLOCKS, SMALL = (4, 8), 96
"""Pixels along each side of the blocks of air, in slices of fewer than 96 pixels and in others."""
FEWEST = 30
"""Fewer blocks of air say nothing."""
ZEROS = 0.1
"""Blocks with more zeros are masked: it is not noise that they hold."""
QUIET = 20
"""Per cent of the blocks, the quieter ones, that hold no ghosts; their upper end is read."""
AIR_IS = 0.94
"""What quiet blocks of air hold of the noise in simulated acquisitions: maps are not exact."""
RAYLEIGH = 0.655
"""The standard deviation of a magnitude without signal, for noise of 1 in each channel."""
NORMAL_END = 2.576
"""99 of 100 normal values are within so many standard deviations."""


def air_share(slabs: Slabs, cells: Array, correlation: tuple[tuple[float, ...], ...]) -> float:
    """The noise of air over what `cells`, the map over the scan, say it is there; NaN without air.

    The standard deviation in the quieter blocks of air, where magnitudes follow Rayleigh's law
    (Gudbjartsson & Patz 1995, MRM 34:910). `correlation` is that of the noise along rows and
    columns, some of which a block's own mean takes away; magnitudes correlate by its square.
    """
    side = BLOCKS[min(slabs.planes.shape[1:]) >= SMALL]
    blocks = _blocks(slabs.planes, side)
    mean, deviation = blocks.mean(axis=-1), blocks.std(axis=-1, ddof=1)
    zeros = (blocks == 0).mean(axis=-1)
    air = (mean < DARK * bright_end(mean)) & (zeros < ZEROS) & (deviation > 0)
    if np.count_nonzero(air) < FEWEST:
        return float("nan")
    lags = np.arange(1, len(correlation[0]) + 1)
    lost = float(
        np.prod([(1 + 2 * ((1 - lags / side) @ np.square(one))) / side for one in correlation])
    )
    known = nearest(slabs, cells, mean.shape)[air]
    quiet = float(percentile(deviation[air] / known, QUIET))
    # a fifth of the blocks is 0.84 standard errors below, of Rayleigh's kurtosis
    quiet /= 1 - 0.84 * float(np.sqrt(0.56)) / side
    return quiet / (AIR_IS * RAYLEIGH * float(np.sqrt(1 - min(lost, 0.5))))


def tail(white: Whitened, level: float, even: Mask, slabs: Slabs, cells: Array) -> float:
    """How far the largest hundredth of the whitened detail is out, where normal noise has 1.

    `cells` are the map, which is divided out. Anatomy is in few places, and large there.
    """
    known = nearest(slabs, cells, white.detail.shape)[even]
    size = np.abs(white.detail[even]) * white.scale / known
    return float(percentile(size, 99)) / NORMAL_END if size.size and level else 1.0


def _blocks(planes: Array, side: int) -> Array:
    """Blocks of slices `(slice, row, column, voxel)`; what is left over at the end is not used."""
    count, rows, columns = planes.shape
    high, wide = rows // side, columns // side
    cut = planes[:, : high * side, : wide * side].reshape(count, high, side, wide, side)
    return cut.swapaxes(2, 3).reshape(count, high, wide, side**2)


def nearest(slabs: Slabs, cells: Array, shape: tuple[int, ...]) -> Array:
    """The map at places spread evenly over the slices, `(slice, row, column)` of this `shape`."""
    grid = np.moveaxis(cells, slabs.axis, 0)
    depth = max(slabs.positions) + 1
    across = np.array(slabs.positions) * len(grid) // depth
    rows, columns = (np.arange(n) * m // n for n, m in zip(shape[1:], grid.shape[1:], strict=True))
    found: Array = grid[np.ix_(across, rows, columns)]
    return found
