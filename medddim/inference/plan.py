"""The plan of one scan: everything that is asked of a model for it, found without its weights.

`--dry-run` shows it, Python and the batch carry it out, the record keeps it. Nothing else decides
the noise level, the views, the factor or the warnings, and nothing else rounds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from medddim.degradation.larger_voxels import LargerVoxels, factors_to
from medddim.errors import UnsupportedScan
from medddim.formats.quantise import pieces
from medddim.formats.reconstruction import denoised_by_scanner
from medddim.inference.consistency import Consistency, FinerGrid, SameGrid, is_magnitude
from medddim.inference.settings import Settings
from medddim.inference.suitability import factors_of, in_words, no_coarser, require_modality
from medddim.inference.views import View, views_of
from medddim.metrics.noise import estimate_noise
from medddim.noise import NoisePassport, noise_passport
from medddim.noise.grid import resampled
from medddim.recipe import Recipe, RicianRecipe, ScannerRecipe
from medddim.scaling import BRIGHTEST, Scaling
from medddim.volume import Array, Derivation, Volume

DIGITS = 5
"""Decimals of a noise level as a share: the level on record, given again, gives the same answer."""


UNEVEN = 0.5, 2.0
"""Times its median that the level of the noise may have, as in training; more is misread."""


@dataclass(frozen=True)
class ScanPlan:
    """What is asked of a model for one scan.

    `volume` is the scan as it came, `scan` the same with the model's modality. The network sees it
    from all `views` and knows the `strength` of its degradation: the noise level in its own range,
    or a tenth of the factor of each axis; where the level varies over the image, `level_map`
    `(x, y, z)` takes the place of the first. `facts` is what goes on record of this scan, in the
    order to be written.
    """

    recipe: Recipe
    settings: Settings
    volume: Volume
    scan: Volume
    scaling: Scaling
    views: list[View]
    strength: tuple[float, ...]
    consistency: Consistency
    facts: dict[str, Any]
    level_map: Array | None = None

    @property
    def network_evaluations(self) -> int:
        """How often the network sees each voxel of the answer."""
        return int(self.facts["network_evaluations"])

    def of(self, scan: Volume) -> ScanPlan:
        """The same plan for other voxels of the same kind: noise, scaling and views stay."""
        same = replace(self.consistency, scan=scan)  # type: ignore[type-var]  # both are dataclasses
        return replace(self, volume=scan, scan=scan, consistency=same)

    def part(self, *box: slice) -> ScanPlan:
        """The same plan for a part of the scan, a box of its voxel axes."""
        part = self.of(self.scan.crop(*box))
        if self.level_map is None:
            return part
        level_map = np.ascontiguousarray(self.level_map[box])
        same = part.consistency
        if isinstance(same, SameGrid):
            same = replace(same, level_map=level_map)
        return replace(part, level_map=level_map, consistency=same)

    @property
    def sampler(self) -> str:
        """How the steps are taken: as asked, or as the recipe says."""
        return self.settings.sampler or self.recipe.diffusion.sampler

    def derivation(self, *, sha256: str, precision: str) -> Derivation:
        """How the answer comes about, by weights of this sha256 in this precision."""
        asked = requested(self.recipe, self.settings, sha256=sha256, precision=precision)
        made = {"kind": self.recipe.task, **asked, **self.facts}
        return Derivation(self.recipe.task, summary(self.recipe, self.settings), made)


def plan_scan(recipe: Recipe, volume: Volume, settings: Settings | None = None) -> ScanPlan:
    """What is asked of the model of a recipe for a scan.

    Raises RequestProblem for settings that make no sense for the model, UnsupportedScan for a scan
    of another modality, with voxels that are not finite, or at a factor the model was not trained
    for.
    """
    settings = settings or Settings()
    settings.require_fitting(recipe)
    require_modality(recipe, volume)
    if not all(np.isfinite(volume.voxels[part]).all() for part in pieces(volume.voxels.shape)):
        raise UnsupportedScan("some voxels are not finite numbers; replace them, as read does")
    scan = volume.taken_for(recipe.modality)
    scaling = Scaling.fit(scan, **recipe.scaling.model_dump())
    make = _finer if recipe.task == "superresolve" else _denoised
    parts = make(recipe, scan, scaling, settings)
    views = parts.views[:1] if _one_view(recipe, settings) else parts.views
    facts = parts.facts
    evaluations = settings.steps_taken * (settings.samples or 1) * len(views)
    first: dict[str, Any] = {"network_evaluations": evaluations}
    if not volume.modality:
        first["taken_for"] = recipe.modality
    return ScanPlan(
        recipe,
        settings,
        volume,
        scan,
        scaling=scaling,
        views=views,
        strength=parts.strength,
        consistency=parts.consistency,
        facts=first | facts,
        level_map=parts.level_map,
    )


def requested(recipe: Recipe, settings: Settings, *, sha256: str, precision: str) -> dict[str, Any]:
    """All that determines an answer beside the scan, in the order to be written."""
    noise: dict[str, Any] = {"noise": settings.noise_share}
    if settings.noise is not None:
        noise = {"noise_in_unit": settings.noise}
    elif settings.noise_share is None:
        noise = {"noise": "estimated"}
    finer = {"factor": settings.factor, "spacing_mm": settings.spacing_mm}
    asked = {
        **(finer if settings.finer else noise),
        "samples": settings.samples,
        "sampler": settings.sampler,
    }
    if _one_view(recipe, settings):
        asked["quality"] = "fast"
    return {
        "model": recipe.name,
        "model_sha256": sha256,
        "recipe_sha256": recipe.sha256,
        "steps": int(settings.steps),
        "fidelity": settings.fidelity,
        "seed": settings.seed,
        **{key: _plain(value) for key, value in asked.items() if value is not None},
        "precision": precision,
    }


def _one_view(recipe: Recipe, settings: Settings) -> bool:
    """Whether one view is taken, by request or because the mean of several gives little."""
    return settings.quality == "fast" or (settings.quality == "auto" and recipe.modality == "CT")


def summary(recipe: Recipe, settings: Settings) -> str:
    """What is done to a scan, in one sentence for those who find the result."""
    return in_words(
        recipe,
        steps=settings.steps,
        fidelity=settings.fidelity,
        samples=settings.samples or 0,
        sampler=settings.sampler or recipe.diffusion.sampler,
    )


class _Parts(NamedTuple):
    views: list[View]
    strength: tuple[float, ...]
    consistency: Consistency
    facts: dict[str, Any]
    level_map: Array | None = None


def _denoised(recipe: Recipe, scan: Volume, scaling: Scaling, settings: Settings) -> _Parts:
    known = noise_passport(scan) if recipe.network.kind == "noise-unet" else None
    share = settings.noise_share
    if share is None:
        noise = settings.noise
        if noise is None:
            noise = known.level if known else estimate_noise(scan)
        share = noise / scaling.scale
    warnings = list(_unlike_training(recipe, share, float(scan.voxels.max()) / scaling.scale))
    if learned := denoised_by_scanner(scan):
        warnings.append(
            f"the scanner denoised this scan already ({learned}, by its header or JSON file): what "
            "is left is no noise that the model was trained on"
        )
    share = round(float(share), DIGITS)
    level = share * scaling.scale
    facts: dict[str, Any] = {"noise_level": share}
    if scan.in_hu:
        facts["noise_hu"] = round(level, 1)
    if warnings:
        facts["warning"] = "; ".join(warnings)
    views, ct, magnitude = views_of(recipe, scan), recipe.modality == "CT", is_magnitude(scan)
    strength: tuple[float, ...] = (level / scaling.scale,)
    puts_back = recipe.keeps_mean
    if known is None:
        same = SameGrid(scan, scaling, level, ct=ct, magnitude=magnitude, puts_back=puts_back)
        return _Parts(views, strength, same, facts)
    about = noise_along(scan, known, views[0].order)
    facts["noise_correlation"] = list(about[:-1])
    level_map = np.ones(scan.shape, np.float32)
    if known.level:
        level_map = resampled(known.cells, known.shape)
        level_map /= known.level
        np.clip(level_map, *UNEVEN, out=level_map)
    furthest = level * float(level_map.max())
    level_map *= np.float32(strength[0])
    lag_1 = tuple(float(lag) for lag, _ in known.correlation)
    same = SameGrid(
        scan, scaling, furthest, ct=ct, magnitude=magnitude, level_map=level_map, lag_1=lag_1
    )
    same = replace(same, puts_back=puts_back, filters=known.filters, around=known.around)
    return _Parts(views, (*strength, *about), same, facts, level_map)


def noise_along(scan: Volume, known: NoisePassport, order: tuple[int, ...]) -> tuple[float, ...]:
    """What `medddim.networks.noise_unet` reads of the noise beside its level.

    The correlation at 1 and 2 voxels along each axis in this `order`, and how much wider than the
    pixels the slices lie. A lone slice is its own neighbour, whose noise is the same.
    """
    correlation = [
        round(float(lag), DIGITS) if scan.shape[axis] > 1 else 1.0
        for axis in order
        for lag in known.correlation[axis]
    ]
    across, *plane = (scan.spacing_mm[axis] for axis in order)
    return *correlation, float(np.log2(across / np.sqrt(np.prod(plane)))) / 4


def _finer(recipe: Recipe, scan: Volume, scaling: Scaling, settings: Settings) -> _Parts:
    asked = settings.factor
    if settings.spacing_mm is not None:
        asked = factors_to(scan, settings.spacing_mm)
    factors = factors_of(recipe, scan, asked)
    views = views_of(recipe, scan, factors)
    strength = tuple(factors[axis] / 10 for axis in views[0].order)
    consistency = FinerGrid(scan, scaling, LargerVoxels(factors))
    facts: dict[str, Any] = {"factor": list(factors)}
    if remark := no_coarser(scan, factors):
        facts["warning"] = remark
    return _Parts(views, strength, consistency, facts)


def _unlike_training(recipe: Recipe, level: float, brightest: float) -> Iterator[str]:
    """What about an MR scan lies outside what a model has seen; both in the network's range."""
    if not isinstance(recipe.degradation, RicianRecipe | ScannerRecipe):
        return
    low, high = recipe.degradation.level
    if not low <= level <= high:
        yield (
            f"noise of {level:.2%} lies outside {low:.1%} to {high:.1%}, "
            "the range the model was trained for"
        )
    if brightest > BRIGHTEST:
        yield (
            f"the brightest voxel has {brightest:.0f} times the signal of the bright end, as in no "
            "scan the model was trained on: is the subject too small in the field of view? Voxels "
            f"above {BRIGHTEST:g} times are left as they are"
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
