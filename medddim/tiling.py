"""How a scan is cut for a network and put together again.

2.5D networks see whole slices with their neighbours, so there is nothing to blend and no seam:
all slices of a scan step along the ladder together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor


def neighbours(centre: int, *, slices: int, count: int) -> list[int]:
    """Indices of `slices` slices around `centre`; beyond the ends the last slice is repeated."""
    half = slices // 2
    return [min(max(index, 0), count - 1) for index in range(centre - half, centre + half + 1)]


def slice_batches(count: int, *, slices: int, batch: int) -> Iterator[tuple[slice, Tensor]]:
    """Which slices to estimate together, and which `(batch, slices)` indices each one sees."""
    for first in range(0, count, batch):
        chosen = range(first, min(first + batch, count))
        rows = [neighbours(centre, slices=slices, count=count) for centre in chosen]
        yield slice(chosen.start, chosen.stop), torch.tensor(rows)


def by_slices(estimate: Callable[..., Tensor], *images: Tensor, slices: int, batch: int) -> Tensor:
    """Apply `estimate` to every slice of `images`, `(slice, height, width)`, with its neighbours.

    `estimate` maps stacks `(batch, slices, height, width)`, one of each image, to
    `(batch, 1, height, width)`.
    """
    answer = torch.empty_like(images[0])
    for chosen, rows in slice_batches(len(answer), slices=slices, batch=batch):
        answer[chosen] = estimate(*(image[rows] for image in images)).squeeze(1).to(answer.dtype)
    return answer
