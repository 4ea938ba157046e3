"""The training loop, readable top to bottom.

A run folder holds:

    recipe.yaml, weights.safetensors   a checkpoint: the moving average of the weights
    run.safetensors                    network, average, optimiser, step: all it takes to resume
    log.jsonl, tensorboard/            what happened
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.tensorboard import SummaryWriter

from medddim import checkpoint
from medddim.dataset import Pairs, PairSource, load_volumes, some_slices
from medddim.degradation import LowDose, RicianNoise
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.diffusion import Condition, prediction_loss
from medddim.enhancer import Enhancer
from medddim.errors import RecipeError, WriteRefused
from medddim.metrics import compare
from medddim.metrics.noise import estimate_noise
from medddim.networks import UNet, autocast
from medddim.recipe import Recipe, TrainingRecipe
from medddim.volume import Volume

Progress = Callable[[int, Mapping[str, float]], None]
RESUME = "run.safetensors"
REPORT_EVERY = 50
VALIDATION_SLICES = 5
VALIDATION_BLOCK = 96


def train(
    recipe: Recipe,
    folder: Path,
    *,
    data: Path | None = None,
    resume: bool = False,
    device: torch.device | None = None,
    progress: Progress = lambda step, figures: None,
) -> Path:
    """Train the model of `recipe` into `folder`, which becomes a checkpoint; return it.

    `data` overrides the recipe's `data.root`. With `resume` an interrupted run goes on as if it
    had not been interrupted, to the bit on the same machine.

    Raises WriteRefused if `folder` holds another run and `resume` is False, RecipeError if no data
    folder is known, CheckpointError if the run to resume had another network.
    """
    root = data or recipe.data.root
    if root is None:
        raise RecipeError("data.root is empty: name the folder of scans there or with --data")
    if (folder / RESUME).exists() and not resume:
        raise WriteRefused(f"{folder} already holds a run: use --resume, or another folder")
    known, load = recipe.data, partial(load_volumes, root, modality=recipe.modality)
    source = PairSource(recipe, list(load(known.train, part=known.train_part).values()))
    held_out = load(known.validate_on, part=known.validate_part)
    run = _Run(recipe, folder, device or torch.device("cpu"))
    board = SummaryWriter(str(folder / "tensorboard"))
    settings, began, first = recipe.training, time.monotonic(), run.step

    while run.step < settings.steps:
        figures = {"loss": run.learn(source.draw(run.step))}
        last = run.step == settings.steps
        if run.step % settings.validate_every == 0 or last:
            figures |= validate(run.enhancer(), held_out)
        if run.step % settings.save_every == 0 or last:
            run.save()
        if run.step % REPORT_EVERY == 0 or len(figures) > 1:
            figures["steps_per_second"] = (run.step - first) / (time.monotonic() - began)
            report(folder, board, run.step, figures)
        progress(run.step, figures)

    board.close()
    return folder


def validate(enhancer: Enhancer, scans: Mapping[str, Volume]) -> dict[str, float]:
    """Mean foreground PSNR and HF power of the 1-step answer on the middle slices of `scans`."""
    figures: dict[str, float] = {}
    for name, worsen in _degradations(enhancer.recipe).items() if scans else ():
        scores = []
        for scan in scans.values():
            clean, worse, told = worsen(scan)
            scores.append(compare(enhancer(worse, **told), clean))
        figures[f"psnr_db_at_{name}"] = float(np.mean([score.psnr_db for score in scores]))
        figures[f"hf_power_at_{name}"] = float(np.mean([score.hf_power for score in scores]))
    return figures


Worsen = Callable[[Volume], tuple[Volume, Volume, dict[str, Any]]]
"""A scan in; its part that is judged, that part degraded, and what the Enhancer is told."""


def _degradations(recipe: Recipe) -> dict[str, Worsen]:
    """How scans are made worse to validate a model, by the name of the figures."""
    kind, levels = recipe.degradation.kind, recipe.training.validate_levels
    if kind == "larger-voxels":
        return {
            "x".join(map(str, f)): partial(_coarser, LargerVoxels(f))
            for f in recipe.degradation.factors
        }
    worse = _noisier if kind == "rician" else _lower_dose
    return {f"{level:g}": partial(worse, level) for level in levels}


def _noisier(level: float, scan: Volume) -> tuple[Volume, Volume, dict[str, Any]]:
    clean, degradation = middle_slices(scan, VALIDATION_SLICES), RicianNoise(level)
    noisy = degradation(clean, np.random.default_rng(0))
    return clean, noisy, {"noise": degradation.sigma(clean)}


def _lower_dose(fraction: float, scan: Volume) -> tuple[Volume, Volume, dict[str, Any]]:
    clean = middle_slices(scan, VALIDATION_SLICES)
    worsen = LowDose(fraction, noise_hu=estimate_noise(clean) or None)
    return clean, worsen(clean, np.random.default_rng(0)), {}


def _coarser(larger: LargerVoxels, scan: Volume) -> tuple[Volume, Volume, dict[str, Any]]:
    """Judged on a block in the middle: the axis with the first factor is the slice axis."""
    sizes = [
        min(n, VALIDATION_BLOCK) // f * f for n, f in zip(scan.shape, larger.factors, strict=True)
    ]
    starts = [(n - size) // 2 for n, size in zip(scan.shape, sizes, strict=True)]
    box = [slice(first, first + size) for first, size in zip(starts, sizes, strict=True)]
    clean = replace(scan, voxels=scan.voxels[(slice(None), *box)])
    coarse = larger(clean, np.random.default_rng(0))
    return clean, coarse, {"factor": larger.factors}


def middle_slices(scan: Volume, count: int) -> Volume:
    """The `count` middle slices of a scan."""
    slices = scan.shape[scan.slice_axis]
    first = max((slices - count) // 2, 0)
    return some_slices(scan, first / slices, min(first + count, slices) / slices)


def learning_rate(settings: TrainingRecipe, step: int) -> float:
    """Linear warm-up, plateau, linear fall to 0 at the last step."""
    rise = min(1.0, (step + 1) / settings.warmup)
    fall = min(1.0, (settings.steps - step) / settings.decay)
    return settings.learning_rate * min(rise, fall)


def report(folder: Path, board: SummaryWriter, step: int, figures: Mapping[str, float]) -> None:
    """Add one line to log.jsonl and one point to each TensorBoard curve."""
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"step": step, **figures}) + "\n")
    for name, value in figures.items():
        board.add_scalar(name, value, step)


class _Run:
    """What changes while training: the network, its moving average, the optimiser, the step."""

    def __init__(self, recipe: Recipe, folder: Path, device: torch.device) -> None:
        torch.manual_seed(recipe.training.seed)
        settings = recipe.training
        self.recipe, self.folder, self.device = recipe, folder, device
        self.network = checkpoint.build_network(recipe).to(device)
        if settings.start_from and not (folder / RESUME).exists():
            checkpoint.start_from(settings.start_from, self.network)
        self.denoiser = checkpoint.build_denoiser(recipe, self.network)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(settings.ema))
        self.optimiser = torch.optim.AdamW(self.network.parameters(), lr=settings.learning_rate)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / RESUME).exists():
            self.restore()

    def learn(self, pairs: Pairs) -> float:
        """One step of gradient descent; returns the loss."""
        settings = self.recipe.training
        clean, scan = self._tensor(pairs.clean), self._tensor(pairs.scan)
        seed = np.random.SeedSequence([settings.seed, self.step]).generate_state(1)[0]
        generator = torch.Generator().manual_seed(int(seed))
        level = self.denoiser.path.draw(
            len(clean), full_share=self.recipe.diffusion.full_share, generator=generator
        )
        noise = self._tensor(torch.randn(clean.shape, generator=generator).numpy())
        source = self.denoiser.path.source(clean, scan, noise)
        seen = scan if self.recipe.network.sees_scan else None
        with autocast(self.device, settings.precision):
            loss = prediction_loss(
                self.denoiser,
                clean=clean,
                source=source,
                level=level,
                condition=Condition(self._tensor(pairs.strength), seen),
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.gradient_clip)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(settings, self.step)
        self.optimiser.step()
        self.average.update_parameters(self.network)
        self.step += 1
        return float(loss.detach())

    def enhancer(self) -> Enhancer:
        """The moving average, ready to enhance."""
        denoiser = checkpoint.build_denoiser(self.recipe, self._averaged())
        return Enhancer(
            self.recipe, denoiser, device=self.device, precision=self.recipe.training.precision
        )

    def save(self) -> None:
        """Write the checkpoint, then all that resuming needs, each in one atomic rename."""
        checkpoint.save(self.folder, self.recipe, self._averaged())
        partial = self.folder / f".{RESUME}"
        save_file(self._tensors(), partial, metadata={"step": str(self.step)})
        partial.replace(self.folder / RESUME)

    def restore(self) -> None:
        """Take up the state that `save` wrote. Raises CheckpointError if the network is another."""
        path = self.folder / RESUME
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step()  # makes the optimiser's tensors, overwritten below
        with safe_open(path, framework="pt") as file:
            stored = {key: file.get_tensor(key) for key in file.keys()}
            self.step = int(file.metadata()["step"])
        checkpoint.copy_tensors(stored, into=self._tensors())

    def _averaged(self) -> UNet:
        return cast(UNet, self.average.module)

    def _tensors(self) -> dict[str, Tensor]:
        """Every tensor of the run by name; views, so that `restore` can write into them."""
        state = self.optimiser.state
        moments = {
            f"optimiser.{name}.{kind}": value
            for name, parameter in self.network.named_parameters()
            for kind, value in state[parameter].items()
        }
        now, average = (checkpoint.named_tensors(m) for m in (self.network, self.average))
        return {**now, **{f"average.{key}": value for key, value in average.items()}, **moments}

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self.device)
