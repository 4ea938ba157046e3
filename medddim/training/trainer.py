"""The training loop, readable top to bottom.

A run folder holds:

    recipe.yaml, weights.safetensors   a checkpoint: the moving average of the weights, at its best
    run.safetensors                    network, average, optimiser, step: all it takes to resume
    log.jsonl, tensorboard/            what happened
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from lightning_fabric import Fabric
from safetensors import safe_open
from safetensors.torch import save as save_tensors
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from medddim import checkpoint
from medddim.diffusion import Condition, prediction_loss
from medddim.errors import RecipeError
from medddim.inference.enhancer import Enhancer
from medddim.networks import Network, autocast, choose_device
from medddim.recipe import Recipe, TrainingRecipe
from medddim.taken import as_real, as_whole
from medddim.training.board import Board
from medddim.training.dataset import Pairs, PairSource
from medddim.training.feed import batches
from medddim.training.filtered import beyond
from medddim.training.optimiser import Optimiser
from medddim.training.pace import Pace
from medddim.training.places import RESUME
from medddim.training.request import require_same, require_sound
from medddim.training.scanner_pairs import ScannerPairs
from medddim.training.scans import chosen, read_all
from medddim.training.validation import mean_psnr, validate
from medddim.volume import Volume

Progress = Callable[[int, Mapping[str, float]], None]
REPORT_EVERY = 50


# Nine arguments: each is an option of `medddim train`, but for `progress`, which shows it at work.
def train(  # noqa: PLR0913
    recipe: Recipe | Path | str,
    folder: Path | str,
    *,
    data: Path | str | None = None,
    resume: bool = False,
    device: str = "auto",
    devices: int = 1,
    workers: int = 0,
    minutes: float | None = None,
    progress: Progress = lambda step, figures: None,
) -> Path:
    """Train the model of `recipe` into `folder`, which becomes a checkpoint; return it.

    `recipe` is one, its file, or the name of one in the package. `data` overrides its `data.root`.
    With `resume` an interrupted run goes on as if it had not been interrupted, to the bit on the
    same machine. `device` is as in `Enhancer.load`; more than one of `devices` of its kind share
    each batch, one process each; the other processes begin by running the program that called this
    once more. `workers` processes draw the batches beside the training, 0 for none: where a GPU
    would wait for them. With `minutes` the run is as long as fits in them, whatever the recipe
    says. `progress` is called in the first process.

    The checkpoint holds the weights with the best mean PSNR of all validations, that of the model
    it starts from included, or the last ones if the recipe validates on nothing.

    Raises WriteRefused if `folder` holds another run and `resume` is False, RecipeError if no data
    folder is known, devices cannot share a batch, the loss is NaN or infinite or the run to resume
    had another recipe, but for how long and where, CheckpointError if it had another network.
    """
    devices, workers = as_whole(devices, "devices"), as_whole(workers, "workers")
    minutes = None if minutes is None else as_real(minutes, "minutes")
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    root, folder = data or recipe.data.root, Path(folder)
    if root is None:
        raise RecipeError("data.root is empty: name the folder of scans there, or as data")
    require_sound(recipe, folder, resume=resume, devices=devices)
    team = _team(choose_device(device), devices)
    known, load = recipe.data, partial(read_all, modality=recipe.modality)
    train_on, validate_on = chosen(known, Path(root), modality=recipe.modality)
    draws = ScannerPairs if recipe.degradation.kind == "mr-scanner" else PairSource
    source = draws(recipe, list(load(train_on, part=known.train_part).values()))
    held_out = load(validate_on, part=known.validate_part)
    run = _Run(recipe, folder, team)
    with Board(folder, run.step) if team.is_global_zero else nullcontext() as board:
        feed = batches(source, run.step, workers=workers)
        _walk(run, feed, Pace(minutes, run.step), held_out, board, progress)
    team.barrier()
    return folder


# The state of the run, its batches, how long it lasts, scans to validate on, and who reports.
def _walk(
    run: _Run,
    feed: Iterator[Pairs],
    pace: Pace,
    held_out: Mapping[str, Volume],
    board: Board | None,
    progress: Progress,
) -> None:
    """The steps that are left; the process that has the `board`, its logs, validates and saves."""
    if board is not None and run.step == 0 and run.recipe.training.start_from:
        _report_start(run, held_out, board, progress)
    began, first = time.monotonic(), run.step

    while run.step < (settings := run.fit(pace)).steps:
        figures = {"loss": run.learn(next(feed))}
        if not np.isfinite(figures["loss"]):
            raise RecipeError(
                f"the loss is not finite at step {run.step}: lower training.learning_rate; "
                "what was saved before is kept"
            )
        if board is None:
            continue
        last = run.step == settings.steps
        if run.step % settings.validate_every == 0 or last:
            judged = time.monotonic()
            figures |= _judged(run, held_out)
            began += time.monotonic() - judged  # the rate is that of steps alone
        if run.step % settings.save_every == 0 or last:
            run.save()
        if run.step % REPORT_EVERY == 0 or len(figures) > 1 or last:
            figures["steps_per_second"] = (run.step - first) / (time.monotonic() - began)
            board.report(run.step, figures)
        progress(run.step, figures)


def _report_start(
    run: _Run, held_out: Mapping[str, Volume], board: Board, progress: Progress
) -> None:
    """What the model it starts from is worth: the training has to be better."""
    if figures := _judged(run, held_out):
        board.report(0, figures)
        progress(0, figures)


def _judged(run: _Run, held_out: Mapping[str, Volume]) -> dict[str, float]:
    figures = validate(run.enhancer(), held_out)
    run.keep_if_best(mean_psnr(figures))
    return figures


def learning_rate(settings: TrainingRecipe, step: int) -> float:
    """Linear warm-up, plateau, linear fall to 0 at the last step."""
    rise = min(1.0, (step + 1) / settings.warmup)
    fall = min(1.0, (settings.steps - step) / settings.decay)
    return settings.learning_rate * min(rise, fall)


def _team(device: torch.device, devices: int) -> Fabric:
    """The processes that train together; this is one of them."""
    chosen = devices if device.index is None else [device.index]
    strategy = "ddp" if devices > 1 else "auto"
    team = Fabric(accelerator=device.type, devices=chosen, strategy=strategy)
    team.launch()
    return team


class _Run:
    """What changes while training: the network, its moving average, the optimiser, the step."""

    def __init__(self, recipe: Recipe, folder: Path, team: Fabric) -> None:
        torch.manual_seed(recipe.training.seed)
        settings = recipe.training
        self.recipe, self.folder, self.team = recipe, folder, team
        self.network = checkpoint.build_network(recipe).to(team.device)
        if settings.start_from and not (folder / RESUME).exists():
            checkpoint.start_from(settings.start_from, self.network)
        self.average = AveragedModel(self.network, multi_avg_fn=get_ema_multi_avg_fn(settings.ema))
        shared = team.setup_module(self.network)
        self.denoiser = checkpoint.build_denoiser(recipe, cast(Network, shared))
        self.optimiser = Optimiser(
            self.network, kind=settings.optimiser, learning_rate=settings.learning_rate
        )
        self.step, self.best = 0, -np.inf
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / RESUME).exists():
            self.restore()

    def fit(self, pace: Pace) -> TrainingRecipe:
        """How long the run is; `pace`, which fits it into minutes, may change that."""
        training = pace.fitted(self.recipe.training, self.step)
        if training is not self.recipe.training:
            self.recipe = self.recipe.model_copy(update={"training": training})
        return training

    def learn(self, pairs: Pairs) -> float:
        """One step of gradient descent on this process's share of the batch; returns the loss.

        Every process draws for the whole batch: how many share it changes nothing but rounding.
        """
        settings, team = self.recipe.training, self.team
        seed = np.random.SeedSequence([settings.seed, self.step]).generate_state(1)[0]
        generator = torch.Generator().manual_seed(int(seed))
        levels = self.denoiser.path.draw(
            len(pairs.clean), full_share=self.recipe.diffusion.full_share, generator=generator
        )
        white = torch.randn(pairs.clean.shape, generator=generator)
        arrays = (pairs.clean, pairs.scan, pairs.strength, white.numpy())
        share = slice(team.global_rank, None, team.world_size)
        clean, scan, strength, noise = (self._tensor(array[share]) for array in arrays)
        # of the targets: the noise they hold themselves, and what each voxel counts in the loss
        own, weight = (
            None if array is None else self._tensor(array[share])
            for array in (pairs.own, pairs.weight)
        )
        seen = scan if self.recipe.network.sees_scan else None
        path, level = self.denoiser.path, levels[share]
        drawn = noise * strength[:, :1] if path.scaled else noise
        with autocast(team.device, settings.precision):
            loss = prediction_loss(
                self.denoiser,
                clean=clean,
                source=path.source(clean, scan, drawn, level),
                level=level,
                condition=Condition(strength, seen),
                own=own,
                weight=weight,
                beyond=beyond(settings, pairs, strength, level, share, step=self.step),
            )
        self.optimiser.zero_grad()
        team.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), settings.gradient_clip)
        self.optimiser.step(learning_rate(settings, self.step))
        self.average.update_parameters(self.network)
        self.step += 1
        return float(cast(Tensor, team.all_reduce(loss.detach())))

    def enhancer(self) -> Enhancer:
        """The moving average, ready to enhance; without test-time augmentation, for speed."""
        recipe = self.recipe.model_copy(update={"self_ensemble": False})
        denoiser = checkpoint.build_denoiser(recipe, self._averaged())
        precision = self.recipe.training.precision
        return Enhancer(recipe, denoiser, device=self.team.device, precision=precision)

    def keep_if_best(self, score: float | None) -> None:
        """Make the moving average the checkpoint if it scores best; higher is better."""
        if score is not None and score > self.best:
            self.best = score
            checkpoint.save(self.folder, self.recipe, self._averaged())

    def save(self) -> None:
        """Write all that resuming needs in one atomic rename, and a checkpoint if none is best."""
        if self.best == -np.inf:
            checkpoint.save(self.folder, self.recipe, self._averaged())
        partial = self.folder / f".{RESUME}"
        best = repr(float(self.best))  # JSON has no infinity
        known = {"step": self.step, "best": best, "recipe": self.recipe.model_dump(mode="json")}
        # one key: safetensors writes several in any order, and equal runs would differ
        tensors = {key: tensor.contiguous() for key, tensor in self._tensors().items()}
        partial.write_bytes(save_tensors(tensors, metadata={"run": json.dumps(known)}))
        partial.replace(self.folder / RESUME)

    def restore(self) -> None:
        """Take up the state that `save` wrote. Raises CheckpointError if the network is another."""
        path = self.folder / RESUME
        for parameter in self.network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        self.optimiser.step(0.0)  # makes the optimiser's tensors, overwritten below
        with safe_open(path, framework="pt") as file:
            stored = {key: file.get_tensor(key) for key in file.keys()}
            known = json.loads(file.metadata()["run"])
        require_same(Recipe.model_validate(known["recipe"]), self.recipe, self.folder)
        self.step, self.best = known["step"], float(known["best"])
        checkpoint.copy_tensors(stored, into=self._tensors())

    def _averaged(self) -> Network:
        return cast(Network, self.average.module)

    def _tensors(self) -> dict[str, Tensor]:
        """Every tensor of the run by name; views, so that `restore` can write into them."""
        moments = {
            f"optimiser.{name}.{kind}": value
            for name, remembered in self.optimiser.tensors()
            for kind, value in remembered.items()
        }
        now, average = (checkpoint.named_tensors(m) for m in (self.network, self.average))
        return {**now, **{f"average.{key}": value for key, value in average.items()}, **moments}

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.team.device)
