"""Low-dose CT: the noise that a smaller tube current would have added."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from medddim.degradation.axial import (
    HU_MAX,
    HU_MIN,
    axial_slices,
    in_plane_mm,
    require_hu,
    slice_distance_mm,
)
from medddim.degradation.contract import Degradation
from medddim.degradation.ct_kernel import mtf
from medddim.errors import RequestProblem, UnsupportedScan
from medddim.volume import Array, Volume

WATER_PER_MM = 0.0193
"""Linear attenuation of water at 70 keV, near the mean energy of a 120 kVp beam (NIST XCOM)."""
VIEWS = 720
"""Parallel views over 180 degrees, about what a scanner takes in half a turn."""
PHOTONS_PER_MM2 = 8e5
"""Photons of one view on each mm2 of the isocentre plane, before the patient, at full dose.

Chosen for a noise of 12 HU at the centre of 30 cm of water, in slices of 2 mm, standard kernel.
"""
ELECTRONIC_PER_MM2 = 28.0
"""Variance of the electronic noise, in photons squared: 10 for each detector of 0.6 x 0.6 mm."""
STARVED = 1.0
"""The variance of rays so starved that the logarithm has no Gaussian noise any more."""
SOFT_TISSUE_HU = 150.0
"""Soft tissue lies between minus and plus this."""
REFERENCE_FRACTION = 0.25
"""The dose whose noise, scaled to that of half the dose, stands for a scan's own."""


@dataclass(frozen=True)
class LowDose(Degradation):
    """A CT scan as `fraction` of its tube current would have shown it.

    The slices are projected, the photons behind them thinned out, electronic noise is added, and
    what this changes in the projections is filtered, back-projected and added to the scan: noise
    with the texture and the streaks of filtered back-projection, in HU. Sources: Yu et al. 2012
    (J Comput Assist Tomogr 36:477), eq. 8, for adding noise to a scan that has its own; Zabic et
    al. 2013 (Med Phys 40:031102) for doing so on counts, where starved rays are not Gaussian.

    The beam is parallel and of one energy, without bowtie filter or modulation of the current; the
    scan's own noise stays. The dose of the scan itself is `photons_per_mm2`, a typical one, in each
    of 720 views; or that at which its soft tissue has a noise of `noise_hu`, where it is given.
    Slices count as thick as they are apart.
    """

    name: ClassVar[str] = "low-dose"

    fraction: float = 0.25
    kernel: str = "standard"
    noise_hu: float | None = None
    photons_per_mm2: float = PHOTONS_PER_MM2
    electronic_per_mm2: float = ELECTRONIC_PER_MM2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.fraction <= 1:
            raise RequestProblem(f"expected a dose above 0, at most 1, found {self.fraction}")
        if self.noise_hu is not None and not 0 < self.noise_hu < np.inf:
            raise RequestProblem(f"expected a noise above 0 HU, found {self.noise_hu}")
        if not (0 < self.photons_per_mm2 < np.inf and 0 <= self.electronic_per_mm2 < np.inf):
            raise RequestProblem(
                "expected photons above 0 and electronic noise of 0 or more, found "
                f"{self.photons_per_mm2} and {self.electronic_per_mm2}"
            )
        mtf(self.kernel, 0.0)

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The noisier scan, within [-1024, 3071] HU; padding, below -1024, stays as it is.

        Raises UnsupportedScan for a scan not in Hounsfield units or with pixels not square.
        """
        require_hu(volume, "low dose")
        beam = self
        if self.noise_hu is not None:
            photons = photons_for(volume, self.noise_hu, kernel=self.kernel)
            beam = replace(self, photons_per_mm2=photons)
        measures = {"pixel_mm": in_plane_mm(volume), "thickness_mm": slice_distance_mm(volume)}
        voxels, images = axial_slices(volume)
        for image in images:
            noisy = image + beam.noise(image, **measures, generator=generator)
            bounded = noisy.clip(HU_MIN, np.maximum(image, HU_MAX))
            image[...] = np.where(image < HU_MIN, image, bounded)
        return replace(volume, voxels=voxels)

    def noise(
        self, image: Array, *, pixel_mm: float, thickness_mm: float, generator: np.random.Generator
    ) -> Array:
        """The noise, in HU, that the smaller current adds to one axial slice, itself in HU."""
        integrals = line_integrals(image, pixel_mm)
        area_mm2 = pixel_mm * thickness_mm
        photons = np.rint(self.photons_per_mm2 * area_mm2 * np.exp(-integrals.astype(np.float64)))
        seen = generator.binomial(photons.astype(np.int64), self.fraction).astype(np.float64)
        # The scan's own electronic noise shrinks with the counts; the rest of it is added.
        missing = self.electronic_per_mm2 * area_mm2 * (1 - self.fraction**2)
        seen += np.sqrt(missing) * generator.standard_normal(seen.shape)
        added = np.log(np.maximum(self.fraction * photons, 1) / np.maximum(seen, 1))
        return reconstruct(added, image.shape, pixel_mm=pixel_mm, kernel=self.kernel)


def low_dose_noise(
    volume: Volume,
    fractions: Sequence[float],
    generator: np.random.Generator,
    *,
    kernel: str = "standard",
    photons_per_mm2: float = PHOTONS_PER_MM2,
) -> Array:
    """The noise that each of these doses would add, in HU: `(fraction, *volume.voxels.shape)`.

    One draw, stronger or weaker. Two draws at a random angle, `cos(a) n + sin(a) m`, are a third:
    training pairs without a projection each. The noise is Gaussian in place of Poisson. Source: Yu
    et al. 2012, eq. 8. Raises UnsupportedScan for a scan not in Hounsfield units or with pixels
    not square.
    """
    require_hu(volume, "low dose")
    draw = partial(
        slice_noise,
        voxel_mm=(in_plane_mm(volume), slice_distance_mm(volume)),
        kernel=kernel,
        photons_per_mm2=photons_per_mm2,
    )
    noises = [axial_slices(volume) for _ in fractions]
    for place, image in enumerate(axial_slices(volume)[1]):
        drawn = draw(image, fractions, generator)
        for noise, (_, images) in zip(drawn, noises, strict=True):
            images[place][...] = noise
    return np.stack([voxels for voxels, _ in noises])


def slice_noise(
    image: Array,
    fractions: Sequence[float],
    generator: np.random.Generator,
    *,
    voxel_mm: tuple[float, float],
    kernel: str = "standard",
    photons_per_mm2: float = PHOTONS_PER_MM2,
) -> list[Array]:
    """`low_dose_noise` of one axial slice in HU; `voxel_mm`: the pixels' size, the thickness."""
    pixel_mm, thickness_mm = voxel_mm
    opacity = np.exp(line_integrals(image, pixel_mm).astype(np.float64))
    quantum = opacity / (photons_per_mm2 * pixel_mm * thickness_mm)
    electronic = quantum * opacity * ELECTRONIC_PER_MM2 / photons_per_mm2
    white = generator.standard_normal(opacity.shape)
    variances = ((1 / f - 1) * quantum + (1 / f**2 - 1) * electronic for f in fractions)
    noises = (np.sqrt(np.minimum(variance, STARVED)) * white for variance in variances)
    return [reconstruct(n, image.shape, pixel_mm=pixel_mm, kernel=kernel) for n in noises]


def photons_for(volume: Volume, noise_hu: float, *, kernel: str = "standard") -> float:
    """The `photons_per_mm2` at which soft tissue of this scan would have a noise of `noise_hu`.

    Tubes are driven for equal noise in slim and in stout patients: with the noise measured in a
    scan, `LowDose` takes it to a fraction of its own dose, not of a typical one. All of the noise
    counts as quantum noise; 8 slices at most are read. Raises UnsupportedScan for a scan without
    soft tissue (-150 to 150 HU).
    """
    require_hu(volume, "low dose")
    voxel_mm = in_plane_mm(volume), slice_distance_mm(volume)
    _, images = axial_slices(volume)
    generator, squares = np.random.default_rng(0), []
    for image in images[:: -(-len(images) // 8)]:
        (noise,) = slice_noise(
            image, [REFERENCE_FRACTION], generator, voxel_mm=voxel_mm, kernel=kernel
        )
        squares.append(noise[np.abs(image) < SOFT_TISSUE_HU] ** 2)
    variance = float(np.mean(np.concatenate(squares))) if any(map(len, squares)) else 0.0
    if variance == 0:
        raise UnsupportedScan("expected soft tissue, -150 to 150 HU, in the scan; found none")
    return PHOTONS_PER_MM2 * variance / (1 / REFERENCE_FRACTION - 1) / noise_hu**2


def line_integrals(image: Array, pixel_mm: float) -> Array:
    """Attenuation along the rays `(views, rays)` through an axial slice in HU; never below 0."""
    from medddim.degradation.projector import projector  # here: it takes much of SciPy

    per_mm = WATER_PER_MM * (1 + np.maximum(image, -1000.0) / 1000)
    side = max(image.shape)
    square = np.pad(per_mm.astype(np.float32), [(0, side - n) for n in image.shape])
    integrals = projector(side, VIEWS).forward(square) * np.float32(pixel_mm)
    return integrals.clip(min=0)


def reconstruct(
    sinogram: npt.NDArray[np.floating], shape: tuple[int, ...], *, pixel_mm: float, kernel: str
) -> Array:
    """Filtered back-projection to a slice in HU, of what was added to its projections.

    Source: Kak & Slaney 1988, eq. 3.34-35, the ramp times the kernel's window.
    """
    from medddim.degradation.projector import projector  # here: it takes much of SciPy

    fbp = projector(max(shape), VIEWS)
    per_mm = fbp.frequencies / pixel_mm
    attenuation = fbp.backward(sinogram, per_mm * mtf(kernel, per_mm)) * (np.pi / VIEWS)
    hu: Array = (attenuation[: shape[0], : shape[1]] * (1000 / WATER_PER_MM)).astype(np.float32)
    return hu
