"""Prove a recipe before it is given its hours."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from glob import escape
from itertools import islice
from pathlib import Path
from typing import Any

from medddim.errors import RecipeError
from medddim.inference.enhancer import Enhancer
from medddim.recipe import Recipe
from medddim.training.dataset import load_volumes, matching
from medddim.training.trainer import Progress, train
from medddim.training.validation import validate

STEPS = 20
SCANS = 2


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
    it. Returns what the validation of that checkpoint says, `steps_per_second`, and `hours`, how
    long the whole recipe would take on this device. Raises what `train` and `Enhancer` raise, and
    RecipeError if the loss is not a finite number.
    """
    if (root := data or recipe.data.root) is None:
        raise RecipeError("data.root is empty: name the folder of scans there or with --data")
    short, half = (_shortened(recipe, root, steps=count) for count in (steps, steps // 2))
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
    return {**figures, "steps_per_second": rate, "hours": hours}


def _shortened(recipe: Recipe, root: Path, *, steps: int) -> Recipe:
    """The recipe for few scans and steps, all else as it is."""
    scans = {
        "train": _patterns(root, recipe.data.train, SCANS),
        "validate_on": _patterns(root, recipe.data.validate_on, 1),
    }
    length = {"steps": steps, "save_every": steps, "validate_every": steps}
    return recipe.model_copy(
        update={
            "data": recipe.data.model_copy(update=scans),
            "training": recipe.training.model_copy(update=length),
        }
    )


def _patterns(root: Path, patterns: Sequence[str], count: int) -> tuple[str, ...]:
    """What matches the first few scans alone, whatever signs their names hold."""
    return tuple(map(escape, islice(matching(root, patterns), count)))
