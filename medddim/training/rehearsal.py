"""Prove a recipe before it is given its hours, and find out how many hours it takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from glob import escape
from itertools import islice, pairwise
from pathlib import Path

import numpy as np

from medddim.errors import RecipeError
from medddim.formats import Series
from medddim.inference.enhancer import Enhancer
from medddim.recipe import Recipe, TrainingRecipe
from medddim.training.scans import Named, chosen, load_volumes, place_of
from medddim.training.trainer import Progress, train
from medddim.training.validation import PSNR, validate

STEPS = 20
SCANS = 2
TIMED = 8
"""Steps of a training that is timed and nothing else; the first ones make ready."""


@dataclass(frozen=True)
class Timing:
    """Seconds that a training takes here: making its scans ready, a step, a validation of all."""

    ready: float
    step: float
    validation: float

    def seconds(self, training: TrainingRecipe) -> float:
        """Of a whole run."""
        return self.ready + training.steps * self.step + _validations(training) * self.validation

    def steps_in(self, seconds: float, training: TrainingRecipe) -> int:
        """How many steps end in time, validated as often as `training`; less than 1 for none."""
        left = seconds - self.ready - _validations(training) * self.validation
        return int(left / self.step)


def _validations(training: TrainingRecipe) -> int:
    """What it starts from is validated, too."""
    return -(-training.steps // training.validate_every) + bool(training.start_from)


class _Clock:
    """Takes the time of each step that a training reports."""

    def __init__(self, progress: Progress = lambda step, figures: None) -> None:
        self.began, self.progress = time.monotonic(), progress
        self.ends: list[tuple[float, int, Mapping[str, float]]] = []

    def __call__(self, step: int, figures: Mapping[str, float]) -> None:
        self.ends.append((time.monotonic(), step, dict(figures)))
        self.progress(step, figures)

    def timing(self, *, train_on: int, held_out: int) -> Timing:
        """Of a run with so many scans, where two scans and one were taken."""
        steps = [
            (end - before, any(key.startswith(PSNR) for key in figures))
            for (before, _, _), (end, _, figures) in pairwise(self.ends)
        ]
        plain = [taken for taken, validated in steps if not validated]
        step = float(np.median(plain or [taken for taken, _ in steps]))
        validation = max(steps[-1][0] - step, 0.0) if steps[-1][1] else 0.0
        first, number, _ = self.ends[0]
        ready = max(first - self.began - (step if number else validation), 0.0)
        return Timing(ready * train_on / min(SCANS, train_on), step, validation * held_out)


def smoke(
    recipe: Recipe,
    *,
    data: Path | None = None,
    device: str = "auto",
    steps: int = STEPS,
    progress: Progress = lambda step, figures: None,
) -> tuple[dict[str, float], Timing]:
    """Walk the whole way of `recipe` with its own network on its first scans, and keep nothing.

    Trains half of `steps`, saves, resumes, trains the rest, loads the checkpoint and enhances with
    it. Returns what the validation of that checkpoint says, with the first and the last loss, and
    what the whole recipe takes on this device. Raises what `train` and `Enhancer` raise, and
    RecipeError if the loss is not a finite number.
    """
    if (root := data or recipe.data.root) is None:
        raise RecipeError("data.root is empty: name the folder of scans there, or as data")
    scans = chosen(recipe.data, root, modality=recipe.modality)
    short, half = (_shortened(recipe, root, scans, steps=n, of=steps) for n in (steps, steps // 2))
    clock = _Clock(progress)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(half, run, data=root, device=device, progress=clock)
        train(short, run, data=root, device=device, resume=True, progress=clock)
        enhancer = Enhancer.load(run, device=device)
        known = short.data
        held_out = load_volumes(
            root, known.validate_on, modality=recipe.modality, part=known.validate_part
        )
        figures = validate(enhancer, held_out)
    losses = [one["loss"] for _, _, one in clock.ends if "loss" in one]
    ends = {"first_loss": losses[0], "last_loss": losses[-1]}
    train_on, validate_on = map(len, scans)
    return figures | ends, clock.timing(train_on=train_on, held_out=validate_on)


def timed(recipe: Recipe, root: Path, *, device: str = "auto") -> Timing:
    """What `recipe` takes here, by a few steps on a few scans, and one validation."""
    scans = chosen(recipe.data, root, modality=recipe.modality)
    few, clock = _shortened(recipe, root, scans, steps=TIMED, of=TIMED), _Clock()
    with tempfile.TemporaryDirectory() as folder:
        train(few, Path(folder) / "run", data=root, device=device, progress=clock)
    train_on, held_out = map(len, scans)
    return clock.timing(train_on=train_on, held_out=held_out)


def _shortened(
    recipe: Recipe, root: Path, chosen: tuple[Named, Named], *, steps: int, of: int
) -> Recipe:
    """The recipe for few scans and steps, all else as it is."""
    train_on, held_out = chosen
    scans = {
        "train": _patterns(root, train_on.values(), SCANS),
        "validate_on": _patterns(root, held_out.values(), 1),
    }
    length = {"steps": steps, "save_every": steps, "validate_every": steps}
    length |= {"warmup": max(of // 10, 1), "decay": max(of // 4, 1)}
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update=scans),
            "training": recipe.training.model_copy(update=length),
        }
    )


def _patterns(root: Path, scans: Iterable[Series], count: int) -> tuple[str, ...]:
    """What matches the first few scans alone, whatever signs their names hold."""
    return tuple(escape(place_of(one, root)) for one in islice(scans, count))
