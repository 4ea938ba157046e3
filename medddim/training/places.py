"""Where the scans of a training lie, as a user says it, and where a run is saved."""

from __future__ import annotations

from pathlib import Path

from medddim.errors import RecipeError

RESUME = "run.safetensors"
"""In the folder of a run: all that it takes to resume it."""


def split_pattern(data: str) -> tuple[Path, str]:
    """The folder of `data`, and the pattern of files below it; "" where `data` is a folder."""
    whole = Path(data)
    if whole.is_dir():
        return whole, ""
    fixed: list[str] = []
    for part in whole.parts[:-1]:
        if any(sign in part for sign in "*?["):
            break
        fixed.append(part)
    root = Path(*fixed)
    signs = any(sign in data for sign in "*?[")
    if not root.is_dir() or not (signs or whole.exists()):
        raise RecipeError(f"--data {data}: expected a folder, or a pattern below one")
    return root, Path(*whole.parts[len(fixed) :]).as_posix()
