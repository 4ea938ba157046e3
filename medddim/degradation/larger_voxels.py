"""Lower resolution: what a coarser matrix of the same extent would have measured, and the way back.

The operator of super-resolution. A voxel of the coarse grid is the mean of the fine voxels it
covers: thick slices without a gap where one factor is above 1. `consistent` is the projection on
all fine scans that give the coarse one exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from medddim.degradation.contract import Degradation
from medddim.errors import RequestProblem
from medddim.taken import as_real, as_whole, several
from medddim.volume import Affine, Array, Volume

Factor = int | tuple[int, int, int]
"""How many times finer: the slices, or each voxel axis."""

SPACING_TOLERANCE = 0.02
"""Headers round the spacing: a factor this near to a whole number is one."""


@dataclass(frozen=True)
class LargerVoxels(Degradation):
    """Voxels `factors` times as long along each axis, each the mean of those it covers.

    What is left at the end of an axis, less than a voxel, is dropped.
    """

    name: ClassVar[str] = "larger-voxels"

    factors: tuple[int, int, int]

    def __post_init__(self) -> None:
        whole = tuple(as_whole(factor, "a factor") for factor in several(self.factors))
        if len(whole) != 3 or min(whole) < 1:
            raise RequestProblem(f"expected three whole factors of 1 or more, found {whole}")
        object.__setattr__(self, "factors", whole)

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The scan on its coarser grid; `generator` is not used.

        Raises RequestProblem if a voxel would be longer than the scan.
        """
        counts = [n // factor for n, factor in zip(volume.shape, self.factors, strict=True)]
        if 0 in counts:
            raise RequestProblem(
                f"voxels {self.factors} times as long exceed a scan {volume.shape}"
            )
        kept = tuple(slice(n * factor) for n, factor in zip(counts, self.factors, strict=True))
        voxels = np.stack([self.mean(image[kept]) for image in volume.voxels])
        return replace(
            volume,
            voxels=voxels,
            affine=self._scaled(volume.affine, self.factors),
        )

    def mean(self, fine: Array) -> Array:
        """The coarse image of a fine one whose shape the factors divide."""
        coarse: Array = self._blocks(fine).mean((1, 3, 5))
        return coarse

    def finer(self, volume: Volume) -> Volume:
        """The scan on a grid finer by the factors, same extent: a cubic spline made consistent."""
        images = [self.consistent(self.cubic(image), image) for image in volume.voxels]
        return self.on_finer_grid(volume, np.stack(images))

    def on_finer_grid(self, volume: Volume, voxels: Array) -> Volume:
        """`voxels` with the place in the world of `volume` cut into finer voxels.

        The centre of the first voxel moves by half the difference of the voxel sizes.
        """
        inverse = [1 / factor for factor in self.factors]
        return replace(volume, voxels=voxels, affine=self._scaled(volume.affine, inverse))

    def cubic(self, coarse: Array) -> Array:
        """Interpolation by a cubic spline, the voxels' borders in place."""
        from scipy.ndimage import zoom  # here: a wrong request does not wait for it

        finer: Array = zoom(coarse, self.factors, order=3, mode="nearest", grid_mode=True)
        return finer

    def consistent(self, fine: Array, coarse: Array) -> Array:
        """The nearest fine image whose means are `coarse`: the null-space projection.

        x + A+ (y - A x), Wang et al. 2023 (DDNM, arXiv 2212.00490), eq. 8; the pseudo-inverse A+
        of a mean over a block repeats the value.
        """
        blocks = self._blocks(fine)
        missing = coarse - blocks.mean((1, 3, 5))
        consistent: Array = (blocks + _spread(missing)).reshape(fine.shape)
        return consistent

    def non_negative(self, fine: Array, coarse: Array) -> Array:
        """Consistent and nowhere below 0, for a `coarse` magnitude: what is positive is scaled."""
        blocks = self._blocks(np.maximum(fine, 0))
        mean = blocks.mean((1, 3, 5))
        gain = np.divide(coarse, mean, out=np.ones_like(mean), where=mean > 0)
        flat = np.where(mean > 0, 0, coarse)  # nothing to scale: the block gets its mean
        answer: Array = blocks * _spread(gain) + _spread(flat)
        return answer.reshape(fine.shape)

    def _blocks(self, fine: Array) -> Array:
        sizes = [
            side for n, f in zip(fine.shape, self.factors, strict=True) for side in (n // f, f)
        ]
        blocks: Array = fine.reshape(sizes)
        return blocks

    @staticmethod
    def _scaled(affine: Affine, factors: Sequence[float]) -> Affine:
        scaled = affine.copy()
        scaled[:, :3] *= factors
        scaled[:, 3] += (scaled[:, :3] - affine[:, :3]).sum(axis=1) / 2
        return scaled


def factors_to(volume: Volume, spacing_mm: float | Sequence[float]) -> tuple[int, int, int]:
    """The factors that bring a scan to a spacing, one of each axis or one for all, in mm.

    An axis that is finer already keeps its voxels. Raises RequestProblem if a factor is not whole.
    """
    given = [as_real(mm, "spacing_mm") for mm in several(spacing_mm)]
    wanted = tuple(given) * (3 if len(given) == 1 else 1)
    if len(wanted) != 3 or not all(0 < mm < np.inf for mm in wanted):
        raise RequestProblem(f"expected one spacing or three, above 0 mm; found {spacing_mm}")
    exact = [max(now / mm, 1.0) for now, mm in zip(volume.spacing_mm, wanted, strict=True)]
    whole = [round(factor) for factor in exact]
    if any(abs(f - w) > SPACING_TOLERANCE * w for f, w in zip(exact, whole, strict=True)):
        near = ", ".join(f"{now / w:.4g}" for now, w in zip(volume.spacing_mm, whole, strict=True))
        raise RequestProblem(
            f"a spacing of {', '.join(f'{mm:g}' for mm in wanted)} mm does not divide the scan's "
            f"voxels into whole parts; the nearest that does is {near} mm"
        )
    return (whole[0], whole[1], whole[2])


def _spread(per_block: Array) -> Array:
    spread: Array = per_block[:, None, :, None, :, None]
    return spread
