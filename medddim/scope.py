"""Which scans a model is for, and what it did to them, in words."""

from __future__ import annotations

from medddim.errors import UnsupportedScan
from medddim.recipe import Recipe
from medddim.volume import Volume


def factors_of(
    recipe: Recipe, volume: Volume, factor: int | tuple[int, int, int] | None
) -> tuple[int, int, int]:
    """How many times finer each voxel axis of a scan becomes; one number is that of its slices.

    Raises UnsupportedScan for factors the model was not trained for, in whatever order of axes.
    """
    known, slices = recipe.degradation.factors, volume.slice_axis
    if isinstance(factor, int):
        x, y, z = (factor if axis == slices else 1 for axis in range(3))
    else:
        x, y, z = factor or (0, 0, 0)
    if tuple(sorted((x, y, z), reverse=True)) not in known:
        told = ", ".join("x".join(map(str, trained)) for trained in dict.fromkeys(known))
        found = f"{x}x{y}x{z}" if factor else "none"
        raise UnsupportedScan(
            f"the model {recipe.name} needs one of the factors {told}, in any order of axes; "
            f"found {found}"
        )
    return (x, y, z)


def require_modality(recipe: Recipe, volume: Volume) -> None:
    """Raise UnsupportedScan for a scan of another modality, or of a CT that is not in HU.

    A scan that does not say what it is will do, unless it is for MR and holds air in HU.
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
    if volume.modality == "CT" and volume.unit != "HU":
        raise UnsupportedScan(
            f"the model {recipe.name} expects Hounsfield units; this CT's values are, as its "
            f"header says, in {volume.unit or 'another unit'}"
        )


def in_words(recipe: Recipe, *, steps: int, fidelity: float = 0, samples: int = 0) -> str:
    """What was done to a scan, for those who find the result."""
    done = "super-resolved" if recipe.task == "superresolve" else "denoised"
    way = f"{steps} DDIM step{'s' * (steps > 1)}"
    blend = f", fidelity {fidelity:g}" if fidelity and steps > 1 else ""
    mean = f", mean of {samples} samples" if samples else ""
    return f"AI {done} by medddim, model {recipe.name}, {way}{blend}{mean}"
