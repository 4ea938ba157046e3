"""Volumes of one scan that go through the network together: they share its batches."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
import torch
from torch import Tensor

from medddim.diffusion import SAMPLERS, CleanEstimate, Condition, keyed_noise
from medddim.inference.plan import ScanPlan
from medddim.inference.tiling import by_tiles
from medddim.networks import Network, autocast, require_own_threads
from medddim.volume import Array

if TYPE_CHECKING:
    from medddim.inference.enhancer import Enhancer

GROUP = 2**20
"""Voxels that go together at least, where there are so many; bounds what an interruption loses."""


class Parts(Protocol):
    """Keeps what is finished of a scan, should the rest be interrupted."""

    def get(self, key: str) -> Array | None:
        """What was put there, perhaps by an earlier process; None if nothing was."""
        ...

    def put(self, key: str, voxels: Array) -> None:
        """Keep the voxels of one group of volumes."""
        ...


def groups_of(plan: ScanPlan) -> list[range]:
    """Which volumes of a scan go together."""
    volumes, *shape = plan.consistency.shape
    size = -(-GROUP // int(np.prod(shape)))
    return [range(first, min(first + size, volumes)) for first in range(0, volumes, size)]


def estimates(
    enhancer: Enhancer, plan: ScanPlan, group: range, seed: int, *, slices: range | None = None
) -> Iterator[Array]:
    """The network's estimates of a group of volumes after every step, in the scan's own unit.

    `slices` are those that matter, where not all do, along the first axis of the views. What
    becomes an answer is still to be `finished`.
    """
    require_own_threads()
    for clean in _walk(enhancer, plan, group, seed, slices=slices):
        yield plan.scaling.undo(clean)


def finished(plan: ScanPlan, voxels: Array) -> Array:
    """All volumes of an estimate as the answer, in the place of the estimate."""
    for channel, image in enumerate(voxels):
        answer = plan.consistency.finish(image, channel)
        if answer is not image:
            image[...] = answer
    return voxels


def _walk(
    enhancer: Enhancer, plan: ScanPlan, group: range, seed: int, *, slices: range | None
) -> Iterator[Array]:
    """Clean estimates `(volume, x, y, z)` of a group in the network's range."""
    images = plan.scaling.apply(plan.consistency.start(slice(group.start, group.stop)))
    path, first, device = enhancer.denoiser.path, plan.views[0], enhancer.device
    channels = len(plan.volume.voxels)
    scan = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    shape = first.of(scan[0]).shape

    def noise(step: int = 0) -> Tensor:
        draws = (channel + channels * step for channel in group)
        drawn = [first.back(keyed_noise(shape, seed=seed, draw=draw)) for draw in draws]
        return torch.stack(drawn).to(device) * (plan.strength[0] if path.scaled else 1.0)

    def fresh(step: int) -> Tensor:
        return noise(1 + step)

    drawn = noise() if path.random else torch.zeros((), device=device)
    denoise = _denoise(enhancer, plan, scan, group, slices=slices)
    estimates, start, walked = path.walk(denoise, scan, drawn)
    ladder = path.ladder(plan.settings.steps)
    if enhancer.sampler is None:
        answers = SAMPLERS[plan.sampler](estimates, start, ladder, path=walked, noise=fresh)
    else:
        answers = enhancer.sampler(estimates, start, ladder, path=walked)
    for clean in answers:
        yield clean.float().cpu().numpy()


def _denoise(
    enhancer: Enhancer, plan: ScanPlan, scan: Tensor, group: range, *, slices: range | None
) -> CleanEstimate:
    """What the network says of the state of a group: the mean over all views, projected."""
    recipe, device = enhancer.recipe, enhancer.device
    seen = [scan] if recipe.network.sees_scan else []
    if plan.level_map is not None:
        seen = [*seen, torch.from_numpy(plan.level_map).to(device).expand(scan.shape)]
    size = math.prod(plan.consistency.shape)
    network = cast(Network, enhancer.denoiser.network)
    tiled = partial(by_tiles, recipe=recipe, network=network, tile=enhancer.tile, wanted=slices)

    def done(voxels: int) -> None:
        enhancer.progress(voxels / size)

    def denoise(state: Tensor, level: float) -> Tensor:
        estimate = partial(_estimate, enhancer, plan, level)
        with torch.inference_mode(), autocast(device, enhancer.precision):
            answers = (
                view.back(tiled(estimate, *map(view.of, (state, *seen)), done=done))
                for view in plan.views
            )
            clean = next(answers)
            for another in answers:
                clean += another
                del another  # or it stays while the next one is made
            clean /= len(plan.views)
        if not plan.consistency.projects:
            return clean
        project, images = plan.consistency.project, clean.cpu().numpy()
        pairs = zip(images, group, strict=True)
        projected = np.stack([project(image, channel) for image, channel in pairs])
        return torch.from_numpy(projected).to(clean)

    return denoise


def _estimate(
    enhancer: Enhancer, plan: ScanPlan, level: float, stack: Tensor, *others: Tensor
) -> Tensor:
    """What the network says of one stack of slices, or of one block."""
    strength = torch.tensor(plan.strength, dtype=torch.float32, device=enhancer.device)
    strength = strength.reshape(1, -1, *[1] * enhancer.recipe.network.spatial_dims)
    if plan.level_map is None:
        return enhancer.denoiser(stack, level, Condition(strength, *others))
    *seen, level_map = others
    scan = seen[0] if seen else None
    return enhancer.denoiser(stack, level, Condition(strength, scan, level_map=level_map))
