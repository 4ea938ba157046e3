"""Whether a training can begin, judged by names and headers alone, before torch is loaded."""

from __future__ import annotations

from pathlib import Path

from medddim import formats
from medddim.errors import RecipeError, WriteRefused
from medddim.models import folder_of
from medddim.recipe import Recipe
from medddim.training.places import RESUME
from medddim.training.scans import matching, require_any, require_held_out, without_own

MAY_CHANGE = {
    "training.steps", "training.decay", "training.save_every", "training.validate_every",
    "data.root", "data.validate_on", "data.validate_part",
}  # fmt: skip
"""Of a recipe, while a run goes on: how long it is, when it is saved, where its scans lie."""


def require_sound(recipe: Recipe, folder: Path, *, resume: bool = False, devices: int = 1) -> None:
    """Judge what needs no look at the scans.

    Raises WriteRefused if `folder` holds another run and `resume` is False, RecipeError if the
    devices cannot share a batch or the run ends within its warmup, CheckpointError if there is no
    model to start from.
    """
    if (folder / RESUME).exists() and not resume:
        raise WriteRefused(
            f"{folder} already holds a run: go on with it by --resume, or choose another folder"
        )
    batch, begin = recipe.training.batch, recipe.training.start_from
    steps, warmup = recipe.training.steps, recipe.training.warmup
    if steps <= warmup and warmup > 1:  # of a request alone: a run cut short is a model, too
        raise RecipeError(
            f"training: a run of {steps} steps ends within its warmup of {warmup}, and learns next "
            "to nothing; choose more steps, or a warmup of a tenth of them"
        )
    if batch % devices:
        raise RecipeError(f"training.batch is {batch}: {devices} devices cannot share it evenly")
    if begin and not (folder / RESUME).exists():
        folder_of(begin)


def require_scans(recipe: Recipe, root: Path) -> None:
    """Judge whether there is anything to train on; no voxel is read.

    Raises RecipeError for scans that are trained and validated on, UnreadableScan for a pattern
    without a match, where no scan is of the modality of the recipe, and where medddim has made all.
    """
    known = recipe.data
    matching(root, known.validate_on)
    if known.train:
        require_held_out(known, root)
    else:
        found = {one.name: one for one in formats.find_for(root, recipe.modality)}
        require_any(list(without_own(found, root).values()), root, recipe.modality)


def require_same(begun: Recipe, now: Recipe, folder: Path) -> None:
    """Raise RecipeError if a run would go on with what it was not begun with."""
    before, after = (
        {
            f"{part}.{key}": value
            for part, values in recipe.model_dump().items()
            for key, value in (values.items() if isinstance(values, dict) else [("", values)])
        }
        for recipe in (begun, now)
    )
    changed = [key.rstrip(".") for key in after if before.get(key) != after[key]]
    # without patterns, what is held out decides what is trained on
    may = MAY_CHANGE if now.data.train else MAY_CHANGE - {"data.validate_on"}
    if other := [key for key in changed if key not in may]:
        raise RecipeError(
            f"the run in {folder} was begun with another {', '.join(other)}; go on with the recipe "
            "it was begun with, or begin another run with training.start_from"
        )
