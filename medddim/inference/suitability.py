"""Which scans a model is for, and what it did to them, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from medddim.errors import UnsupportedScan
from medddim.formats import voxel_signs
from medddim.recipe import LargerVoxelsRecipe, Recipe
from medddim.volume import ISOTROPY, Volume


def no_coarser(volume: Volume, factors: tuple[int, int, int]) -> str:
    """What to say where voxels become less even by a factor for one axis; else "".

    Not of a finer matrix in two axes, which is asked for whatever the slices are.
    """
    if sum(factor > 1 for factor in factors) != 1:
        return ""
    finer = [mm / factor for mm, factor in zip(volume.spacing_mm, factors, strict=True)]
    before, after = (max(mm) / min(mm) for mm in (volume.spacing_mm, finer))
    if after <= before * ISOTROPY:
        return ""
    was, becomes = ("×".join(f"{one:.3g}" for one in mm) for mm in (volume.spacing_mm, finer))
    return (
        f"voxels of {was} mm become {becomes} mm, less even than before: the factor is meant for "
        "slices much thicker than their pixels; for a finer matrix give 2,2,1 or 2,2,2"
    )


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
        stated = ", ".join("x".join(map(str, trained)) for trained in dict.fromkeys(known))
        found = "x".join(map(str, asked)) or "none"
        raise UnsupportedScan(
            f"the model {recipe.name} needs one of the factors {stated}, in any order of axes; "
            f"found {found}"
        )
    x, y, z = map(int, asked)
    if any(factor > 1 and size == 1 for factor, size in zip((x, y, z), volume.shape, strict=True)):
        raise UnsupportedScan(
            "it has one voxel along an axis that is to become finer, so nothing lies between; give "
            "a scan of several slices, or a factor for the axes in the plane, such as 2,2,1"
        )
    return (x, y, z)


def require_modality(recipe: Recipe, volume: Volume) -> None:
    """Raise UnsupportedScan for a scan of another modality, or of a CT that is not in HU.

    A scan that does not say what it is will do, but for MR not one that holds air in HU; nor does
    one whose voxels show that it is no magnitude, no CT in HU, or labels (`formats.voxel_signs`).
    """
    if volume.modality not in ("", recipe.modality):
        raise UnsupportedScan(
            f"the model {recipe.name} is for {recipe.modality} and the scan is {volume.modality}; "
            "choose another model (`medddim models list` shows them)"
        )
    if recipe.modality == "MR" and volume.recognised().modality == "CT":
        raise UnsupportedScan(
            f"the model {recipe.name} is for MR; this scan does not say what it is, and holds air "
            "in Hounsfield units as CT does: choose another model (`medddim models list` shows "
            "them)"
        )
    if volume.modality == "CT" and not volume.in_hu:
        raise UnsupportedScan(
            f"the model {recipe.name} expects Hounsfield units; this CT's values are "
            f'in {volume.unit or "another unit"} (one made by code needs unit="HU")'
        )
    if reason := voxel_signs.why_not(volume, recipe.modality):
        raise UnsupportedScan(f"the model {recipe.name} is for {recipe.modality}: {reason}")


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
