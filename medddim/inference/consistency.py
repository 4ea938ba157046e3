"""What an answer keeps of the scan it was made from, whatever the network says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from medddim.degradation.axial import HU_MAX, HU_MIN
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.inference.local_mean import with_local_mean
from medddim.inference.put_back import put_back
from medddim.scaling import BRIGHTEST, Scaling
from medddim.volume import Array, Volume

FURTHEST = 6.0
"""Noise levels that no voxel of an MR scan changes by; the noise of CT is too uneven for that."""


class Consistency(Protocol):
    """Where a network starts, and what its estimates and its answer have to agree with.

    `projects` says whether `project` changes anything.
    """

    projects: bool

    def start(self, volumes: slice) -> Array:
        """These volumes on the grid of the answer, as the network sees them first."""
        ...

    @property
    def before(self) -> Volume:
        """The scan on the grid of the answer, as it is: what a residual is the difference to."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the voxels of the answer."""
        ...

    def project(self, image: Array, channel: int) -> Array:
        """The nearest image that agrees with the measured one; both in the network's range."""
        ...

    def finish(self, image: Array, channel: int) -> Array:
        """The answer of one channel, `image` being that of the network, both in stored units."""
        ...


@dataclass(frozen=True)
class SameGrid:
    """Denoising: no voxel changes by more than noise of this `level` can, in the scan's unit.

    Of a CT scan, what lies outside the range of Hounsfield units (padding, metal) stays as it is.
    With a `noise_map` `(x, y, z)` in the scan's unit, local means stay as measured; `lag_1` is the
    correlation of the noise to the next voxel along x, y and z. Of a `magnitude`, no voxel is
    negative. If it `puts_back`, what was lost of small structures is put back
    (`medddim.inference.put_back`).
    """

    scan: Volume
    scaling: Scaling
    level: float
    ct: bool
    magnitude: bool
    puts_back: bool = False
    noise_map: Array | None = None
    lag_1: tuple[float, ...] = (0.0, 0.0, 0.0)

    projects = False

    @property
    def before(self) -> Volume:
        """The scan itself."""
        return self.scan

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the scan."""
        return self.scan.voxels.shape

    def start(self, volumes: slice) -> Array:
        """The scan; of a CT scan, within the range of Hounsfield units."""
        voxels: Array = self.scan.voxels[volumes]
        return voxels.clip(HU_MIN, HU_MAX) if self.ct else voxels

    def project(self, image: Array, channel: int) -> Array:
        """The image itself."""
        return image

    def finish(self, image: Array, channel: int) -> Array:
        """The image within the bounds of noise, of Hounsfield units, and of a magnitude."""
        measured = self.scan.voxels[channel]
        if self.ct:
            outside = (measured < HU_MIN) | (measured > HU_MAX)
            image = self._put_back(image, measured.clip(HU_MIN, HU_MAX), None)
            return np.where(outside, measured, image.clip(HU_MIN, HU_MAX))
        furthest = FURTHEST * self.level
        image = measured + (image - measured).clip(-furthest, furthest)
        image = np.where(measured > BRIGHTEST * self.scaling.scale, measured, image)
        if self.noise_map is not None:
            about = self.scan.spacing_mm
            image = with_local_mean(image, measured, self.noise_map, about, lag_1=self.lag_1)
        noise = self.level if self.noise_map is None else self.noise_map
        image = self._put_back(image, measured, noise)
        return np.maximum(image, 0) if self.magnitude else image

    def _put_back(self, image: Array, measured: Array, noise: Array | float | None) -> Array:
        if not self.puts_back:
            return image
        return put_back(
            image,
            measured,
            spacing_mm=self.scan.spacing_mm,
            slice_axis=self.scan.slice_axis,
            noise=noise,
            lag_1=self.lag_1,
        )


@dataclass(frozen=True)
class FinerGrid:
    """Super-resolution: the means of the fine voxels are the voxels measured."""

    scan: Volume
    scaling: Scaling
    larger: LargerVoxels

    projects = True

    @cached_property
    def before(self) -> Volume:
        """The scan on the finer grid: a cubic spline made consistent."""
        return self.larger.finer(self.scan)

    def start(self, volumes: slice) -> Array:
        """The same."""
        return self.before.voxels[volumes]

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the scan on the finer grid."""
        return self.before.voxels.shape

    @cached_property
    def _measured(self) -> Array:
        return self.scaling.apply(self.scan.voxels)

    def project(self, image: Array, channel: int) -> Array:
        """The nearest fine image whose means are the voxels measured."""
        return self.larger.consistent(image, self._measured[channel])

    def finish(self, image: Array, channel: int) -> Array:
        """The image, of a magnitude without values below 0."""
        if not is_magnitude(self.scan):
            return image
        return self.larger.non_negative(image, self.scan.voxels[channel])


def is_magnitude(volume: Volume) -> bool:
    """A magnitude is never negative: where the scan has no value below 0, no answer has."""
    return bool(volume.voxels.min() >= 0)
