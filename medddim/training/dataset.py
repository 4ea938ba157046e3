"""Training pairs, made on the fly: a clean patch and what a worse scan would have shown.

Everything drawn for step n comes from a generator keyed by (seed, n): a resumed run sees exactly
what an undisturbed one would have seen, and no stream of random numbers has to be saved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from medddim.degradation.axial import HU_MAX, HU_MIN
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.degradation.rician import rician
from medddim.errors import RecipeError
from medddim.inference.tiling import neighbours
from medddim.recipe import LargerVoxelsRecipe, LowDoseRecipe, Recipe, RicianRecipe
from medddim.scaling import Scaling
from medddim.training.acquired import SUBJECT_ABOVE
from medddim.training.dose_noise import DOSES, between, excess, noise_of_doses
from medddim.training.scans import some_slices
from medddim.volume import Array, Volume

SUBJECT_SHARE = 0.1
"""Patches are redrawn while less of their middle slice shows the subject."""


Kind = TypeVar("Kind", RicianRecipe, LowDoseRecipe, LargerVoxelsRecipe)


@dataclass(frozen=True)
class Pairs:
    """A batch of clean and degraded patches, and how strongly they are degraded.

    Patches are `(batch, slices, height, width)`, those of a 3D network `(batch, 1, *space)`. `own`
    is the noise that the clean patch holds itself, as a share of the total, and `weight` what each
    voxel counts in the loss; both `(batch, 1, *space)`, None where there is nothing to say. `alike`
    `(batch, axis, lag)` is the correlation of the noise along each axis, from the voxel itself on.
    """

    clean: Array
    scan: Array
    strength: Array
    own: Array | None = None
    weight: Array | None = None
    alike: Array | None = None


@dataclass(frozen=True)
class Stack:
    """A scan along one of its axes, in the network's range: `images` `(1, slice, height, width)`.

    For low dose, `added` is what `DOSES` doses add, for each kernel and each of two draws: `(kind,
    slice, height, width)`, float16. `noise` is what `estimate_noise` reads, `(kernel, 1 + DOSES)`,
    in the scan and in those with the noise of the first draw.
    """

    images: Array
    added: npt.NDArray[np.float16]
    noise: Array


class PairSource:
    """Draws batches of training pairs from scans held in memory."""

    def __init__(self, recipe: Recipe, volumes: Sequence[Volume]) -> None:
        """Scale the scans and cut them into stacks of slices; isotropic ones in three planes."""
        self.recipe = recipe
        by_scan = [
            slice_stacks(recipe, seen)
            for volume in volumes
            for seen in (volume, *(_coarser_pixels(volume) if recipe.data.coarser else ()))
        ]
        self.scans = [stacks for stacks in by_scan if stacks]
        if not self.scans:
            raise RecipeError(
                f"training.patch is {recipe.training.patch}, but no scan has that many slices; "
                "choose a smaller patch"
            )
        # Between every scan and every slice as likely: single slices neither reign nor vanish.
        weights = np.sqrt([stacks[0].images.shape[1] for stacks in self.scans])
        self.shares = weights / weights.sum()
        # of the planes of a scan, the one with most room for a patch: others are not used
        smallest = min(max(min(one.images.shape[2:]) for one in stacks) for stacks in self.scans)
        if smallest < recipe.training.patch:
            raise RecipeError(
                f"training.patch is {recipe.training.patch}, but the smallest slice has only "
                f"{smallest} voxels along one axis; choose a patch of {smallest} at most"
            )
        degradations: dict[str, Callable[[Array, Array, np.random.Generator], Pairs]] = {
            "rician": self._noisier,
            "low-dose": self._lower_dose,
            "larger-voxels": self._coarser,
        }
        self._degrade = degradations[recipe.degradation.kind]

    def draw(self, step: int) -> Pairs:
        """The batch of training step `step`."""
        generator = np.random.default_rng([self.recipe.training.seed, step])
        drawn = [self._drawn(generator) for _ in range(self.recipe.training.batch)]
        noise = np.stack([noise for _, noise in drawn])
        return self._degrade(np.stack([patch for patch, _ in drawn], 1), noise, generator)

    def _noisier(self, patches: Array, noise: Array, generator: np.random.Generator) -> Pairs:
        (clean,) = patches
        level = self._levels(len(clean), generator)
        return self._shaped(clean, rician(clean, level, generator), level)

    def _lower_dose(self, patches: Array, noise: Array, generator: np.random.Generator) -> Pairs:
        """The network is given what it will be given of a scan: one level for the whole of it.

        Two realisations at a random angle are another one, equally likely: the network cannot
        learn them by heart.
        """
        drawn = self._drawn_from(LowDoseRecipe)
        clean, scans = patches[0], np.arange(len(noise))
        kernels = list(dict.fromkeys(drawn.kernels))
        draws = patches[1:].reshape(len(kernels), 2, DOSES, *clean.shape)
        kernel = [kernels.index(name) for name in generator.choice(drawn.kernels, len(clean))]
        first, second = np.moveaxis(draws[kernel, :, :, scans], (1, 2), (0, 1))
        angle = generator.uniform(0, 2 * np.pi, (len(clean), 1, 1, 1))
        times = excess(drawn.dose)
        shares = between(generator.uniform(times[0], times[-1], len(clean)), times)
        added = np.einsum("db...,db->b...", np.cos(angle) * first + np.sin(angle) * second, shares)
        strength = np.einsum("bd,db->b", noise[scans, kernel, 1:], shares)
        return self._shaped(clean, clean + added, strength.reshape(angle.shape))

    def _coarser(self, patches: Array, noise: Array, generator: np.random.Generator) -> Pairs:
        factors = self._drawn_from(LargerVoxelsRecipe).factors
        larger = LargerVoxels(factors[int(generator.integers(len(factors)))])
        whole = (slice(n // f * f) for n, f in zip(patches.shape[2:], larger.factors, strict=True))
        clean = patches[0][(slice(None), *whole)]
        coarse = [larger.mean(patch) for patch in clean]
        scan = np.stack([larger.consistent(larger.cubic(patch), patch) for patch in coarse])
        return self._shaped(clean, scan, np.divide(larger.factors, 10).reshape(1, 3, 1, 1))

    def _drawn_from(self, kind: type[Kind]) -> Kind:
        """The degradation of the recipe, which is of this kind."""
        assert isinstance(self.recipe.degradation, kind)  # noqa: S101  # for the type checker
        return self.recipe.degradation

    def _levels(self, count: int, generator: np.random.Generator) -> Array:
        """Levels of degradation, even over the recipe's range."""
        low, high = self._drawn_from(RicianRecipe).level
        return generator.uniform(low, high, (count, 1, 1, 1)).astype(np.float32)

    def _shaped(self, *arrays: npt.ArrayLike) -> Pairs:
        clean, scan, strength = (np.asarray(array, np.float32) for array in arrays)
        if self.recipe.network.spatial_dims == 3:
            return Pairs(clean[:, None], scan[:, None], strength[..., None])
        return Pairs(clean, scan, strength)

    def _drawn(self, generator: np.random.Generator) -> tuple[Array, Array]:
        """A patch, or a weighted mean of two; only the first one's degradation is kept."""
        patch, noise = self._patch(generator)
        mixed = self.recipe.data.mixed
        if not mixed or generator.random() >= mixed:
            return patch, noise
        other, others_noise = self._patch(generator)
        if other.shape[1] != patch.shape[1]:  # 3D, from a scan of few slices
            return patch, noise
        share = np.float32(generator.uniform(0.5, 1))
        patch[0] = share * patch[0] + (1 - share) * other[0]
        own, others = noise[..., :1] ** 2, others_noise[..., :1] ** 2
        mean = share**2 * own + (1 - share) ** 2 * others
        return patch, np.sqrt(np.maximum(noise**2 - own + mean, mean))

    def _patch(self, generator: np.random.Generator) -> tuple[Array, Array]:
        """A patch `(kind, slice, height, width)` and its noise."""
        stacks = self.scans[generator.choice(len(self.scans), p=self.shares)]
        stack = stacks[generator.integers(len(stacks))]
        for _ in range(20):
            patch = self._cut(stack, generator)
            seen = patch[0, patch.shape[1] // 2] > SUBJECT_ABOVE[self.recipe.modality]
            if seen.mean() > SUBJECT_SHARE:
                break
        turned = np.rot90(patch, k=int(generator.integers(4)), axes=(2, 3))
        turned = turned[..., ::-1] if generator.random() < 0.5 else turned
        turned = turned[:, ::-1] if generator.random() < 0.5 else turned
        gain = np.float32(generator.uniform(*self.recipe.data.intensity_jitter))
        return np.ascontiguousarray(turned * gain), np.multiply(stack.noise, gain)

    def _cut(self, stack: Stack, generator: np.random.Generator) -> Array:
        size, (count, *sides) = self.recipe.training.patch, stack.images.shape[1:]
        top, left = (int(generator.integers(n - size + 1)) for n in sides)
        if self.recipe.network.spatial_dims == 3:
            first = int(generator.integers(max(count - size, 0) + 1))
            rows = list(range(first, min(first + size, count)))
        else:
            centre = int(generator.integers(count))
            rows = neighbours(centre, slices=self.recipe.network.slices, count=count)
        where = np.s_[:, rows, top : top + size, left : left + size]
        return np.concatenate([stack.images[where], stack.added[where]])


def slice_stacks(recipe: Recipe, volume: Volume) -> list[Stack]:
    """The scaled voxels as stacks along the slice axis, or along all three where a patch fits.

    A scan of few slices has no patch for a 3D network and gives none.
    """
    scaling = Scaling.fit(volume, **recipe.scaling.model_dump())
    axes = range(3) if volume.isotropic else [volume.slice_axis]
    patch = recipe.training.patch
    fitting = [axis for axis in axes if min(np.delete(volume.shape, axis)) >= patch]
    voxels = volume.voxels.clip(HU_MIN, HU_MAX) if recipe.modality == "CT" else volume.voxels
    clean = scaling.apply(voxels)[None]
    added, noise = np.zeros((0, *clean.shape[1:]), np.float16), np.zeros((1, 1), np.float32)
    if isinstance(recipe.degradation, LowDoseRecipe):
        drawn, generator = recipe.degradation, np.random.default_rng(recipe.training.seed)
        kernels = dict.fromkeys(drawn.kernels)
        in_hu, noise = noise_of_doses(volume, kernels, drawn.dose, generator)
        added = (in_hu / np.float32(scaling.scale)).astype(np.float16)
        noise = noise / np.float32(scaling.scale)
    flat = recipe.network.spatial_dims == 2

    def along(kinds: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
        return np.ascontiguousarray(np.moveaxis(kinds, 1 + axis, 1))

    return [
        Stack(along(clean[:, channel], axis), along(added[:, channel], axis), noise)
        for channel in range(clean.shape[1])
        for axis in fitting or axes  # where none fits, all are refused
        if flat or clean.shape[2 + axis] >= patch
    ]


def _coarser_pixels(volume: Volume) -> list[Volume]:
    """The scan with pixels twice as long and wide: larger anatomy, less noise.

    Empty if its slices would lie closer than its pixels.
    """
    x, y, z = (1 if axis == volume.slice_axis else 2 for axis in range(3))
    coarse = LargerVoxels((x, y, z))(volume, np.random.default_rng(0))
    closer = coarse.spacing_mm[volume.slice_axis] < max(coarse.spacing_mm) - 1e-3
    return [] if closer else [coarse]


def middle_slices(scan: Volume, count: int) -> Volume:
    """The `count` middle slices of a scan."""
    slices = scan.shape[scan.slice_axis]
    first = max((slices - count) // 2, 0)
    return some_slices(scan, first / slices, min(first + count, slices) / slices)
