"""A filter of the scan, whose pilot is the answer of a network.

Scan and answer are seen in overlapping blocks, as sums of cosines (Yaroslavsky et al. 2001, Proc.
SPIE 4304:155). Where the answer holds far more of a cosine than noise would, that of the scan is
taken, noise and all; where it holds less, that of the answer is, and of the finest nothing but in
blocks with an edge (`medddim.inference.gains`). An empirical Wiener filter (Ghael, Sayeed &
Baraniuk 1997, Proc. SPIE 3169:389; the second step of BM4D, Maggioni et al. 2013, IEEE TIP 22:119)
never takes the answer's.
So fine structure that a network blurred comes back from the scan, and noise that it left goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor

from medddim.inference.blocks import block_sizes
from medddim.inference.gains import Gains, gains_of
from medddim.noise.cosines import cosine_power
from medddim.noise.filters import AxisFilter, Round
from medddim.noise.rice import mean_of_signal
from medddim.volume import Array

SHIFTS = (0, 0, 0), (1, 1, 2), (2, 2, 0), (3, 3, 2)
"""Voxels by which the grid of blocks is moved; the mean over all is the answer."""
Mixed = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Cosines of an answer and of a scan, and the variance of the noise of blocks: their cosines."""
STRIP, TOGETHER = 32, 2**15
"""Blocks along y, and voxels, that are computed together, about."""


def wiener(  # noqa: PLR0913 - two images, and what is known of their grid and of their noise
    answer: Array,
    measured: Array,
    noise: Array | float,
    spacing_mm: Sequence[float],
    *,
    bright: float,
    filters: Sequence[AxisFilter] = (AxisFilter(), AxisFilter(), AxisFilter()),
    around: Round | None = None,
    first: Sequence[int] = (0, 0, 0),
) -> Array:
    """The scan filtered with the answer as pilot; images `(x, y, z)` of a magnitude in one unit.

    `noise` is the standard deviation (at each voxel), `bright` what the network sees as 1;
    `filters` what k-space went through along each axis, `around` a filter in the round: noise has
    less power where they have. `first` is where the images lie in the scan, for the grid of blocks
    is that of the scan. A voxel depends on those within `block_reach`.
    """
    level = np.maximum(np.broadcast_to(np.float32(noise), answer.shape), np.float32(1e-12))
    scan = mean_of_signal((answer / level).clip(0)).astype(np.float32)
    scan *= level  # the mean of the answer with noise
    np.subtract(measured, scan, out=scan)
    scan += answer
    np.square(level, out=level)
    sizes = block_sizes(answer.shape, spacing_mm)
    pads = [(2 * (size // 2),) * 2 for size in sizes]
    pilot, seen, variance = (
        torch.from_numpy(np.pad(image, pads, mode="symmetric")) for image in (answer, scan, level)
    )
    del scan, level
    mixed = partial(_gains(tuple(filters), tuple(sizes), around).mixed, bright=bright)
    found = torch.zeros(answer.shape)
    for shift in SHIFTS:
        grid = [_line(*line) for line in zip(answer.shape, sizes, first, shift, strict=True)]
        box = tuple(slice(start, stop) for start, stop, _ in grid)
        blocks = _filtered(pilot[box], seen[box], variance[box], mixed, sizes)
        within = (slice(at, at + n) for (*_, at), n in zip(grid, answer.shape, strict=True))
        found += blocks[tuple(within)]
    found /= len(SHIFTS)
    filtered: Array = found.numpy()
    return filtered


def _line(n: int, size: int, first: int, shift: int) -> tuple[int, int, int]:
    """Along an axis: where the blocks start and stop in the padded image; where the image starts.

    Blocks start at every half of their size, and each voxel lies in two.
    """
    half = size // 2
    if not half:
        return 0, n, 0
    before = half + (first - shift) % half
    return 2 * half - before, 3 * half + n + -(n + before) % half, before


def _filtered(
    pilot: Tensor, scan: Tensor, variance: Tensor, mixed: Mixed, sizes: Sequence[int]
) -> Tensor:
    """The filter with one grid of blocks, a few of them after the other: they stay in the cache."""
    found = torch.zeros(scan.shape)
    centres = variance[tuple(slice(size // 2, None, max(size // 2, 1)) for size in sizes)]
    half, beside = sizes[0] // 2, sizes[1] // 2
    for start, stop in _strips(scan.shape[1], sizes[1]):
        seen = slice(start - beside, stop + beside)
        blocks = slice(seen.start // max(beside, 1), stop // max(beside, 1))
        count = max(1, TOGETHER // (max(half, 1) * (stop - start + 2 * beside) * scan.shape[2]))
        for number in range(0, len(centres), count):
            noise = centres[number : number + count, blocks]
            first = number * max(half, 1)
            layers = slice(first, first + len(noise) * max(half, 1) + half)
            kept = _kept(pilot[layers, seen], scan[layers, seen], noise, mixed, sizes)
            found[layers, start:stop] += kept[:, beside : beside + stop - start]
    return found


def _kept(pilot: Tensor, scan: Tensor, noise: Tensor, mixed: Mixed, sizes: Sequence[int]) -> Tensor:
    """The filter on some layers of blocks, `noise` being the variance at the centre of each."""
    halves, variance = variance_of(noise, pilot.shape, sizes)
    cosines = mixed(cosines_of(pilot, sizes), cosines_of(scan, sizes), variance)
    return sums_of(cosines, sizes, halves)


def variance_of(
    noise: Tensor, shape: Sequence[int], sizes: Sequence[int]
) -> tuple[list[int], Tensor]:
    """The halves along each axis of an image of this shape, and the noise of each number."""
    halves = [n // max(size // 2, 1) for n, size in zip(shape, sizes, strict=True)]
    variance = noise.new_full((len(noise), *halves[1:]), torch.inf)
    variance[:, : noise.shape[1], : noise.shape[2]] = noise[:, : halves[1], : halves[2]]
    return halves, variance.reshape(-1)


def _strips(n: int, size: int) -> Iterator[tuple[int, int]]:
    """Along an axis: voxels that are computed together, with all blocks that they lie in."""
    half = size // 2
    step, last = STRIP * max(half, 1), n - half
    for start in range(half, last, step):
        yield start, min(start + step, last)


# Blocks are numbered like halves of them: that which starts at a half has its number, and the half
# that follows along an axis comes so many numbers later (`_steps`). All numbers lie behind each
# other in memory, the places within a half or block (y, z, x) before them, so that each step is a
# product of matrices with long rows. Numbers at the end of an axis are no blocks: there the
# halves of the next row follow. Their noise is infinite, so that nothing is left of them.


def _steps(halves: Sequence[int]) -> tuple[int, int, int]:
    """How far apart the numbers of neighbours along x, y and z are."""
    return halves[1] * halves[2], halves[2], 1


def cosines_of(image: Tensor, sizes: Sequence[int]) -> Tensor:
    """The coefficients of all blocks `(y, z, x, number)`."""
    x, y, z = (max(size // 2, 1) for size in sizes)
    halves = [n // size for n, size in zip(image.shape, (x, y, z), strict=True)]
    along_x, along_y, along_z = _steps(halves)
    split = image.reshape(halves[0], x, halves[1], y, halves[2], z).permute(3, 5, 1, 0, 2, 4)
    image = _there(split.reshape(y * z, x, -1), sizes[0], along_x, whole=False)
    image = _there(image.reshape(1, y, -1), sizes[1], along_y)
    image = _there(image.reshape(sizes[1], z, -1), sizes[2], along_z)
    return image.reshape(sizes[1], sizes[2], sizes[0], -1)


def sums_of(cosines: Tensor, sizes: Sequence[int], halves: Sequence[int]) -> Tensor:
    """The blocks with these coefficients, laid over one another by a window: an image."""
    x, y, z = (max(size // 2, 1) for size in sizes)
    along_x, along_y, along_z = _steps(halves)
    image = _back(cosines.reshape(sizes[1], sizes[2], -1), sizes[2], along_z)
    image = _back(image.reshape(1, sizes[1], -1), sizes[1], along_y)
    image = _back(image.reshape(y * z, sizes[0], -1), sizes[0], along_x, whole=False)
    split = image.reshape(y, z, x, *halves).permute(3, 2, 4, 0, 5, 1)
    return split.reshape(halves[0] * x, halves[1] * y, halves[2] * z)


def _there(rows: Tensor, size: int, step: int, *, whole: bool = True) -> Tensor:
    """Cosines along the axis of halves `(…, place, number)`; `whole` keeps the last numbers."""
    if size == 1:
        return rows
    first, second = (half.to(rows) for half in _basis(size)[0])
    last = rows.shape[2] - step
    found = torch.matmul(first, rows if whole else rows[..., :last])
    found[..., :last].baddbmm_(second.expand(len(rows), -1, -1), rows[..., step:])
    return found


def _back(rows: Tensor, size: int, step: int, *, whole: bool = True) -> Tensor:
    """Windowed halves of blocks with these cosines `(…, cosine, number)`, added up."""
    if size == 1:
        return rows
    first, second = (half.to(rows) for half in _basis(size)[1])
    if not whole:
        rows = torch.nn.functional.pad(rows, (0, step))
    found = torch.matmul(first, rows)
    found[..., step:].baddbmm_(second.expand(len(rows), -1, -1), rows[..., :-step])
    return found


@lru_cache
def _basis(size: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """To the cosines, from both halves of a block; back, by a window that adds up to 1."""
    cosines, half = torch.tensor(dct(np.eye(size), axis=0, norm="ortho")), size // 2
    window = torch.sin((torch.arange(size) + 0.5) * torch.pi / size) ** 2
    back = (cosines * window).t()
    there = cosines[:, :half].float().contiguous(), cosines[:, half:].float().contiguous()
    return there, (back[:half].float().contiguous(), back[half:].float().contiguous())


@lru_cache
def _gains(
    filters: tuple[AxisFilter, ...], sizes: tuple[int, ...], around: Round | None = None
) -> Gains:
    return gains_of(cosine_power(filters, sizes, around))
