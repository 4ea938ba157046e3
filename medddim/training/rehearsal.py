"""Prove a recipe before it is given its hours, and find out how many hours it takes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterable
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any

from medddim.errors import RecipeError
from medddim.formats import Series
from medddim.inference.enhancer import Enhancer
from medddim.recipe import Recipe
from medddim.training.scans import chosen, load_volumes, place_of
from medddim.training.trainer import Progress, train
from medddim.training.validation import validate

STEPS = 20
SCANS = 2
TIMED = 4
"""Steps that are timed, after as many that are not: the first ones make ready."""


def smoke(
    recipe: Recipe,
    *,
    data: Path | None = None,
    device: str = "auto",
    steps: int = STEPS,
    progress: Progress = lambda step, figures: None,
) -> dict[str, float]:
    """Walk the whole way of `recipe` with its own network on its first scans, and keep nothing.

    Trains half of `steps`, saves, resumes, trains the rest, loads the checkpoint and enhances with
    it. Returns what the validation of that checkpoint says, the first and the last loss,
    `steps_per_second`, and `hours`, how long the whole recipe would take on this device. Raises
    what `train` and `Enhancer` raise, and RecipeError if the loss is not a finite number.
    """
    if (root := data or recipe.data.root) is None:
        raise RecipeError("data.root is empty: name the folder of scans there, or as data")
    short, half = (_shortened(recipe, root, steps=count, of=steps) for count in (steps, steps // 2))
    seen: list[dict[str, float]] = []

    def follow(step: int, figures: Any) -> None:
        seen.append(dict(figures))
        progress(step, figures)

    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        train(half, run, data=root, device=device, progress=follow)
        train(short, run, data=root, device=device, resume=True, progress=follow)
        enhancer = Enhancer.load(run, device=device)
        known = short.data
        held_out = load_volumes(
            root, known.validate_on, modality=recipe.modality, part=known.validate_part
        )
        figures = validate(enhancer, held_out)
    rate = seen[-1]["steps_per_second"]
    hours = recipe.training.steps / rate / 3600
    losses = [one["loss"] for one in seen if "loss" in one]
    ends = {"first_loss": losses[0], "last_loss": losses[-1]}
    return {**figures, **ends, "steps_per_second": rate, "hours": hours}


def steps_per_second(recipe: Recipe, root: Path, *, device: str = "auto") -> float:
    """How fast `recipe` trains here, by a few steps on a few scans; validations not counted."""
    few = _shortened(recipe, root, steps=2 * TIMED, of=2 * TIMED)
    alone = few.data.model_copy(update={"validate_on": ()})
    ended: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        train(
            few.model_copy(update={"data": alone}),
            Path(folder) / "run",
            data=root,
            device=device,
            progress=lambda step, figures: ended.append(time.monotonic()),
        )
    return (TIMED - 1) / max(ended[-2] - ended[TIMED - 1], 1e-6)  # the last one saves as well


def _shortened(recipe: Recipe, root: Path, *, steps: int, of: int) -> Recipe:
    """The recipe for few scans and steps, all else as it is."""
    train_on, held_out = chosen(recipe.data, root, modality=recipe.modality)
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
