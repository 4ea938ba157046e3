"""What air says of the noise, and whether what was read in the object can be noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medddim.intensity import bright_end, percentile
from medddim.noise.filters import TINY
from medddim.noise.level import DARK, Whitened
from medddim.noise.planes import Slabs
from medddim.volume import Array, Mask

BLOCKS, SMALL = (4, 8), 96
"""Pixels along each side of the blocks of air, in slices of fewer than 96 pixels and in others."""
FEWEST, LEAST_PART = 30, 0.03
"""Fewer blocks of air, or a smaller part of all, say nothing: they are dark tissue."""
ZEROS = 0.1
"""Blocks with more zeros are masked: it is not noise that they hold."""
QUIET = 20
"""Per cent of the blocks, the quieter ones, that hold no ghosts; their upper end is read."""
AIR_IS = 0.94
"""What quiet blocks of air hold of the noise in simulated acquisitions: maps are not exact."""
RAYLEIGH = 0.655
"""The standard deviation of a magnitude without signal, for noise of 1 in each channel."""
RAYLEIGH_MEAN = 1.2533
"""Its mean."""
QUANTILES = np.array([0.1, 0.25, 0.5])
"""Where the distribution of air is held against Rayleigh's: ghosts are above."""
AS_RAYLEIGH = 0.06
"""Air whose quantiles tell levels so near to each other holds noise of one level, and all of it."""
BORNE_OUT = 0.1
"""By what power of the map air varies, at least, if the map is right."""
UNEVEN = 0.03
"""Where the map varies by less over air, air says nothing of it."""
PARTS, FEWEST_OF_PART = 8, 4
"""Parts of air by what the map says there, in which its level is read; and blocks of one."""
ENOUGH = 200_000
"""Voxels of air that are looked at."""
BRIGHTEST = 0.3
"""Air is darker than this share of the bright end, however strong the noise."""
GHOSTS = 1.5
"""Blocks so many times as bright as noise makes them hold ghosts."""
NEAR_OBJECT = 0.85
"""Where air is as bright as this share of the brightest that counts as air, some was left out."""
NORMAL_END = 2.576
"""99 of 100 normal values are within so many standard deviations."""


@dataclass(frozen=True)
class Air:
    """Blocks of air `(block, voxel)`, and what the map over the scan says the noise is there.

    `left_out` is whether air may be so bright that blocks of it were taken for the object.
    """

    blocks: Array
    known: Array
    left_out: bool

    @classmethod
    def of(cls, slabs: Slabs, cells: Array) -> Air:
        """The air of slices, over a map `cells`."""
        blocks = _blocks(slabs.planes, BLOCKS[min(slabs.planes.shape[1:]) >= SMALL])
        mean, zeros = blocks.mean(axis=-1), (blocks == 0).mean(axis=-1)
        known, bright = nearest(slabs, cells, mean.shape), bright_end(mean)
        may = (zeros < ZEROS) & (np.ptp(blocks, axis=-1) > 0)
        most = np.full_like(mean, DARK * bright)
        air, left_out = _below(most, mean, may)
        if left_out:  # strong noise makes air as bright as dark tissue
            most = np.clip(GHOSTS * RAYLEIGH_MEAN * known, DARK * bright, BRIGHTEST * bright)
            air, left_out = _below(most, mean, may)
        if np.count_nonzero(air) < max(FEWEST, LEAST_PART * air.size):
            return cls(np.empty((0, 1), np.float32), np.empty(0, np.float32), False)
        return cls(blocks[air], known[air], left_out)

    def flat(self, level: float) -> Air:
        """The same over a map of one level."""
        return replace(self, known=np.full_like(self.known, level))

    @property
    def relative(self) -> Array:
        """The blocks over the map."""
        over: Array = self.blocks / self.known[:, None]
        return over

    @cached_property
    def apart(self) -> Air:
        """Some of it, whose values are spread over the step that they were rounded to."""
        few = slice(None, None, max(1, self.blocks.size // ENOUGH))
        blocks = self.blocks[few]
        step = np.diff(np.unique(blocks)).min(initial=np.inf)
        if not np.isfinite(step):
            return self
        spread = np.random.default_rng(0).uniform(-step / 2, step / 2, blocks.shape)
        return replace(self, blocks=np.abs(blocks + spread), known=self.known[few])


def _below(most: Array, mean: Array, may: Mask) -> tuple[Mask, bool]:
    """The blocks that are darker than `most`, and whether some of air may be brighter."""
    air = may & (mean < most)
    return air, bool(air.any() and np.median(mean[air] / most[air]) > NEAR_OBJECT)


def bears_out(air: Air) -> bool:
    """Whether air varies as the map says; so it does where the map is flat, and without air.

    A map that is wrong, of anatomy taken for noise, has nothing to do with air. In parts of it by
    what the map says, the level is the lower quartile, which ghosts do not reach.
    """
    known = air.known
    if not len(known) or float(known.std()) < UNEVEN * float(known.mean()):
        return True
    edges = np.quantile(known, np.linspace(0, 1, PARTS + 1)[1:-1])
    part = np.searchsorted(edges, known, side="right")
    says, is_ = [], []
    for number in range(PARTS):
        inside = part == number
        if np.count_nonzero(inside) >= FEWEST_OF_PART:
            says.append(np.log(known[inside].mean()))
            is_.append(np.log(max(float(percentile(air.blocks[inside], 25)), TINY)))
    if len(says) <= PARTS // 2:
        return True
    power = np.cov(says, is_)
    return bool(power[0, 1] > BORNE_OUT * power[0, 0])


def rayleigh_share(air: Air) -> float:
    """The noise of air over what the map says, if air surely holds all of it; NaN if not.

    The quantiles of Rayleigh's law all tell one level. Of the sum over coils low ones tell more,
    of noise that is masked, weighted or not of one level they tell less.
    """
    if not len(air.blocks) or air.left_out:
        return float("nan")
    values = air.apart.relative
    levels = np.quantile(values, QUANTILES) / np.sqrt(-2 * np.log1p(-QUANTILES))
    level = float(levels[1])
    return level if float(np.ptp(levels)) < AS_RAYLEIGH * level else float("nan")


def air_share(air: Air, correlation: tuple[tuple[float, ...], ...]) -> float:
    """The noise of air over what the map says it is there; NaN without air.

    The standard deviation in the quieter blocks of air, where magnitudes follow Rayleigh's law
    (Gudbjartsson & Patz 1995, MRM 34:910). `correlation` is that of the noise along rows and
    columns, some of which a block's own mean takes away; magnitudes correlate by its square.
    """
    if not len(air.blocks):
        return float("nan")
    side = round(float(np.sqrt(air.blocks.shape[1])))
    lags = np.arange(1, len(correlation[0]) + 1)
    lost = float(
        np.prod([(1 + 2 * ((1 - lags / side) @ np.square(one))) / side for one in correlation])
    )
    quiet = float(percentile(air.relative.std(axis=1, ddof=1), QUIET))
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
