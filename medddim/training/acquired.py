"""Training scans as they were measured, and what is known of their own noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import fft, ifft
from scipy.ndimage import uniform_filter

from medddim.degradation.larger_voxels import LargerVoxels
from medddim.metrics.noise import measured_share
from medddim.noise.level import spread
from medddim.recipe import Recipe, ScalingRecipe
from medddim.scaling import Scaling
from medddim.volume import Array, Volume

SUBJECT_ABOVE = {"MR": 0.1, "CT": -0.5}
"""What counts as the subject, not air, in the network's range."""
THICK = 1.3
"""Pixels that slices lie apart from which on they are thick."""
THINNEST = 16
"""Voxels along the side of the smallest cube; a scan that holds none is a slab."""
OWN_NOISE = 0.7
"""Share of the noise read in a training scan that counts as its own: edges are read as noise too,
and what is called noise is learnt to be taken away."""


@dataclass(frozen=True)
class Source:
    """A scan in the network's range, `(slice, row, column)`, and what is known of it.

    `noise` is the standard deviation of its own noise, `wider` the slice spacing in pixels.
    """

    image: Array
    noise: float
    wider: float

    @property
    def isotropic(self) -> bool:
        """Whether patches may be cut along any axis."""
        return 1 / THICK < self.wider < THICK

    @property
    def largest_patch(self) -> int:
        """The longest patch that fits, as a recipe has it: a multiple of 8 voxels, 0 for none."""
        cube = int(min(self.image.shape)) // 8 * 8
        if self.isotropic and cube >= THINNEST:
            return cube
        if self.isotropic:
            return replace(self.as_slab(), wider=THICK).largest_patch
        sizes = range(8, max(self.image.shape) + 1, 8)
        fitting = [size for size in sizes if slab_side(size) <= min(self.image.shape[1:])]
        return max(fitting, default=0)

    def as_slab(self) -> Source:
        """The same cut across its thinnest axis: a slab too thin for a cube."""
        return replace(self, image=np.moveaxis(self.image, int(np.argmin(self.image.shape)), 0))


def slab_side(patch: int, slices: int = 1) -> int:
    """The side of a patch of thick slices, of as many voxels as a cube, after padding to 16."""
    return int((patch**3 / max(slices, 16)) ** 0.5) // 8 * 8


def sources_of(recipe: Recipe, volume: Volume) -> list[Source]:
    """The scan where it was measured, and at lower resolutions, which hold less noise.

    Of a 4D scan the first three images are taken.
    """
    found = []
    for image in volume.voxels[:3]:
        one = replace(volume, voxels=image[None])
        itself = source_of(recipe.scaling, one)
        found.append(itself)
        for factors in _lower_resolutions(volume):
            coarse = LargerVoxels(factors)(one, np.random.default_rng(0))
            # of white noise the mean; read there anew, the finest anatomy would count as noise
            noise = itself.noise / float(np.prod(factors)) ** 0.5
            found.append(replace(source_of(recipe.scaling, coarse), noise=noise))
    return found


def _lower_resolutions(volume: Volume) -> list[tuple[int, int, int]]:
    """By which factors a scan is large and fine enough to be coarser as well."""
    near = max(volume.spacing_mm) < 1.3 * min(volume.spacing_mm)
    if not near:
        x, y, z = (1 if axis == volume.slice_axis else 2 for axis in range(3))
        sides = [n for n, factor in zip(volume.shape, (x, y, z), strict=True) if factor > 1]
        return [(x, y, z)] if min(sides) >= 240 else []
    cubes = [(2, 2, 2)] if min(volume.shape) > 170 and min(volume.spacing_mm) < 0.9 else []
    thick = [(4, 1, 1), (1, 3, 1), (1, 1, 5), (1, 1, 2)] if min(volume.shape) > 100 else []
    return cubes + thick


def source_of(scaling: ScalingRecipe, volume: Volume) -> Source:
    """The first image of a scan where it was measured, in the network's range."""
    fitted = Scaling.fit(volume, **scaling.model_dump())
    across = int(np.argmax(volume.spacing_mm))
    image = np.moveaxis(fitted.apply(volume.voxels[0]), across, 0)
    spacing = [volume.spacing_mm[across], *np.delete(volume.spacing_mm, across)]
    for axis in (1, 2):  # as measured: there its own noise is white
        share = measured_share(image[:: max(len(image) // 16, 1)], axis)
        if share < 1:
            image, factor = _measured(image, axis, share)
            spacing[axis] *= factor
    own = OWN_NOISE * _own_noise(image)
    return Source(np.ascontiguousarray(image), own, spacing[0] / np.sqrt(spacing[1] * spacing[2]))


def _own_noise(image: Array) -> float:
    """The standard deviation of white noise in the even parts of the subject.

    From the finest diagonal Haar coefficients along all three axes, which hold the least anatomy.
    """
    smooth = uniform_filter(image, 5)
    slope = sum(np.gradient(smooth, axis=axis) ** 2 for axis in range(3))[1:, 1:, 1:]
    subject = smooth[1:, 1:, 1:] > SUBJECT_ABOVE["MR"]
    detail = image
    for axis in range(3):
        detail = np.diff(detail, axis=axis)
    even = detail[subject & (slope <= np.median(slope[subject]))]
    return spread(np.abs(even)) / 8**0.5


def _measured(image: Array, axis: int, share: float) -> tuple[Array, float]:
    size = image.shape[axis]
    half = max(1, round(share * size / 2))
    spectrum = fft(image, axis=axis, norm="forward")
    kept = np.r_[:half, size - half : size]
    cut = np.abs(ifft(np.take(spectrum, kept, axis=axis), axis=axis, norm="forward"))
    return cut.astype(np.float32), size / (2 * half)
