"""What an answer keeps of the scan it was made from, whatever the network says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from medddim.degradation.axial import HU_MAX, HU_MIN
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.inference import put_back
from medddim.inference.blocks import block_reach, block_sizes, similar_reach
from medddim.inference.slabs import Box, in_place, largest
from medddim.noise.filters import AxisFilter, Round
from medddim.scaling import BRIGHTEST, Scaling
from medddim.volume import Array, Volume

FURTHEST = 6.0
"""Noise levels that no voxel of an MR scan changes by; the noise of CT is too uneven for that."""


Step = Callable[[Array, Array, Box], Array]
"""What is done to a slab of an answer, beside the measured one, that lies at a box."""


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

    @property
    def slab(self) -> int:
        """How many voxels of a volume are finished together."""
        ...

    def project(self, image: Array, channel: int) -> Array:
        """The nearest image that agrees with the measured one; both in the network's range."""
        ...

    def finish(self, image: Array, channel: int) -> Array:
        """The answer of one channel, `image` being that of the network, both in stored units.

        It may be the same array, written over.
        """
        ...


@dataclass(frozen=True)
class SameGrid:
    """Denoising: no voxel changes by more than noise of this `level` can, in the scan's unit.

    Of a CT scan, what lies outside the range of Hounsfield units (padding, metal) stays as it is.
    If it `puts_back`, what was lost of small structures is put back (`medddim.inference.put_back`).
    With a `level_map` `(x, y, z)` of the noise in the network's range, that answer is the pilot of
    a filter of the scan (`medddim.inference.wiener`), before what that lost is put back. `lag_1` is
    the correlation of the noise to the next voxel along x, y and z, `filters` are those of k-space
    along them, `around` is one in the round. Of a `magnitude`, no voxel is negative.
    """

    scan: Volume
    scaling: Scaling
    level: float
    ct: bool
    magnitude: bool
    puts_back: bool = False
    level_map: Array | None = None
    lag_1: tuple[float, ...] = (0.0, 0.0, 0.0)
    filters: tuple[AxisFilter, ...] = (AxisFilter(), AxisFilter(), AxisFilter())
    around: Round | None = None

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
        """The image within the bounds of noise, of Hounsfield units, and of a magnitude.

        It is written over, slab by slab.
        """
        measured = self.scan.voxels[channel]
        far, near = self._reaches_along(self.scan.slice_axis)
        steps: list[tuple[Step, int]] = [(self._finished, near)]
        if self._filters:
            steps.insert(0, (self._filtered, far))
        for step, reach in steps:
            made = partial(_beside, measured, step)
            in_place(made, image, axis=self.scan.slice_axis, reach=reach)
        return image

    @property
    def slab(self) -> int:
        """That of the step that sees furthest."""
        axis = self.scan.slice_axis
        return largest(self.scan.shape, axis=axis, reach=max(self._reaches_along(axis)))

    @property
    def reach(self) -> list[int]:
        """How many voxels along each axis one of the network's answer still counts."""
        return [sum(self._reaches_along(axis)) for axis in range(3)]

    def _reaches_along(self, axis: int) -> tuple[int, int]:
        """For what is filtered, and for what is put back."""
        spacing = self.scan.spacing_mm
        if not self.puts_back:
            return 0, 0
        near = put_back.reach(spacing, axis, slice_axis=self.scan.slice_axis, hu=self.ct)
        if not self._filters:
            return 0, near
        similar = similar_reach(block_sizes(self.shape[-3:], spacing), axis)
        return near + similar + block_reach(spacing, axis), near

    @property
    def noise_map(self) -> Array | None:
        """The noise at each voxel in the scan's unit, where the answer is filtered by it."""
        return self._noise(slice(None)) if self._filters else None

    @property
    def _filters(self) -> bool:
        return self.puts_back and self.level_map is not None

    def _noise(self, box: Any) -> Array:
        assert self.level_map is not None  # noqa: S101  # asked for only where there is one
        noise: Array = self.level_map[box] * np.float32(self.scaling.scale)
        return noise

    def _bounded(self, image: Array, measured: Array) -> Array:
        """The answer of an MR network no further from the scan than noise is."""
        furthest = FURTHEST * self.level
        image = measured + (image - measured).clip(-furthest, furthest)
        return self._brightest_kept(image, measured)

    def _brightest_kept(self, image: Array, measured: Array) -> Array:
        """What is so much brighter than the bright end that no network saw it stays as it is."""
        return np.where(measured > BRIGHTEST * self.scaling.scale, measured, image)

    def _filtered(self, image: Array, measured: Array, box: Box) -> Array:
        # With torch, which a plan does without.
        from medddim.inference.similar import means_of_similar
        from medddim.inference.wiener import wiener

        image, noise = self._bounded(image, measured), self._noise(box)
        image = self._put_back(image, measured, noise)
        if self.magnitude:
            np.maximum(image, 0, out=image)
        known: Any = {"filters": self.filters, "around": self.around}
        known["bright"] = self.scaling.scale
        spacing = self.scan.spacing_mm
        image = means_of_similar(image, measured, noise, spacing, **known)
        first = [side.start or 0 for side in box]
        return wiener(image, measured, noise, spacing, first=first, **known)

    def _finished(self, image: Array, measured: Array, box: Any) -> Array:
        if self.ct:
            outside = (measured < HU_MIN) | (measured > HU_MAX)
            image = self._put_back(image, measured.clip(HU_MIN, HU_MAX), None)
            return np.where(outside, measured, image.clip(HU_MIN, HU_MAX))
        noise: Array | float = self.level
        if self._filters:
            noise = self._noise(box)
        else:
            image = self._bounded(image, measured)
        image = self._brightest_kept(self._put_back(image, measured, noise), measured)
        return np.maximum(image, 0) if self.magnitude else image

    def _put_back(self, image: Array, measured: Array, noise: Array | float | None) -> Array:
        if not self.puts_back:
            return image
        return put_back.put_back(
            image,
            measured,
            spacing_mm=self.scan.spacing_mm,
            slice_axis=self.scan.slice_axis,
            noise=noise,
            lag_1=self.lag_1,
        )


def _beside(measured: Array, step: Step, image: Array, box: Box) -> Array:
    """A step on a slab, and on the measured one; in one order of axes, as filters like it."""
    return step(image, np.ascontiguousarray(measured[box]), box)


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

    @property
    def slab(self) -> int:
        """All of them."""
        return int(self.before.voxels[0].size)

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
