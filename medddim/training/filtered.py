"""The filter behind a network while it learns: its answer has to be a good pilot.

Of strong cosines the filter takes the scan's, of weak ones the answer's
(`medddim.inference.wiener`), so that a network need not learn what is in the scan already; of
isotropic scans voxels that are alike are averaged before (`medddim.inference.similar`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medddim.diffusion import Beyond
from medddim.inference.blocks import block_sizes, kind_of
from medddim.inference.gains import gains_of
from medddim.inference.similar import Similar
from medddim.inference.wiener import cosines_of, sums_of, variance_of
from medddim.noise.cosines import separable_power
from medddim.noise.rice import mean_of_signal
from medddim.recipe import TrainingRecipe
from medddim.training.dataset import Pairs
from medddim.volume import Array


# What is asked for, the pairs, what is known of their noise, and which of them this process has.
def beyond(
    settings: TrainingRecipe,
    pairs: Pairs,
    strength: Tensor,
    level: Tensor,
    share: slice,
    *,
    step: int,
) -> Beyond | None:
    """The filter that answers are the pilots of, where it is learnt as well."""
    if pairs.alike is None or not settings.filtered:
        return None
    pilot_of = PilotOf(strength, level, pairs.alike[share], step)
    return Beyond(pilot_of, settings.filtered)


@dataclass(frozen=True)
class PilotOf:
    """Filters states with the answers to them as pilots, with one grid of blocks for each step.

    `strength` are the maps of `medddim.networks.noise_unet`, `level` `(batch,)` how much of the
    noise is left, `alike` `(batch, axis, lag)` the correlation of the noise along each axis.
    `numbers` stand for those of `medddim.inference.gains.FITTED`.
    """

    strength: Tensor
    level: Tensor
    alike: Array
    step: int
    numbers: Mapping[str, Tensor] = field(default_factory=dict)

    def __call__(self, state: Tensor, answer: Tensor) -> Tensor:
        """The states `(batch, 1, slice, row, column)` filtered."""
        items = zip(state[:, 0], answer[:, 0], self.strength, self.level, self.alike, strict=True)
        shift = np.random.default_rng(self.step).integers(4, size=3).tolist()
        return torch.stack([_filtered(*item, shift, self.numbers) for item in items])[:, None]


def _filtered(  # noqa: PLR0913  # what is filtered, what is known of its noise, where blocks begin
    scan: Tensor,
    pilot: Tensor,
    strength: Tensor,
    left: Tensor,
    alike: Array,
    shift: Sequence[int],
    numbers: Mapping[str, Tensor],
) -> Tensor:
    noise, wider = strength[0], 2 ** (4 * float(strength[-1].flatten()[0]))
    sizes = block_sizes(scan.shape, (wider, 1.0, 1.0))
    lags = [line[:size] for line, size in zip(alike, sizes, strict=True)]
    power, level = separable_power(lags), noise * float(left)
    gains = gains_of(power, numbers.get(kind_of(sizes)))
    taken = (_signal(scan, pilot, noise, float(left)) - pilot.detach()) / level
    pilot = restored(pilot / level, taken, float(power[0, 0, 0]), sizes, level) * level
    scan = _signal(scan, pilot, noise, float(left))
    variance = level.square().expand(scan.shape)
    lines = [_line(*one) for one in zip(scan.shape, sizes, shift, strict=True)]
    strong, seen, variance = (_on_grid(image, lines) for image in (pilot, scan, variance))
    centres = variance[tuple(slice(size // 2, None, max(size // 2, 1)) for size in sizes)]
    halves, noisy = variance_of(centres, strong.shape, sizes)
    mixed = gains.mixed(cosines_of(strong, sizes), cosines_of(seen, sizes), noisy, 1.0)
    whole = sums_of(mixed, sizes, halves)
    for axis, (n, line) in enumerate(zip(scan.shape, lines, strict=True)):
        whole = whole.narrow(axis, line[0], n)
    return whole


def _signal(scan: Tensor, pilot: Tensor, noise: Tensor, left: float) -> Tensor:
    """A scan less what the mean of a magnitude lies above its signal, by the answer."""
    pilot = pilot.detach()
    signal = (pilot / noise).clamp(min=0)
    mean = torch.from_numpy(mean_of_signal(signal.numpy(force=True)).astype("f4")).to(signal)
    return scan - (mean - signal) * noise * left + (pilot - signal * noise)


def restored(
    answer: Tensor, taken: Tensor, power: float, sizes: Sequence[int], share: Tensor
) -> Tensor:
    """`Similar.restored` of an answer in units of the noise, down whose gradient it can learn.

    Which voxels are alike is not learnt, nor how much of what was taken goes back.
    """
    # torch gives `Function.apply` no types.
    found: Tensor = _Restored.apply(answer, taken, power, sizes, share)  # type: ignore[no-untyped-call]
    return found


class _Restored(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any,
        answer: Tensor,
        taken: Tensor,
        power: float,
        sizes: Sequence[int],
        share: Tensor,
    ) -> Tensor:
        context.similar = Similar(answer, sizes, share)
        found: list[Tensor] = context.similar.learnt(taken, power)
        context.save_for_backward(*found[1:])
        return found[0]

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None, None, None, None]:
        weights, share = context.saved_tensors
        sums: Tensor = context.similar.sums(gradient * (1 - share) / weights)
        return sums, None, None, None, None


def _line(n: int, size: int, shift: int) -> tuple[int, int]:
    """Voxels added in front of an axis and behind it: whole blocks, two over each voxel."""
    half = size // 2
    if not half:
        return 0, 0
    before = half + shift % half
    return before, half + -(n + before) % half


def _on_grid(image: Tensor, lines: Sequence[tuple[int, int]]) -> Tensor:
    """The image mirrored beyond its ends, edges twice."""
    for axis, (before, behind) in enumerate(lines):
        if before or behind:
            n = image.shape[axis]
            at = torch.arange(-before, n + behind, device=image.device) % (2 * n)
            image = image.index_select(axis, torch.minimum(at, 2 * n - 1 - at))
    return image
