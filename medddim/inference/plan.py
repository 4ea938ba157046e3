"""What is asked of a network for one scan, and what its answer may not touch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from medddim.degradation.axial import HU_MAX, HU_MIN
from medddim.degradation.larger_voxels import Factor, LargerVoxels
from medddim.errors import DiffusionError, UnsupportedScan
from medddim.inference.suitability import factors_of
from medddim.inference.views import View, views_of
from medddim.metrics.noise import estimate_noise
from medddim.recipe import Recipe
from medddim.scaling import BRIGHTEST, Scaling
from medddim.volume import Array, Volume

FURTHEST = 6.0
"""Noise levels that no voxel of an MR scan changes by; the noise of CT is too uneven for that."""


@dataclass(frozen=True)
class Task:
    """Where a network starts, what it is told, and what is kept of the scan.

    `start` is on the grid of the answer; the network sees it from all `views`. `project` takes an
    estimate to the nearest one that agrees with what was measured, `finish` a whole answer, both
    `(image, channel) -> image`. `told` is what goes on record of it.
    """

    start: Volume
    views: list[View]
    strength: tuple[float, ...]
    project: Callable[[Array, int], Array] | None
    finish: Callable[[Array, int], Array]
    told: dict[str, Any]


def task_of(
    recipe: Recipe,
    volume: Volume,
    scaling: Scaling,
    *,
    noise: float | None = None,
    factor: Factor | None = None,
) -> Task:
    """What a model is asked for a scan; `noise` is estimated if not given.

    Raises DiffusionError for a noise below 0, UnsupportedScan for a factor the model has not.
    """
    if recipe.task == "superresolve":
        return _finer(recipe, volume, scaling, factors_of(recipe, volume, factor))
    if factor is not None:
        raise UnsupportedScan(f"the model {recipe.name} denoises; it takes no factor")
    level = estimate_noise(volume) if noise is None else noise
    if not 0 <= level < np.inf:
        raise DiffusionError(f"expected a noise of 0 or more, found {level}")
    ct, magnitude = recipe.modality == "CT", _is_magnitude(volume)

    def finish(image: Array, channel: int) -> Array:
        measured = volume.voxels[channel]
        if not ct:
            image = measured + (image - measured).clip(-FURTHEST * level, FURTHEST * level)
            image = np.where(measured > BRIGHTEST * scaling.scale, measured, image)
            return np.maximum(image, 0) if magnitude else image
        outside = (measured < HU_MIN) | (measured > HU_MAX)  # padding and metal stay
        return np.where(outside, measured, image.clip(HU_MIN, HU_MAX))

    return Task(
        volume.with_voxels(volume.voxels.clip(HU_MIN, HU_MAX)) if ct else volume,
        views=views_of(recipe, volume),
        strength=(level / scaling.scale,),
        project=None,
        finish=finish,
        told={"noise_level": round(float(level / scaling.scale), 5)},
    )


def _finer(recipe: Recipe, volume: Volume, scaling: Scaling, factors: tuple[int, int, int]) -> Task:
    larger, measured = LargerVoxels(factors), scaling.apply(volume.voxels)
    views = views_of(recipe, volume, factors)
    magnitude = _is_magnitude(volume)

    def finish(image: Array, channel: int) -> Array:
        coarse = volume.voxels[channel]
        return larger.non_negative(image, coarse) if magnitude else image

    return Task(
        larger.finer(volume),
        views=views,
        strength=tuple(factors[axis] / 10 for axis in views[0].order),
        project=lambda image, channel: larger.consistent(image, measured[channel]),
        finish=finish,
        told={"factor": list(factors)},
    )


def _is_magnitude(volume: Volume) -> bool:
    """A magnitude is never negative: where the scan has no value below 0, no answer has."""
    return bool(volume.voxels.min() >= 0)
