"""The sides a network sees a scan from; its answer is the mean over what it says to each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from medddim.recipe import Recipe
from medddim.volume import Volume

if TYPE_CHECKING:
    from torch import Tensor

THICK = 32
"""Voxels along every axis that a scan needs to be seen in three planes; a slab shows too little."""


@dataclass(frozen=True)
class View:
    """The voxel axes in the order the network knows them, and which of those places are mirrored.

    A 2D network knows the axis across the slices first, a 3D one that of the largest factor.
    """

    order: tuple[int, ...]
    mirrored: tuple[int, ...] = ()

    def of(self, image: Tensor) -> Tensor:
        """An image `(..., x, y, z)` in this view."""
        before = image.ndim - 3
        order = (*range(before), *(before + axis for axis in self.order))
        return image.permute(order).flip([axis - 3 for axis in self.mirrored])

    def back(self, image: Tensor) -> Tensor:
        """An image of this view as an image `(..., x, y, z)`."""
        before = image.ndim - 3
        axes = (before + axis for axis in sorted(range(3), key=self.order.__getitem__))
        return image.flip([axis - 3 for axis in self.mirrored]).permute(*range(before), *axes)


def views_of(
    recipe: Recipe, volume: Volume, factors: tuple[int, int, int] | None = None
) -> list[View]:
    """From where a model sees a scan; as many evaluations of its network a step.

    One view, or with `recipe.self_ensemble` all mirror images within the network's axes, 4 in 2D
    and 8 in 3D (geometric self-ensemble, Lim et al. 2017, arXiv 1707.02921). A 2D network sees an
    isotropic MR scan along all three axes instead, as it did in training: fewer evaluations, and
    more to see than in a mirror (view aggregation, Henschel et al. 2020, arXiv 1910.03866). The
    noise of CT is not alike in all planes. `factors` are those of super-resolution.
    """
    if factors:
        order = tuple(sorted(range(3), key=lambda axis: -factors[axis]))
    else:
        order = _across(volume.slice_axis)
    if recipe.network.kind == "noise-unet" and 1 not in volume.shape:
        return [View(_across(int(np.argmax(volume.spacing_mm))))]
    if not recipe.self_ensemble:
        return [View(order)]
    dimensions, white = recipe.network.spatial_dims, recipe.white_noise
    if dimensions == 2 and white and volume.isotropic and min(volume.shape) >= THICK:
        return [View(_across(axis)) for axis in (2, 1, 0)]
    places = range(3 - dimensions, 3)
    return [
        View(order, some) for count in range(dimensions + 1) for some in combinations(places, count)
    ]


def _across(axis: int) -> tuple[int, ...]:
    return (axis, *(other for other in range(3) if other != axis))
