"""The filter behind a network while it learns: its answer has to be a good pilot.

Of strong cosines the filter takes the scan's, of weak ones the answer's
(`medddim.inference.wiener`), so that a network need not learn what is in the scan already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from medddim.diffusion import Beyond
from medddim.inference.blocks import block_size
from medddim.inference.gains import gains_of, kind_of
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
    signal = (pilot.detach() / noise).clamp(min=0)
    bias = torch.from_numpy(mean_of_signal(signal.numpy(force=True)).astype("f4")).to(signal)
    bias = (bias - signal) * noise * float(left)
    spacing = (wider, 1.0, 1.0)
    sizes = [block_size(spacing, axis) if n > 1 else 1 for axis, n in enumerate(scan.shape)]
    lags = [line[:size] for line, size in zip(alike, sizes, strict=True)]
    gains = gains_of(separable_power(lags), numbers.get(kind_of(sizes)))
    variance = (noise * float(left)).square().expand(scan.shape)
    lines = [_line(*one) for one in zip(scan.shape, sizes, shift, strict=True)]
    strong, seen, variance = (_on_grid(image, lines) for image in (pilot, scan - bias, variance))
    centres = variance[tuple(slice(size // 2, None, max(size // 2, 1)) for size in sizes)]
    halves, noisy = variance_of(centres, strong.shape, sizes)
    mixed = gains.mixed(cosines_of(strong, sizes), cosines_of(seen, sizes), noisy)
    whole = sums_of(mixed, sizes, halves)
    for axis, (n, line) in enumerate(zip(scan.shape, lines, strict=True)):
        whole = whole.narrow(axis, line[0], n)
    return whole


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
