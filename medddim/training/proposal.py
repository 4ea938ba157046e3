"""A recipe proposed for somebody's own scans: what they are, and what fits them and the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import escape
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.errors import RecipeError, UnreadableScan
from medddim.formats import Series
from medddim.formats.subjects import Subjects
from medddim.metrics.noise import estimate_noise
from medddim.recipe import Recipe, RicianRecipe, ScannerRecipe, UNetRecipe
from medddim.scaling import Scaling
from medddim.training.places import split_pattern
from medddim.training.scans import Named, kind_of, last_subjects, matching, place_of, without_own
from medddim.volume import Volume

LOOKED_AT = 12
"""Scans whose voxels are read; their headers are read of all."""

PLANES = {"S": "axial", "I": "axial", "A": "coronal", "P": "coronal", "L": "sagittal",
          "R": "sagittal"}  # fmt: skip
PATCH, SMALLEST = 96, 16
NOISIEST = 0.17, 0.30
"""The upper end of the noise to learn: what the models in the package learnt, and the most."""


@dataclass(frozen=True)
class Found:
    """What there is to train on; `noise` are shares of the bright end, or HU for CT."""

    root: Path
    pattern: str
    scans: Named
    held_out: tuple[str, ...]
    subjects: int
    modality: str
    planes: str
    pixels_mm: tuple[float, float]
    slices_mm: tuple[float, float]
    side: int
    noise: tuple[float, ...]


def look_at(data: str) -> Found:
    """Find and measure the scans. Raises UnreadableScan if there are none."""
    root, pattern = split_pattern(data)
    root = root.absolute()
    scans = matching(root, (pattern,)) if pattern else _all(root)
    kinds = {name: kind_of(one) for name, one in scans.items()}
    counted = Counter(filter(None, kinds.values()))
    if not counted:
        raise UnreadableScan(f"no scan in {data}; `medddim inspect {root}` says what is there")
    modality = counted.most_common(1)[0][0]
    scans = {name: one for name, one in scans.items() if kinds[name] == modality}
    volumes = [formats.read(one).taken_for(modality) for one in _some(list(scans.values()))]
    who = Subjects()
    return Found(
        root,
        pattern,
        scans,
        tuple(last_subjects(scans)),
        subjects=len({who.of(one) for one in scans.values()}),
        modality=modality,
        planes=", ".join(dict.fromkeys(map(_plane, volumes))),
        pixels_mm=_ends(one.spacing_mm[axis] for one in volumes for axis in _in_plane(one)),
        slices_mm=_ends(one.spacing_mm[one.slice_axis] for one in volumes),
        side=min(_side(one) for one in volumes),
        noise=tuple(sorted(map(_noise, volumes))),
    )


def shipped_for(found: Found) -> str:
    """The model in the package that a denoiser for these scans begins with."""
    return {"MR": "mr-denoise", "CT": "ct-denoise"}[found.modality]


def proposed(found: Found, base: Recipe, *, name: str, scratch: bool) -> Recipe:
    """A denoiser for these scans: `base`, the recipe of a model, with what they ask for.

    It begins with the weights of that model, or from `scratch` with a smaller network.
    """
    degradation = base.degradation
    if isinstance(degradation, RicianRecipe | ScannerRecipe):
        low, high = degradation.level
        high = float(np.clip(np.ceil(200 * found.noise[-1]) / 100, max(high, NOISIEST[0]), 0.3))
        degradation = degradation.model_copy(update={"level": (low, high)})
    patch = min(PATCH, found.side) // 8 * 8
    if patch < SMALLEST:
        raise RecipeError(
            f"the smallest scan has slices of {found.side} voxels, too few to learn from; leave "
            "it out with a pattern, --data 'FOLDER/*.nii.gz'"
        )
    part = len(found.scans) > 1 and bool(found.held_out)
    data = {
        "root": found.root,
        "train": _listed(found) if found.pattern else (),
        "validate_on": _places(found, found.held_out if part else list(found.scans)[-1:]),
        "intensity_jitter": base.data.intensity_jitter,
        **({} if part else {"train_part": (0.0, 0.8), "validate_part": (0.8, 1.0)}),
    }
    training = {
        "batch": 8,
        "patch": patch,
        "learning_rate": 0.0005 if scratch else 0.0002,
        "start_from": "" if scratch else shipped_for(found),
    }
    return Recipe.model_validate(
        {
            "name": name,
            "modality": found.modality,
            "network": UNetRecipe() if scratch else base.network,
            "diffusion": base.diffusion,
            "scaling": base.scaling,
            "degradation": degradation,
            "data": data,
            "training": training,
            "self_ensemble": base.self_ensemble,
        }
    )


def lasting(recipe: Recipe, *, steps: int) -> Recipe:
    """The recipe with a length, and with the times that follow from it."""
    tenth = max(steps // 10, 1)
    length = {
        "steps": steps,
        "warmup": max(min(200, tenth), 1),
        "decay": max(steps // 2, 1),
        "save_every": min(500, tenth),
        "validate_every": tenth,
        # the average forgets all but the last twentieth of the run
        "ema": round(float(np.clip(1 - 20 / max(steps, 40), 0.9, 0.999)), 4),
    }
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=length)})


def _all(root: Path) -> Named:
    return without_own({one.name: one for one in formats.find(root)}, root)


def _some(scans: Sequence[Series]) -> list[Series]:
    """At most so many scans, evenly over all of them."""
    count = min(len(scans), LOOKED_AT)
    return [scans[index * len(scans) // count] for index in range(count)]


def _plane(volume: Volume) -> str:
    if volume.isotropic:
        return "isotropic"
    return PLANES[volume.orientation[volume.slice_axis]]


def _in_plane(volume: Volume) -> list[int]:
    return [axis for axis in range(3) if axis != volume.slice_axis]


def _side(volume: Volume) -> int:
    """The shorter side of the slices; of an isotropic scan, of its largest plane."""
    sides = sorted(volume.shape)
    return sides[1] if volume.isotropic else min(volume.shape[axis] for axis in _in_plane(volume))


def _noise(volume: Volume) -> float:
    noise = estimate_noise(volume)
    return float(noise if volume.modality == "CT" else noise / Scaling.fit(volume).scale)


def _ends(values: Iterator[float]) -> tuple[float, float]:
    there = list(values)
    return min(there), max(there)


def _places(found: Found, names: Sequence[str]) -> tuple[str, ...]:
    places = (place_of(found.scans[name], found.root) for name in names)
    return tuple(dict.fromkeys(map(escape, places)))


def _listed(found: Found) -> tuple[str, ...]:
    """A pattern would take the scans held out as well; so would a single scan, parts of it."""
    rest = [name for name in found.scans if name not in found.held_out] or list(found.scans)
    return _places(found, rest)
