"""Training pairs, made on the fly: a clean stack of slices and what a worse scan would have shown.

Everything drawn for step n comes from a generator keyed by (seed, n): a resumed run sees exactly
what an undisturbed one would have seen, and no stream of random numbers has to be saved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.degradation.rician import rician
from medddim.errors import RecipeError
from medddim.recipe import Recipe
from medddim.scaling import Scaling
from medddim.tiling import neighbours
from medddim.volume import Array, Volume

ISOTROPY = 1.1
"""A scan whose spacings differ by less than this factor is cut along all three of its axes."""
BACKGROUND = 0.1
"""Patches are redrawn while less than a tenth of the middle slice exceeds this, in [0, 1]."""


@dataclass(frozen=True)
class Pairs:
    """A batch: clean and degraded stacks `(batch, slices, height, width)` and noise levels."""

    clean: Array
    scan: Array
    noise: Array


class PairSource:
    """Draws batches of 2.5D training pairs from scans held in memory."""

    def __init__(self, recipe: Recipe, volumes: Sequence[Volume]) -> None:
        """Scale the scans and cut them into stacks of slices; isotropic ones in three planes."""
        self.recipe = recipe
        self.stacks = [stack for volume in volumes for stack in slice_stacks(recipe, volume)]
        smallest = min(min(stack.shape[1:]) for stack in self.stacks)
        if smallest < recipe.training.patch:
            raise RecipeError(
                f"training.patch is {recipe.training.patch}, but the smallest slice has only "
                f"{smallest} voxels along one axis; choose a smaller patch"
            )

    def draw(self, step: int) -> Pairs:
        """The batch of training step `step`."""
        generator = np.random.default_rng([self.recipe.training.seed, step])
        batch = self.recipe.training.batch
        clean = np.stack([self._patch(generator) for _ in range(batch)])
        low, high = self.recipe.degradation.level
        level = generator.uniform(low, high, (batch, 1, 1, 1)).astype(np.float32)
        return Pairs(clean, rician(clean, level, generator), level)

    def _patch(self, generator: np.random.Generator) -> Array:
        stack = self.stacks[generator.integers(len(self.stacks))]
        for _ in range(20):
            patch = self._cut(stack, generator)
            if (patch[patch.shape[0] // 2] > BACKGROUND).mean() > BACKGROUND:
                break
        turned = np.rot90(patch, k=int(generator.integers(4)), axes=(1, 2))
        turned = turned[:, ::-1] if generator.random() < 0.5 else turned
        turned = turned[::-1] if generator.random() < 0.5 else turned
        gain = np.float32(generator.uniform(*self.recipe.data.intensity_jitter))
        return np.ascontiguousarray(turned * gain)

    def _cut(self, stack: Array, generator: np.random.Generator) -> Array:
        size, slices = self.recipe.training.patch, self.recipe.network.slices
        centre = int(generator.integers(stack.shape[0]))
        top, left = (int(generator.integers(n - size + 1)) for n in stack.shape[1:])
        rows = neighbours(centre, slices=slices, count=stack.shape[0])
        return stack[rows, top : top + size, left : left + size]


def slice_stacks(recipe: Recipe, volume: Volume) -> list[Array]:
    """The scaled voxels as `(slice, height, width)`, along the slice axis or along all three."""
    scaling = Scaling.fit(volume, **recipe.scaling.model_dump())
    spacing = volume.spacing_mm
    isotropic = 1 not in volume.shape and max(spacing) < ISOTROPY * min(spacing)
    axes = range(3) if isotropic else [volume.slice_axis]
    voxels = scaling.apply(volume.voxels)
    return [np.ascontiguousarray(np.moveaxis(image, axis, 0)) for image in voxels for axis in axes]


def load_volumes(root: Path, patterns: Sequence[str]) -> dict[str, Volume]:
    """The scans below `root` that match any pattern, by relative name, sorted.

    Raises RecipeError for a pattern without a match.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        matches = {path.relative_to(root).as_posix(): path for path in root.glob(pattern)}
        if not matches:
            raise RecipeError(f"data: nothing below {root} matches {pattern!r}")
        found |= matches
    return {name: formats.read(found[name]) for name in sorted(found)}
