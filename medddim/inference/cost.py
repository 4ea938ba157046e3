"""What an answer will take: seconds and memory, from a few tiles measured on this machine."""

from __future__ import annotations

import math
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import torch
from torch.overrides import TorchFunctionMode

from medddim.diffusion import Condition
from medddim.inference.pieces import pieces_of
from medddim.inference.plan import ScanPlan
from medddim.inference.tiling import TILE, Tiling, batch_of
from medddim.networks import Network, autocast, require_own_threads

if TYPE_CHECKING:
    from medddim.inference.enhancer import Enhancer

SIDE = {2: (4, 160, 160), 3: (1, 32, 32, 32)}
"""What is measured: 100 000 voxels, in `(batch, *space)` by the dimensions of the network."""
SMALLEST = 16
"""Edge of the smallest tile, in voxels."""
FLOAT = 4
FINER, SLABS, SPREAD = 12, 12, 10
"""Float32 arrays that are held at once: of the size of a piece that is projected, of a slab that
is finished, and of an answer that is the mean of samples; counted in the code."""


@dataclass(frozen=True)
class Measured:
    """What one voxel of a tile takes in one evaluation: seconds, and bytes at the peak."""

    seconds: float
    bytes: float


@dataclass(frozen=True)
class Cost:
    """What one scan will take in tiles of this edge: seconds, and bytes beside those held before.

    `held` bytes are those of the arrays beside the network, `tiles` those within it; `after` are
    those of the arrays when it is through: while the answer is finished, and written.
    """

    seconds: float
    held: int
    tiles: int
    tile: int
    after: int = 0

    @property
    def bytes(self) -> int:
        """The most bytes at once, beside those held before."""
        return max(self.held + self.tiles, self.after)

    def with_more(self, *, held: int, after: int) -> Cost:
        """The cost where so many more bytes are held, and so many when the network is through."""
        return replace(self, held=self.held + held, after=self.after + after)


def measure(enhancer: Enhancer) -> Measured:
    """Time one small tile, and count the bytes of its tensors at their peak.

    A smaller one goes before it, for the network compiles itself when it is first used. On an
    accelerator the bytes are those of its own memory.
    """
    batch, *space = SIDE[enhancer.recipe.network.spatial_dims]
    halves = tuple(n // 2 for n in space)
    with _Live() as live:
        _estimate(enhancer, (batch, *halves))
    took = _seconds(lambda: _estimate(enhancer, (batch, *space)), enhancer.device)
    return Measured(took / (batch * math.prod(space)), live.peak / (batch * math.prod(halves)))


def _seconds(work: Callable[[], None], device: torch.device) -> float:
    """How long it takes a machine that does nothing else meanwhile.

    On a CPU, the work of this thread, or an even share of that of all: threads that wait for one
    another spin, and a scan that is read meanwhile counts among the others.
    """
    began = time.perf_counter(), time.thread_time(), time.process_time()
    work()
    ended = time.perf_counter(), time.thread_time(), time.process_time()
    wall, own, all_ = (after - before for before, after in zip(began, ended, strict=True))
    return min(wall, own, all_ / torch.get_num_threads()) if device.type == "cpu" else wall


def cost_of(enhancer: Enhancer, plan: ScanPlan, known: Measured, *, tile: int) -> Cost:
    """What the plan takes in tiles of an edge of `tile` voxels."""
    pieces = pieces_of(plan, random=enhancer.denoiser.path.random)
    largest = max(pieces, key=lambda one: math.prod(one.plan.consistency.shape[1:]))
    shape, network = largest.plan.consistency.shape[1:], enhancer.recipe.network
    voxels, work = 0, 0.0
    tiling = tiling_of(enhancer, tile)
    for view in plan.views:
        seen = [shape[axis] for axis in view.order]
        whole = [plan.consistency.shape[1 + axis] for axis in view.order]
        count = min(batch_of(*seen[1:]), seen[0]) if network.spatial_dims == 2 else 1
        cut = seen[3 - network.spatial_dims :]
        voxels = max(voxels, count * math.prod(max(_lengths(tiling, n)) for n in cut))
        work += math.prod(sum(_lengths(tiling, n)) / n for n in cut) * math.prod(whole)
    evaluations = plan.network_evaluations / len(plan.views)
    volumes = plan.consistency.shape[0]
    answer = FLOAT * math.prod(plan.consistency.shape)
    piece = FLOAT * math.prod(shape) * len(largest.group)
    samples = answer * (SPREAD if plan.settings.samples is not None else 0)
    beside = samples + (answer if len(pieces) > 1 else 0)
    ends = 2 if 0 < plan.settings.fidelity < 1 and plan.settings.steps > 1 else 1
    return Cost(
        seconds=evaluations * volumes * work * known.seconds,
        held=beside + piece * _arrays(plan),
        tiles=math.ceil(voxels * known.bytes),
        tile=tile,
        after=samples + ends * answer + max(SLABS * FLOAT * plan.consistency.slab, answer),
    )


def tiling_of(enhancer: Enhancer, tile: int) -> Tiling:
    """How tiles of this edge are cut for the network."""
    network = cast(Network, enhancer.denoiser.network)
    return Tiling(tile, halo=network.halo, stride=network.stride)


def tiles_for(enhancer: Enhancer) -> list[int]:
    """Edges of tiles that may be taken, in voxels, the largest first."""
    largest = TILE[enhancer.recipe.network.spatial_dims]
    edges = {int(largest * 0.7**power) // SMALLEST * SMALLEST for power in range(12)}
    return sorted(edges - {0}, reverse=True)


def _lengths(tiling: Tiling, size: int) -> list[int]:
    """The lengths of the grown tiles along an axis."""
    return [grown.stop - grown.start for _, (grown,), _ in tiling.cuts((size,))]


def _arrays(plan: ScanPlan) -> int:
    """Arrays of the size of a piece beside the network: its input, its answer, what walks on."""
    if plan.consistency.projects:
        return FINER
    walking = 2 if plan.settings.steps_taken > 1 else 0
    return 2 + walking + (len(plan.views) > 1) + plan.recipe.network.sees_scan


def _estimate(enhancer: Enhancer, shape: tuple[int, ...]) -> None:
    """What the network says of nothing in particular."""
    require_own_threads()
    recipe, device = enhancer.recipe, enhancer.device
    network = cast(Network, enhancer.denoiser.network)
    batch, *space = shape
    stack = torch.rand((batch, recipe.network.slices, *space), device=device)
    maps = recipe.network.maps
    strength = torch.full((1, maps, *[1] * len(space)), 0.05, device=device)
    with torch.inference_mode(), autocast(device, enhancer.precision):
        known = Condition(strength, *([stack] if network.sees_scan else []))
        enhancer.denoiser(stack, 1.0, known).sum().item()  # waits for an accelerator


class _Live(TorchFunctionMode):
    """Counts the bytes of all tensors that are alive, and the most there were at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.peak, self.known = 0, 0, dict[int, int]()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._seen(tensor.untyped_storage())
        return out

    def _seen(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self.known:
            return
        self.known[key] = storage.nbytes()
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self.known.pop(key, 0)
