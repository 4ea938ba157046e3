"""The models on disk: those in the package by name, others by their folder; known without torch."""

from __future__ import annotations

from pathlib import Path

from medddim.errors import CheckpointError, UnknownModel, did_you_mean

WEIGHTS, RECIPE, CARD = "weights.safetensors", "recipe.yaml", "card.md"
MODELS = "models"
"""Where a MONAI Bundle that medddim wrote holds them; what else is in it is not looked at."""
SHIPPED = Path(__file__).parent / "weights"


def shipped() -> list[str]:
    """Names of the models inside the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{RECIPE}"))


def folder_of(model: str | Path) -> Path:
    """The folder of a model in the package, or the checkpoint folder of that name.

    Raises UnknownModel if there is none, naming the nearest, CheckpointError if there are both.
    """
    folder, names = Path(model), shipped()
    if str(model) in names:
        if (folder / RECIPE).is_file():
            raise CheckpointError(
                f"{model} is a model of medddim, and a folder here: for the folder write "
                f"{folder.absolute()}, for the model call from elsewhere"
            )
        return SHIPPED / str(model)
    if not (folder / RECIPE).is_file() and (folder / MODELS / RECIPE).is_file():
        folder = folder / MODELS
    if not (folder / RECIPE).is_file() or not (folder / WEIGHTS).is_file():
        raise UnknownModel(
            f"no model {str(model)!r}: expected one of {', '.join(names) or '(none)'} "
            f"or a folder holding {RECIPE} and {WEIGHTS}{did_you_mean(str(model), names)}"
        )
    return folder


def recorded_sha256() -> dict[str, str]:
    """The sha256 on record for each shipped model, in the form of `sha256sum`."""
    lines = (SHIPPED / "sha256.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines)
    return {Path(path).parent.name: sha256 for sha256, path in pairs}
