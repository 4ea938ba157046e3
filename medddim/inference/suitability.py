"""Which scans a model is for, and what it did to them, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medddim.errors import UnsupportedScan
from medddim.recipe import LargerVoxelsRecipe, Recipe
from medddim.volume import Volume


def factors_of(
    recipe: Recipe, volume: Volume, factor: int | tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """How many times finer each voxel axis of a scan becomes; one number is that of its slices.

    Raises UnsupportedScan for factors the model was not trained for, in whatever order of axes.
    """
    drawn = recipe.degradation
    known = drawn.factors if isinstance(drawn, LargerVoxelsRecipe) else ()
    slices = volume.slice_axis
    asked: tuple[Any, ...] = ()
    if isinstance(factor, Iterable):
        asked = tuple(factor)
    elif factor is not None:
        asked = tuple(factor if axis == slices else 1 for axis in range(3))
    if sorted(asked, reverse=True) not in [list(trained) for trained in known]:
        told = ", ".join("x".join(map(str, trained)) for trained in dict.fromkeys(known))
        found = "x".join(map(str, asked)) or "none"
        raise UnsupportedScan(
            f"the model {recipe.name} needs one of the factors {told}, in any order of axes; "
            f"found {found}"
        )
    x, y, z = map(int, asked)
    return (x, y, z)


def require_modality(recipe: Recipe, volume: Volume) -> None:
    """Raise UnsupportedScan for a scan of another modality, or of a CT that is not in HU.

    A scan that does not say what it is will do, but for MR not one that holds air in HU, or lies
    far below 0 in large part.
    """
    if volume.modality not in ("", recipe.modality):
        raise UnsupportedScan(
            f"the model {recipe.name} is for {recipe.modality} and the scan is {volume.modality}; "
            "choose another --model (medddim models list)"
        )
    if recipe.modality == "MR" and volume.recognised().modality == "CT":
        raise UnsupportedScan(
            f"the model {recipe.name} is for MR; this scan does not say what it is, and holds air "
            "in Hounsfield units as CT does: choose another --model (medddim models list)"
        )
    if recipe.modality == "MR" and volume.may_be_no_magnitude:
        raise UnsupportedScan(
            f"the model {recipe.name} is for MR magnitudes; this scan does not say what it is, and "
            "much of it lies far below 0, as in CT or a map of phases: say it in a JSON file "
            'beside it, {"Modality": "MR"} or {"Modality": "CT"}'
        )
    if volume.modality == "CT" and not volume.in_hu:
        raise UnsupportedScan(
            f"the model {recipe.name} expects Hounsfield units; this CT's values are "
            f'in {volume.unit or "another unit"} (one made by code needs unit="HU")'
        )


def in_words(
    recipe: Recipe, *, steps: int, fidelity: float = 0, samples: int = 0, sampler: str = "ddim"
) -> str:
    """What was done to a scan, for those who find the result."""
    done = "super-resolved" if recipe.task == "superresolve" else "denoised"
    name = "DDIM" if sampler == "ddim" else sampler
    way = f"{steps} {name} step{'s' if steps > 1 else ''}"
    blend = f", fidelity {fidelity:g}" if fidelity and steps > 1 else ""
    mean = f", mean of {samples} samples" if samples else ""
    return f"AI {done} by medddim, model {recipe.name}, {way}{blend}{mean}"
