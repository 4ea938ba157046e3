"""One slice of a scan, with what the network sees it with and no more."""

from __future__ import annotations

from dataclasses import replace

from medddim.errors import RequestProblem
from medddim.inference.consistency import SameGrid
from medddim.inference.plan import ScanPlan
from medddim.networks import Network
from medddim.taken import as_whole

Box = tuple[slice, slice, slice]


def one_slice(plan: ScanPlan, index: int, *, network: Network) -> tuple[ScanPlan, Box]:
    """The plan of the slices that one is seen with, from one side, and where it lies in them.

    `index` counts along the slice axis. Raises RequestProblem for an index out of range and for
    super-resolution.
    """
    index = as_whole(index, "the slice")
    axis = plan.views[0].order[0]
    count = plan.scan.shape[axis]
    if plan.recipe.task != "denoise" or not 0 <= index < count:
        raise RequestProblem(
            f"expected a slice from 0 to {count - 1} of a scan to denoise, found {index}"
        )
    reach, stride = plan.recipe.network.slices // 2, 1
    if plan.recipe.network.spatial_dims == 3:
        reach, stride = network.halo, network.stride
    if isinstance(plan.consistency, SameGrid):
        reach += plan.consistency.reach[axis]
    # where the network's grid has a line, so that the slice is that of the whole answer
    first = max(index - reach, 0) // stride * stride
    seen = _along(axis, first, min(index + reach + 1, count))
    part = replace(plan.part(*seen), views=plan.views[:1])
    return part, _along(axis, index - first, index - first + 1)


def _along(axis: int, first: int, last: int) -> Box:
    x, y, z = (slice(first, last) if one == axis else slice(None) for one in range(3))
    return x, y, z
