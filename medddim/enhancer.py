"""The Enhancer: a Volume in, a better Volume out. It owns no mathematics, only the wiring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from medddim.checkpoint import Checkpoint
from medddim.diffusion import Condition, Denoiser, ddim, keyed_noise
from medddim.errors import EnvironmentProblem
from medddim.metrics.noise import estimate_noise
from medddim.networks import Precision, autocast
from medddim.recipe import Recipe
from medddim.scaling import Scaling
from medddim.tiling import by_slices
from medddim.volume import Array, Volume

BATCH = 4
"""Slices a network sees at once; changes speed and memory, not the answer."""


class Enhancer:
    """A trained model and how to apply it: scale, cut, ladder, ddim, unscale."""

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
        self.device, self.precision = device, precision

    @classmethod
    def load(
        cls, model: str | Path, *, device: str = "auto", precision: Precision = "bf16"
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

    def __call__(
        self, volume: Volume, *, steps: int = 1, seed: int = 0, noise: float | None = None
    ) -> Volume:
        """The enhanced scan, on the grid and in the unit of `volume`.

        One step is the regression, the best in PSNR and the smoothest; more steps bring texture
        back and cost PSNR. `noise` is the scan's noise level, the standard deviation in its own
        unit, estimated from the scan if not given. Same arguments, same answer.
        """
        *_, last = self.previews(volume, steps=steps, seed=seed, noise=noise)
        return last

    def previews(
        self, volume: Volume, *, steps: int = 1, seed: int = 0, noise: float | None = None
    ) -> Iterator[Volume]:
        """The estimate after every step; the last one is the answer of `__call__`."""
        level = estimate_noise(volume) if noise is None else noise
        scaling = Scaling.fit(volume, **self.recipe.scaling.model_dump())
        axis = volume.slice_axis
        runs = [
            self._estimates(np.moveaxis(image, axis, 0), level / scaling.scale, steps, seed)
            for image in scaling.apply(volume.voxels)
        ]
        for images in zip(*runs, strict=True):
            voxels = np.stack([np.moveaxis(image, 0, axis) for image in images])
            yield volume.with_voxels(self._physical(scaling.undo(voxels), volume))

    def _estimates(self, image: Array, level: float, steps: int, seed: int) -> Iterator[Array]:
        """Clean estimates of one image `(slice, height, width)` in the network's range."""
        path = self.denoiser.path
        scan = torch.from_numpy(np.ascontiguousarray(image)).to(self.device)
        drawn = keyed_noise(scan.shape, seed=seed) if path.random else torch.zeros(())
        noise = drawn.to(self.device)
        sigma = torch.tensor(level, dtype=torch.float32, device=self.device).reshape(1, 1, 1, 1)
        seen = [scan] if self.recipe.network.sees_scan else []
        slices = self.recipe.network.slices

        def denoise(state: Tensor, at: float) -> Tensor:
            with torch.inference_mode(), autocast(self.device, self.precision):
                return by_slices(
                    lambda stack, *scan: self.denoiser(stack, at, Condition(sigma, *scan)),
                    state,
                    *seen,
                    slices=slices,
                    batch=BATCH,
                )

        for clean in ddim(denoise, path.start(scan, noise), path.ladder(steps), path=path):
            yield clean.float().cpu().numpy()

    def _physical(self, voxels: Array, source: Volume) -> Array:
        """A magnitude is never negative: where the scan has no value below 0, no answer has."""
        return np.maximum(voxels, 0) if source.voxels.min() >= 0 else voxels


def choose_device(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "mps"; raises EnvironmentProblem if absent."""
    available = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(kind for kind, there in available.items() if there))
    if not available.get(name.partition(":")[0]):
        raise EnvironmentProblem(f"device {name!r} is not available here; use --device auto")
    return torch.device(name)
