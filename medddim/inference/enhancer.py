"""The Enhancer: a Volume in, a better Volume out. It owns no mathematics, only the wiring."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medddim.checkpoint import Checkpoint
from medddim.degradation.larger_voxels import Factor
from medddim.diffusion import Condition, Denoiser, ddim, keyed_noise
from medddim.errors import DiffusionError, UnsupportedScan
from medddim.formats.taken import as_volume
from medddim.inference.plan import Task, task_of
from medddim.inference.posterior import mean_and_deviation, require_samples
from medddim.inference.suitability import in_words, require_modality
from medddim.inference.tiling import Done, Tiling, by_blocks, by_slices
from medddim.networks import Precision, autocast, choose_device, choose_precision
from medddim.recipe import Recipe
from medddim.scaling import Scaling
from medddim.volume import Array, Derivation, Volume

BATCH = 4
"""Slices a network sees at once; changes speed and memory, not the answer."""
TILE = {2: 512, 3: 160}
"""Edge of a tile, in voxels, by the dimensions of the network; bounds memory, not the answer."""

ALONE = 2
"""Voxels that a lone MR slice is moved by to be its own neighbour; noise of CT reaches further."""

Sampler = Callable[..., Iterator[Tensor]]
"""Walks a ladder: `(denoise, start, ladder, *, path) -> clean estimates`, as `ddim` does."""


def _unwatched(part: float) -> None:
    """The progress of an enhancer that nobody follows; a function, so that it can be pickled."""


class Enhancer:
    """A trained model and how to apply it: scale, cut, ladder, ddim, unscale.

    `tile`, the edge of a tile in voxels, bounds the memory and does not change the answer.
    `sampler` is `medddim.diffusion.ddim`; another may take its place to be compared with it.
    `progress` is told of the work done since it was last told: 1 is one evaluation of the network
    for every voxel of the answer.
    """

    def __init__(
        self,
        recipe: Recipe,
        denoiser: Denoiser,
        *,
        device: torch.device,
        precision: Precision,
        sha256: str = "",
    ) -> None:
        """Wire a denoiser; `Enhancer.load` is the usual way. `sha256` is that of the weights."""
        self.recipe, self.denoiser, self.sha256 = recipe, denoiser, sha256
        self.device, self.precision = device, choose_precision(device, precision)
        self.tile = TILE[recipe.network.spatial_dims]
        self.sampler: Sampler = ddim
        self.progress: Callable[[float], None] = _unwatched

    @classmethod
    def load(
        cls, model: str | Path, *, device: str = "auto", precision: Precision = "auto"
    ) -> Enhancer:
        """A shipped model by name, or a checkpoint folder.

        `device` is "auto", "cpu", "cuda" or "mps". Raises CheckpointError, EnvironmentProblem.
        """
        checkpoint = Checkpoint.open(model)
        place = choose_device(device)
        return cls(
            checkpoint.recipe,
            checkpoint.denoiser(place),
            device=place,
            precision=precision,
            sha256=checkpoint.sha256,
        )

    @property
    def name(self) -> str:
        """The model's name."""
        return self.recipe.name

    def __repr__(self) -> str:
        task = "denoises" if self.recipe.task == "denoise" else "super-resolves"
        place = f"{self.device}, {self.precision}"
        return f"Enhancer({self.name}: {task} {self.recipe.modality} · {place})"

    def __call__(
        self,
        volume: Volume | Any,
        *,
        steps: int = 1,
        fidelity: float = 0.0,
        seed: int = 0,
        noise: float | None = None,
        factor: Factor | None = None,
    ) -> Volume:
        """The enhanced scan, in the unit of `volume`, which may be a path or another's image, too.

        A path is read; an image of nibabel, SimpleITK or MONAI is converted (`formats.taken`). One
        step is the regression, the best in PSNR and the smoothest; more steps bring texture
        back and cost PSNR. `fidelity` blends the two: 1 is the 1-step answer, 0 that of all
        `steps`. A denoiser answers on the grid of `volume`; `noise` is the scan's noise level, the
        standard deviation in its own unit, estimated from the scan if not given. A
        super-resolution model needs a `factor` and answers on that finer grid, same extent; the
        means of the fine voxels are the voxels measured. Same arguments, same answer.

        Raises DiffusionError for a `fidelity` outside 0 to 1 and for less than one step,
        UnsupportedScan for a factor the model was not trained for, RequestProblem for an array.
        """
        volume = as_volume(volume)
        if not 0 <= fidelity <= 1:
            raise DiffusionError(f"expected a fidelity from 0 to 1, found {fidelity}")
        previews = self.previews(volume, steps=steps, seed=seed, noise=noise, factor=factor)
        first = next(previews)
        if fidelity == 0:
            return deque(chain([first], previews), maxlen=1).pop()
        made = self._made(first.derivation, fidelity=fidelity)
        if fidelity < 1 and steps > 1:
            last = deque(previews, maxlen=1).pop()
            first = last.with_voxels(fidelity * first.voxels + (1 - fidelity) * last.voxels)
        return replace(first, derivation=made)

    def samples(
        self,
        volume: Volume | Any,
        *,
        count: int,
        steps: int = 8,
        seed: int = 0,
        noise: float | None = None,
        factor: Factor | None = None,
    ) -> tuple[Volume, Volume]:
        """The mean of `count` answers and their standard deviation, in the unit of `volume`.

        The answers are those of `__call__` to the seeds from `seed` on; the deviation is unbiased.
        It is the spread of what the model draws, not a calibrated error. Raises RequestProblem for
        a model that draws no noise, for one step and for less than two answers, and what
        `__call__` raises.
        """
        volume = as_volume(volume)
        require_samples(self.name, count=count, steps=steps, draws_noise=self.denoiser.path.random)
        answers = (
            self(volume, steps=steps, seed=seed + number, noise=noise, factor=factor)
            for number in range(count)
        )
        mean, deviation = mean_and_deviation(answers)
        made = self._made(mean.derivation, samples=count, seed=seed)
        spread = f"Standard deviation of {count} samples. {made.summary}"
        return replace(mean, derivation=made), replace(
            deviation, derivation=replace(made, kind="uncertainty", summary=spread)
        )

    def previews(
        self,
        volume: Volume | Any,
        *,
        steps: int = 1,
        seed: int = 0,
        noise: float | None = None,
        factor: Factor | None = None,
    ) -> Iterator[Volume]:
        """The estimate after every step; the last one is the answer of `__call__`.

        What was told is checked, and the noise estimated, before the first.
        """
        volume = as_volume(volume)
        require_modality(self.recipe, volume)
        if not np.isfinite(volume.voxels).all():
            raise UnsupportedScan("some voxels are not finite numbers; replace them, as read does")
        told, volume = volume, volume.taken_for(self.recipe.modality)
        scaling = Scaling.fit(volume, **self.recipe.scaling.model_dump())
        task = task_of(self.recipe, volume, scaling, noise=noise, factor=factor)
        images = scaling.apply(task.start.voxels)
        runs = [
            self._estimates(image, channel, task, steps=steps, seed=seed)
            for channel, image in enumerate(images)
        ]
        made = self._made(steps=steps, fidelity=0.0, seed=seed, **task.told)
        for estimates in zip(*runs, strict=True):
            stored = scaling.undo(np.stack(estimates))
            voxels = [task.finish(image, channel) for channel, image in enumerate(stored)]
            answer = task.start.with_voxels(np.stack(voxels))
            yield replace(answer, modality=told.modality, unit=told.unit, derivation=made)

    def _made(self, before: Derivation | None = None, **told: Any) -> Derivation:
        """How an answer came about: `told`, and, of an answer made of answers, theirs."""
        known = {
            "model": self.name,
            "model_sha256": self.sha256,
            "recipe_sha256": self.recipe.sha256,
            "precision": self.precision,
        }
        how = (before.parameters if before else known) | told
        words = {key: how[key] for key in ("steps", "fidelity", "samples") if key in how}
        return Derivation(self.recipe.task, in_words(self.recipe, **words), how)

    def _estimates(
        self, image: Array, channel: int, task: Task, *, steps: int, seed: int
    ) -> Iterator[Array]:
        """Clean estimates of one image `(x, y, z)` in the network's range."""
        path, first = self.denoiser.path, task.views[0]
        scan = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)
        drawn = torch.zeros(())
        if path.random:
            drawn = first.back(keyed_noise(first.of(scan).shape, seed=seed, draw=channel))
        strength = torch.tensor(task.strength, dtype=torch.float32, device=self.device)
        strength = strength.reshape(1, -1, *[1] * self.recipe.network.spatial_dims)
        seen = [scan] if self.recipe.network.sees_scan else []

        def denoise(state: Tensor, level: float) -> Tensor:
            def done(voxels: int) -> None:
                self.progress(voxels / task.start.voxels.size)

            def estimate(stack: Tensor, *scan: Tensor) -> Tensor:
                return self.denoiser(stack, level, Condition(strength, *scan))

            with torch.inference_mode(), autocast(self.device, self.precision):
                clean = torch.zeros_like(state)
                for view in task.views:
                    cut = map(view.of, (state, *seen))
                    clean += view.back(self._tiled(estimate, *cut, done=done))
                clean /= len(task.views)
            if task.project is None:
                return clean
            return torch.from_numpy(task.project(clean.cpu().numpy(), channel)).to(clean)

        drawn = drawn.to(self.device) * (task.strength[0] if path.scaled else 1.0)
        estimates, start, walked = path.walk(denoise, scan, drawn)
        for clean in self.sampler(estimates, start, path.ladder(steps), path=walked):
            yield clean.float().cpu().numpy()

    def _tiled(self, estimate: Callable[..., Tensor], *images: Tensor, done: Done) -> Tensor:
        network = self.denoiser.network
        tiling = Tiling(
            self.tile,
            halo=getattr(network, "halo", 0),
            stride=getattr(network, "stride", 1),
            batch=BATCH,
        )
        if self.recipe.network.spatial_dims == 3:
            return by_blocks(estimate, *images, tiling=tiling, done=done)
        shift = ALONE if self.recipe.white_noise else 0
        slices = self.recipe.network.slices
        return by_slices(estimate, *images, slices=slices, tiling=tiling, shift=shift, done=done)
