"""Planes to look at: which voxel axis is which, where to cut, and how large a voxel is.

Pictures follow the voxel grid (an oblique scan is not resampled) and the radiological convention:
the patient's right on the left of axial and coronal pictures, anterior on the left of sagittal
ones, superior or anterior at the top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from medddim.volume import Array, Volume

RIGHT, ANTERIOR, SUPERIOR = range(3)
PLANES = {
    "axial": (RIGHT, ANTERIOR, SUPERIOR, "RLAP"),
    "coronal": (RIGHT, SUPERIOR, ANTERIOR, "RLSI"),
    "sagittal": (ANTERIOR, SUPERIOR, RIGHT, "APSI"),
}
"""Per plane the world axis across the picture, up the picture, through it; letters left, right,
top, bottom."""


@dataclass(frozen=True)
class Cut:
    """One plane through a volume: how to take it, how large it is, what its edges are called."""

    plane: str
    across: int
    up: int
    through: int
    index: int
    flip_across: bool
    flip_up: bool
    size_mm: tuple[float, float]
    letters: str

    def of(self, image: Array) -> Array:
        """The picture `(row from the top, column from the left)` of an image `(x, y, z)`."""
        upright = np.moveaxis(image, (self.through, self.up, self.across), (0, 1, 2))
        rows, columns = (
            slice(None, None, -1 if f else 1) for f in (self.flip_up, self.flip_across)
        )
        picture: Array = upright[self.index, rows, columns]
        return picture


def cuts(volume: Volume, *, planes: tuple[str, ...] = tuple(PLANES)) -> list[Cut]:
    """The planes through the middle of the signal; those one voxel thin are left out."""
    centre = _centre(volume.voxels[0])
    every = (_cut(volume, plane=plane, centre=centre) for plane in planes)
    return [cut for cut in every if min(volume.shape[cut.across], volume.shape[cut.up]) > 1]


def on_grid(volume: Volume, *, like: Volume) -> Array:
    """The first channel of a volume, `(x, y, z)`, on another grid by linear interpolation."""
    if volume.shape == like.shape and np.allclose(volume.affine, like.affine, atol=1e-3):
        same: Array = volume.voxels[0]
        return same
    to_voxels = np.linalg.inv(volume.affine) @ like.affine
    resampled: Array = ndimage.affine_transform(
        volume.voxels[0],
        to_voxels[:3, :3],
        offset=to_voxels[:3, 3],
        output_shape=like.shape,
        order=1,
        mode="nearest",
    )
    return resampled


def _cut(volume: Volume, *, plane: str, centre: tuple[int, ...]) -> Cut:
    world_across, world_up, world_through, letters = PLANES[plane]
    axis_of = volume.axes_of_world
    positive = [letter in "RAS" for letter in volume.orientation]
    across, up, through = axis_of[world_across], axis_of[world_up], axis_of[world_through]
    extent = [n * mm for n, mm in zip(volume.shape, volume.spacing_mm, strict=True)]
    return Cut(
        plane=plane,
        across=across,
        up=up,
        through=through,
        index=centre[through],
        flip_across=positive[across],  # right, or anterior, comes first
        flip_up=positive[up],  # superior, or anterior, comes first
        size_mm=(extent[across], extent[up]),
        letters=letters,
    )


def _centre(image: Array) -> tuple[int, ...]:
    """The voxel in the middle of what is brighter than the mean."""
    bright = np.argwhere(image > image.mean())
    if not len(bright):
        return tuple(n // 2 for n in image.shape)
    return tuple(int(i) for i in np.round(bright.mean(axis=0)))
