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
from medddim.recipe import Recipe, RicianRecipe, ScalingRecipe, ScannerRecipe, UNetRecipe
from medddim.scaling import Scaling
from medddim.training.places import split_pattern
from medddim.training.scans import Named, kind_of, last_subjects, matching, place_of, without_own
from medddim.volume import Volume

LOOKED_AT = 12
"""Scans whose voxels are read; their headers are read of all."""

PLANES = {"S": "axial", "I": "axial", "A": "coronal", "P": "coronal", "L": "sagittal",
          "R": "sagittal"}  # fmt: skip
SMALLEST = 16
"""Voxels along the side of a patch; smaller ones hold too little to learn from."""
TRAINED_ON = 0.8
"""Of a single scan: the rest of its slices is held out."""
FINE = 0.5
"""The learning rate of a model that begins with weights, as a share of that of its recipe."""
NOISIEST = 0.17, 0.30
"""The upper end of the noise to learn: what the models in the package learnt, and the most."""


@dataclass(frozen=True)
class Found:
    """What there is to train on; `noise` are shares of the bright end, or HU for CT.

    `side` is the largest patch of slices that all scans hold, `block` that of a 3D network for MR.
    """

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
    block: int
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
        side=min(map(_side, volumes)),
        block=_block(volumes) if modality == "MR" else 0,
        noise=tuple(sorted(map(_noise, volumes))),
    )


def proposed(found: Found, base: Recipe, *, name: str, begin: str) -> Recipe:
    """A denoiser for these scans: `base`, the recipe of a model, with what they ask for.

    It begins with the weights of the model `begin`, or with none if that is empty.
    """
    degradation = base.degradation
    if isinstance(degradation, RicianRecipe | ScannerRecipe):
        low, high = degradation.level
        high = float(np.clip(np.ceil(200 * found.noise[-1]) / 100, max(high, NOISIEST[0]), 0.3))
        degradation = degradation.model_copy(update={"level": (low, high)})
    part = len(found.scans) > 1 and bool(found.held_out)
    data = {
        "root": found.root,
        "train": _listed(found) if found.pattern else (),
        "validate_on": _places(found, found.held_out if part else list(found.scans)[-1:]),
        "intensity_jitter": base.data.intensity_jitter,
        **({} if part else {"train_part": (0.0, TRAINED_ON), "validate_part": (TRAINED_ON, 1.0)}),
    }
    training = {
        "batch": base.training.batch,
        "patch": _patch(found, base, 1.0 if part else TRAINED_ON),
        "optimiser": base.training.optimiser,
        "learning_rate": base.training.learning_rate * (FINE if begin else 1),
        "precision": base.training.precision,
        "start_from": begin,
    }
    return Recipe.model_validate(
        {
            "name": name,
            "modality": found.modality,
            "network": base.network if begin or base.network.kind != "unet" else UNetRecipe(),
            "diffusion": base.diffusion,
            "scaling": base.scaling,
            "degradation": degradation,
            "data": data,
            "training": training,
            "self_ensemble": base.self_ensemble,
            "keeps_mean": base.keeps_mean,
        }
    )


def _patch(found: Found, base: Recipe, slices: float) -> int:
    """That of the recipe, or the largest that this share of `slices` has room for."""
    blocks = base.network.spatial_dims == 3
    room = int(found.block * slices) // 8 * 8 if blocks else found.side
    if room < SMALLEST:
        raise RecipeError(
            f"the {'largest' if blocks else 'smallest'} scan has room for a patch of {room} voxels "
            f"each way, and {SMALLEST} are the least to learn from; leave small scans out with a "
            "pattern, --data 'FOLDER/*.nii.gz'"
        )
    return min(base.training.patch, room)


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
    side = sides[1] if volume.isotropic else min(volume.shape[axis] for axis in _in_plane(volume))
    return side // 8 * 8


def _block(volumes: Sequence[Volume]) -> int:
    """The largest block that all scans hold but those too small for any, which are not used."""
    from medddim.training.acquired import source_of  # here: a wrong folder is said before scipy

    rooms = [source_of(ScalingRecipe(), one).largest_patch for one in volumes]
    return min((room for room in rooms if room >= SMALLEST), default=max(rooms))


def _noise(volume: Volume) -> float:
    """As `inspect` shows it: in HU, or as a share of the bright end."""
    from medddim.noise import noise_passport  # here: a wrong folder is said before scipy

    noise = noise_passport(volume).level
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
