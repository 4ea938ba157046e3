"""A scan in pieces that are answered one after the other: groups of volumes, slabs of slices.

Of a large scan only the scan itself and its answer are whole in memory, and what is finished can
be kept should the rest be interrupted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from medddim.inference.plan import ScanPlan
from medddim.inference.tiling import batch_of
from medddim.inference.together import groups_of

SLAB = 2**22
"""Voxels that are answered together at most, where slabs cost nothing; 16 MiB as float32."""

Box = tuple[slice, ...]


@dataclass(frozen=True)
class Piece:
    """What is answered together, and what it is seen with.

    `plan` is of all of it, for the volumes `group`; of a slab, `wanted` counts the slices that
    matter along the first axis of the views, where no other step needs the rest. The estimate lies
    at `inner` in that of the plan and at `place` in that of the scan; both are boxes of
    `(volume, x, y, z)`. `share` is how large the plan is, as a share of the scan's.
    """

    plan: ScanPlan
    group: range
    inner: Box
    place: Box
    wanted: range | None = None
    share: float = 1.0

    @property
    def key(self) -> str:
        """Names the piece among those of its scan."""
        return "-".join(f"{one.start}-{one.stop}" for one in self.place if one != slice(None))


def pieces_of(plan: ScanPlan, *, random: bool) -> list[Piece]:
    """The pieces of a scan; `random` says whether its path draws noise.

    Slabs are for large scans alone, and where they neither change the answer nor cost time: a 2D
    network sees few slices at once. The batches are those of the whole scan, so that the answer
    is the same to the bit. Noise drawn for a slab would be other noise.
    """
    axes = {view.order[0] for view in plan.views}
    flat = plan.recipe.network.spatial_dims == 2 and plan.recipe.task == "denoise"
    large = math.prod(plan.consistency.shape[1:]) > SLAB
    if random or not flat or not large or len(axes) > 1:
        whole = slice(None)
        return [
            Piece(plan, one, (whole,), (slice(one.start, one.stop),)) for one in groups_of(plan)
        ]
    (axis,) = axes
    return [slab for group in groups_of(plan) for slab in _slabs(plan, group, axis)]


def _slabs(plan: ScanPlan, group: range, axis: int) -> Iterator[Piece]:
    """Whole batches of slices, more of them than they are seen with."""
    count, steps = plan.scan.shape[axis], plan.settings.steps_taken
    area = math.prod(plan.scan.shape) // count
    side = [n for other, n in enumerate(plan.scan.shape) if other != axis]
    batch, reach = batch_of(*side), plan.recipe.network.slices // 2 * steps
    height = max(SLAB // area, 4 * reach) // batch * batch or batch
    for start in range(0, count, height):
        stop = min(start + height, count)
        first = max(start - reach, 0) // batch * batch
        last = min(-(-(stop + reach) // batch) * batch, count)
        seen, inner = slice(first, last), range(start - first, stop - first)
        yield Piece(
            plan.part(*_along(axis, seen)),
            group,
            inner=(slice(None), *_along(axis, slice(inner.start, inner.stop))),
            place=(slice(group.start, group.stop), *_along(axis, slice(start, stop))),
            wanted=inner if steps == 1 else None,
            share=(last - first) / count,
        )


def _along(axis: int, part: slice) -> Box:
    return tuple(part if one == axis else slice(None) for one in range(3))
