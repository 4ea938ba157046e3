"""Thick slices: what an acquisition with a coarser slice direction would have measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from medddim.degradation.contract import Degradation
from medddim.errors import RequestProblem
from medddim.volume import Volume

Profile = Literal["box", "gaussian"]
Matrix = npt.NDArray[np.float64]

SIGMAS_PER_FWHM = math.sqrt(8 * math.log(2))
ROUNDING = 1e-3
"""Headers round the spacing; a slice more or less must not hang on it."""


@dataclass(frozen=True)
class ThickSlices(Degradation):
    """Slices of `thickness_mm` with gaps of `gap_mm` between them, along the scan's slice axis.

    Profile "box" averages over the thickness. "gaussian" has it as its full width at half maximum,
    nearer to the selective pulses of MR; the scan's own spacing is taken off in quadrature. The
    first slice begins where the scan begins; what is left at the end, thinner than a slice, is
    dropped. Source: Zhao et al. 2021 (SMORE, IEEE TMI 40:805); gaps as in Remedios et al. 2023
    (SASHIMI).
    """

    name: ClassVar[str] = "thick-slices"

    thickness_mm: float
    profile: Profile = "box"
    gap_mm: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.thickness_mm < math.inf:
            raise RequestProblem(f"expected a thickness above 0 mm, found {self.thickness_mm}")
        if not 0 <= self.gap_mm < math.inf:
            raise RequestProblem(f"expected a gap of 0 mm or more, found {self.gap_mm}")
        if self.profile not in get_args(Profile):
            known = ", ".join(get_args(Profile))
            raise RequestProblem(f"unknown slice profile {self.profile!r}; known: {known}")

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The scan on its coarser grid; `generator` is not used.

        Raises RequestProblem for slices thinner than the scan's, or thicker than it all.
        """
        axis, spacing_mm = volume.slice_axis, volume.spacing_mm[volume.slice_axis]
        matrix = self.matrix(volume.shape[axis], spacing_mm=spacing_mm).astype(np.float32)
        averages = np.moveaxis(np.tensordot(matrix, volume.voxels, (1, 1 + axis)), 0, 1 + axis)
        # A spline may overshoot; an average stays within what it averages.
        voxels = averages.clip(volume.voxels.min(), volume.voxels.max())
        affine = volume.affine.copy()
        affine[:, 3] += affine[:, axis] * (self.thickness_mm / spacing_mm - 1) / 2
        affine[:, axis] *= (self.thickness_mm + self.gap_mm) / spacing_mm
        return replace(volume, voxels=voxels, affine=affine)

    def matrix(self, slices: int, *, spacing_mm: float) -> Matrix:
        """The matrix `(thick slices, slices)` that makes thick slices out of the scan's.

        A slab's average is the difference of two integrals along the axis. The integral is known
        exactly at the borders of the scan's slices and read from a cubic spline between them:
        whole multiples of the spacing become plain averages, and a ramp stays the same ramp for
        any thickness.
        """
        thickness, pitch = (
            width / spacing_mm for width in (self.thickness_mm, self.thickness_mm + self.gap_mm)
        )
        if not 1 - ROUNDING <= thickness <= slices + ROUNDING:
            raise RequestProblem(
                f"expected a slice thickness from {spacing_mm:g} mm, the scan's own, "
                f"to {slices * spacing_mm:g} mm, all of it; found {self.thickness_mm:g} mm"
            )
        count = math.floor((slices - thickness) / pitch + ROUNDING) + 1
        centres = thickness / 2 + pitch * np.arange(count)
        if self.profile == "box":
            return _slabs(np.eye(slices), centres, width=thickness)
        from scipy.ndimage import gaussian_filter  # here: a wrong request does not wait for it

        sigma = math.sqrt(max(thickness**2 - 1, 0)) / SIGMAS_PER_FWHM
        blur = gaussian_filter(np.eye(slices), (sigma, 0), mode="nearest")
        return _slabs(blur, centres, width=1)


def _slabs(scan: Matrix, centres: npt.NDArray[np.floating], *, width: float) -> Matrix:
    """Averages of `scan` over slabs along axis 0; lengths in slices, from the first border."""
    from scipy.interpolate import CubicSpline  # loaded late: a third of a second, for this alone

    borders = np.arange(len(scan) + 1)
    integral = CubicSpline(borders, np.vstack([np.zeros(scan.shape[1]), scan.cumsum(axis=0)]))
    averages: Matrix = (integral(centres + width / 2) - integral(centres - width / 2)) / width
    return averages
