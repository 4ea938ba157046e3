"""The noise that scanners make: an MR acquisition in the complex domain.

Noise is white where it is measured. On the way to the image k-space is filtered, cut and filled
with zeros, parallel imaging makes the level vary, coils are combined, and the magnitude is rounded
to integers: the noise that users see is correlated, uneven and not Gaussian.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from medddim.degradation.chi import g_factor_map, require_g_factor
from medddim.degradation.contract import Degradation
from medddim.degradation.kspace import Filter, KSpaceAxis, Response, noise_gain
from medddim.degradation.rician import RicianNoise, require_magnitude
from medddim.errors import RequestProblem
from medddim.volume import Array, Volume

Complex = npt.NDArray[np.complex64]

INTEGERS = 1000.0
"""What the bright end of a scan is stored as where its magnitude is rounded to integers."""


@dataclass(frozen=True)
class MrScanner(Degradation):
    """An MR acquisition of the scan: noise as a scanner shapes it, and what it does to the image.

    `level` is the standard deviation of the noise in each real channel of the image where the
    g-factor is 1, as a share of the scan's 99.5th percentile. `readout` and `phase` are the shares
    of k-space measured along the two in-plane axes, `slices` that across (3D acquisitions). All of
    them have the `filter` of this `strength` (`KSpaceAxis`); `partial` is the partial Fourier
    along the phase axis. Above 1 the `g_factor` raises the level smoothly to that multiple around
    a point drawn in the middle half. Of several `coils`, the root of the sum of squares is taken.
    With `integers`, the bright end is stored as 1000 and rounded.

    `truth` is the same acquisition without noise: what an answer is to be compared with.
    """

    name: ClassVar[str] = "mr-scanner"

    level: float = 0.05
    readout: float = 1.0
    phase: float = 1.0
    slices: float = 1.0
    filter: Filter = "none"
    strength: float = 0.0
    partial: float = 1.0
    g_factor: float = 1.0
    coils: int = 1
    integers: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        RicianNoise(self.level)
        self._along(self.readout), self._along(self.slices)
        self._along(self.phase, self.partial)
        require_g_factor(self.g_factor)
        if self.coils < 1:
            raise RequestProblem(f"expected 1 coil or more, found {self.coils}")

    @classmethod
    def preset(cls, name: str, *, level: float = 0.05) -> Self:
        """One of `PRESETS` by name. Raises RequestProblem for another."""
        if name not in PRESETS:
            raise RequestProblem(f"expected a preset of {', '.join(PRESETS)}, found {name!r}")
        return cls(level=level, **PRESETS[name])

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The scan as acquired. Raises UnsupportedScan for CT."""
        require_magnitude(volume, "an MR acquisition")
        responses = self.responses(volume)
        sigma = np.float32(self.sigma(volume)) * g_factor_map(
            volume.shape, self.g_factor, generator
        )
        images = [
            acquire(image, responses, sigma, coils=self.coils, generator=generator)[0]
            for image in volume.voxels
        ]
        return self._stored(volume, np.stack(images))

    def truth(self, volume: Volume) -> Volume:
        """The same acquisition without noise. Raises UnsupportedScan for CT."""
        require_magnitude(volume, "an MR acquisition")
        responses = self.responses(volume)
        clean = [np.abs(filtered(image, responses)) for image in volume.voxels]
        return self._stored(volume, np.stack(clean))

    def sigma(self, volume: Volume) -> float:
        """The level in the scan's own unit."""
        return RicianNoise(self.level).sigma(volume)

    def axes(self, volume: Volume) -> tuple[KSpaceAxis, ...]:
        """Sampling and filter along the voxel axes: readout before phase, and across the slices."""
        plane = [axis for axis in range(3) if axis != volume.slice_axis]
        across = self._along(self.slices) if self.slices < 1 else KSpaceAxis()
        ordered = {plane[0]: self._along(self.readout), volume.slice_axis: across}
        ordered[plane[1]] = self._along(self.phase, self.partial)
        return ordered[0], ordered[1], ordered[2]

    def responses(self, volume: Volume) -> list[Response]:
        """What k-space is multiplied by along each voxel axis."""
        axes = zip(self.axes(volume), volume.shape, strict=True)
        return [axis.response(size) for axis, size in axes]

    def _along(self, share: float, partial: float = 1.0) -> KSpaceAxis:
        return KSpaceAxis(share, self.filter, self.strength, partial)

    def _stored(self, volume: Volume, voxels: Array) -> Volume:
        if self.integers:
            bright = RicianNoise(1.0).sigma(volume) or 1.0
            voxels = np.rint(voxels * np.float32(INTEGERS / bright))
        return replace(volume, voxels=voxels)


PRESETS: dict[str, dict[str, Any]] = {
    "white": {},
    "zero-filled": {"readout": 0.65, "phase": 0.55},
    "filtered": {"filter": "gaussian", "strength": 1.5},
    "clinical-2d": {"readout": 0.75, "phase": 0.65, "filter": "fermi", "strength": 0.05},
    "partial-fourier": {"phase": 0.75, "partial": 0.75, "filter": "hann"},
    "parallel-imaging": {"g_factor": 2.5, "readout": 0.75, "phase": 0.75},
    "multi-coil": {"coils": 4, "phase": 0.75},
    "volumetric": {"readout": 0.75, "phase": 0.75, "slices": 0.75, "integers": True},
}
"""Acquisitions by name, all but the level."""


def filtered(image: Array, responses: Sequence[Response], whole: Response | None = None) -> Complex:
    """The complex image after its k-space was multiplied by all of these (`acquire`)."""
    from scipy.fft import fftn  # here: a wrong request does not wait for it

    return _shaped(fftn(image.astype(np.complex64)), responses, whole)


def acquire(
    image: Array,
    responses: Sequence[Response],
    sigma: float | Array,
    *,
    coils: int = 1,
    whole: Response | None = None,
    generator: np.random.Generator,
) -> tuple[Array, Array]:
    """The magnitude with noise and without, of a magnitude `image` that counts as real.

    `responses` hold one response for each axis, `whole` one for all of k-space. `sigma` is the
    standard deviation of the noise in each real channel of the image after them, a number or a
    map. The signal lies in one of the `coils`: the sum of squares depends on that of the signals
    alone (Constantinides et al. 1997).
    """
    clean = filtered(image, responses, whole)
    unit = np.asarray(sigma, np.float32) / np.float32(noise_gain(list(responses), whole))
    squares = np.abs(clean + unit * _noise(image.shape, responses, whole, generator)) ** 2
    for _ in range(coils - 1):
        squares += np.abs(unit * _noise(image.shape, responses, whole, generator)) ** 2
    return np.sqrt(squares), np.abs(clean)


def _noise(
    shape: tuple[int, ...],
    responses: Sequence[Response],
    whole: Response | None,
    generator: np.random.Generator,
) -> Complex:
    """Noise with the spectrum of `responses`; before them of unit variance in each real channel."""
    parts = generator.standard_normal((*shape, 2), dtype=np.float32)
    white: Complex = parts.view(np.complex64)[..., 0]
    if whole is None and all((response == 1).all() for response in responses):
        return white
    # white noise is white in k-space too
    return _shaped(white * np.float32(np.sqrt(white.size)), responses, whole)


def _shaped(
    spectrum: Complex, responses: Sequence[Response], whole: Response | None = None
) -> Complex:
    from scipy.fft import ifftn

    if whole is not None:
        spectrum *= whole
    for axis, response in enumerate(responses):
        spectrum *= response.reshape([-1 if axis == other else 1 for other in range(spectrum.ndim)])
    image: Complex = ifftn(spectrum, overwrite_x=True)
    return image
