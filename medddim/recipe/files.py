"""The recipes in the package, and what stands in those of a user's for what is left out."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from medddim.errors import RecipeError

RECIPES = Path(__file__).parents[1] / "recipes"

BY_MODALITY: dict[str, dict[str, dict[str, Any]]] = {
    "MR": {"scaling": {}, "degradation": {"kind": "rician", "level": (0.005, 0.17)}},
    "CT": {
        "scaling": {"kind": "window", "window": (0.0, 1000.0)},
        "degradation": {"kind": "low-dose", "dose": (0.025, 0.6)},
    },
}
"""The sections of a denoiser that depend on what its scans are."""


def shipped_recipes() -> list[str]:
    """Names of the recipes in the package; those below `stages/` are parts of one model."""
    found = (path.relative_to(RECIPES).with_suffix("") for path in RECIPES.rglob("*.yaml"))
    return sorted(path.as_posix() for path in found)


def file_of(recipe: Path | str) -> Path:
    """The file of that name, or else the recipe in the package.

    Raises RecipeError, naming those there are, for what looks like a name and is none.
    """
    path, names = Path(recipe), shipped_recipes()
    if path.exists():
        return path
    if path.suffix:
        raise RecipeError(
            f"no file {path}; `medddim train --init {path} --data SCANS` writes a recipe for scans"
        )
    if str(recipe) in names:
        return RECIPES / f"{recipe}.yaml"
    near = difflib.get_close_matches(str(recipe), names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    raise RecipeError(f"no recipe {str(recipe)!r}, nor a file of that name; {hint}")


def filled(given: Any) -> Any:
    """What is given of a recipe, with the sections of a denoiser for its modality."""
    if not isinstance(given, dict) or given.get("modality") not in ("MR", "CT"):
        return given
    sections = dict(BY_MODALITY[given["modality"]])
    if given.get("task", "denoise") != "denoise":
        del sections["degradation"]
    elif isinstance(said := given.get("degradation"), dict) and "kind" not in said:
        given = given | {"degradation": sections["degradation"] | said}
    return sections | given
