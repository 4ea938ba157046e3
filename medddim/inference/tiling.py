"""How a scan is cut for a network and put together again, without a seam.

A network without normalisation sees a finite neighbourhood. Tiles that begin at multiples of its
stride and are grown by a halo that covers its neighbourhood give the voxels of the whole image;
their borders are cut off, so there is nothing to blend. All tiles of a scan step along the ladder
together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import Tensor

from medddim.networks import Network
from medddim.recipe import Recipe

TILE = {2: 512, 3: 160}
"""Edge of a tile, in voxels, by the dimensions of the network; bounds memory, not the answer."""
BATCH = 4
"""Slices a network sees at once, more if small; changes speed and memory, not the answer."""
SLICE = 256 * 256
"""Pixels of a slice that is not small."""
ALONE = 2
"""Voxels that a lone MR slice is moved by to be its own neighbour; noise of CT reaches further."""

Box = tuple[slice, ...]
Done = Callable[[int], None]
"""Called with how many voxels were answered, whenever some were."""


def _unwatched(voxels: int) -> None:
    pass


@dataclass(frozen=True)
class Tiling:
    """How large the tiles are, and what the network needs around them; all in voxels.

    `tile` is the edge of a tile before it is grown by `halo` on every side; both are multiples of
    `stride`. An axis that one grown tile covers is not cut. `batch` slices go together.
    """

    tile: int
    halo: int
    stride: int
    batch: int = 1

    def cuts(self, shape: Sequence[int]) -> Iterator[tuple[Box, Box, Box]]:
        """For every tile: its place, its place with the halo, and where it lies in the latter."""
        for spans in product(*(self._spans(n) for n in shape)):
            yield tuple(s[0] for s in spans), tuple(s[1] for s in spans), tuple(s[2] for s in spans)

    def _spans(self, size: int) -> list[tuple[slice, slice, slice]]:
        tile = max(self.tile // self.stride, 1) * self.stride
        if size <= tile + 2 * self.halo:
            return [(slice(0, size),) * 3]
        spans = []
        for first in range(0, size, tile):
            last = min(first + tile, size)
            begin, end = max(first - self.halo, 0), min(last + self.halo, size)
            spans.append(
                (slice(first, last), slice(begin, end), slice(first - begin, last - begin))
            )
        return spans


def neighbours(centre: int, *, slices: int, count: int) -> list[int]:
    """Indices of `slices` slices around `centre`, mirrored at the ends.

    Mirrored, not repeated: a slice that is its own neighbour shows its noise twice, and what is
    seen twice is taken for anatomy.
    """
    half, period = slices // 2, max(2 * (count - 1), 1)
    around = (index % period for index in range(centre - half, centre + half + 1))
    return [min(index, period - index) for index in around]


def slice_batches(
    count: int, *, slices: int, batch: int, volumes: int = 1, wanted: range | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """Which slices to estimate together, and which `(batch, slices)` indices each one sees.

    The `count` slices of each of the `volumes` are numbered one volume after the other. Batches
    without a slice that is `wanted` are left out; those that remain are the same.
    """
    for first in range(0, volumes * count, batch):
        if wanted and (first + batch <= wanted.start or first >= wanted.stop):
            continue
        chosen = range(first, min(first + batch, volumes * count))
        rows = [
            [number - number % count + one for one in around]
            for number in chosen
            for around in [neighbours(number % count, slices=slices, count=count)]
        ]
        yield slice(chosen.start, chosen.stop), torch.tensor(rows)


def by_slices(
    estimate: Callable[..., Tensor],
    *images: Tensor,
    slices: int,
    tiling: Tiling,
    shift: int = 0,
    done: Done = _unwatched,
    wanted: range | None = None,
) -> Tensor:
    """Apply `estimate` to every slice of `images`, `(slice, height, width)`, with its neighbours.

    Images `(volume, slice, height, width)` share batches. `estimate` maps stacks
    `(batch, slices, height, width)`, one of each image, to `(batch, 1, height, width)`. A slice
    that is alone is seen between copies of itself, moved sideways by `shift` voxels and multiples
    of it: where noise is white, theirs is not its own. The answer to slices of batches that hold
    none of those `wanted` is 0.
    """
    *before, count, height, width = shape = images[0].shape
    volumes = before[0] if before else 1
    answer = torch.zeros((volumes * count, height, width)).to(images[0])
    batches = slice_batches(
        count, slices=slices, batch=tiling.batch, volumes=volumes, wanted=wanted
    )
    if count == 1:
        steps = range(-(slices // 2), slices // 2 + 1)
        images = tuple(torch.cat([x.roll(shift * step, -1) for step in steps], -3) for x in images)
        rows = torch.arange(volumes * slices).reshape(volumes, slices)
        batches = (
            (slice(one, one + tiling.batch), rows[one : one + tiling.batch])
            for one in range(0, volumes, tiling.batch)
        )
    numbered = [image.reshape(-1, height, width) if before else image for image in images]
    for chosen, rows in batches:
        for place, (rows_in, columns_in), (lines, columns) in tiling.cuts((height, width)):
            stacks = [image[rows][:, :, rows_in, columns_in] for image in numbered]
            part = estimate(*stacks)[:, 0, lines, columns]
            answer[(chosen, *place)] = part.to(answer.dtype)
            done(part.numel())
    return answer.reshape(shape)


def by_blocks(
    estimate: Callable[..., Tensor], *images: Tensor, tiling: Tiling, done: Done = _unwatched
) -> Tensor:
    """Apply `estimate` to `images`, `(x, y, z)` or `(volume, x, y, z)`, block by block.

    `estimate` maps blocks `(1, 1, x, y, z)`, one of each image, to one of the same shape.
    """
    answer = torch.empty_like(images[0])
    series = (answer, *images) if answer.ndim == 4 else (answer[None], *(x[None] for x in images))
    for volume, *seen in zip(*series, strict=True):
        for place, grown, inner in tiling.cuts(volume.shape):
            part = estimate(*(image[grown][None, None] for image in seen))[0, 0][inner]
            volume[place] = part.to(volume.dtype)
            done(part.numel())
    return answer


def batch_of(height: int, width: int) -> int:
    """How many slices of this size go together."""
    return max(BATCH * SLICE // (height * width), BATCH)


def by_tiles(
    estimate: Callable[..., Tensor],
    *images: Tensor,
    recipe: Recipe,
    network: Network,
    tile: int,
    done: Done = _unwatched,
    wanted: range | None = None,
) -> Tensor:
    """Apply `estimate` to images in the order of a view, cut as the network of a recipe wants it.

    In 3D by blocks, in 2D slice by slice, if not all are `wanted` without others; `tile` is the
    edge of a tile in voxels.
    """
    *_, height, width = images[0].shape
    batch = batch_of(height, width)
    tiling = Tiling(tile, halo=network.halo, stride=network.stride, batch=batch)
    if recipe.network.spatial_dims == 3:
        return by_blocks(estimate, *images, tiling=tiling, done=done)
    shift = ALONE if recipe.white_noise else 0
    cut = partial(by_slices, slices=recipe.network.slices, tiling=tiling, shift=shift)
    return cut(estimate, *images, done=done, wanted=wanted)
