"""Rician noise: what a shorter MR acquisition would have measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from medddim.degradation.contract import Degradation
from medddim.errors import RequestProblem, UnsupportedScan
from medddim.intensity import bright_end
from medddim.volume import Array, Volume


@dataclass(frozen=True)
class RicianNoise(Degradation):
    """Complex Gaussian noise in the two channels of an MR receiver, seen as a magnitude.

    `level` is the standard deviation in each channel as a share of the scan's 99.5th percentile:
    0.05 is a noise of 5 %. One coil, or an adaptive combination of several; for a sum of squares
    the noise is non-central chi instead. Source: Gudbjartsson & Patz 1995, eq. 1.
    """

    name: ClassVar[str] = "rician"

    level: float = 0.05

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.level <= 1:
            raise RequestProblem(f"expected a noise level between 0 and 1, found {self.level}")

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The scan with noise of this level; negative voxels count as signal of phase pi.

        Raises UnsupportedScan for CT: Hounsfield units are no magnitude, air would turn bright.
        """
        require_magnitude(volume, "Rician noise")
        return replace(
            volume,
            voxels=rician(volume.voxels, self.sigma(volume), generator),
        )

    def sigma(self, volume: Volume) -> float:
        """The standard deviation in each channel, in the scan's own unit."""
        return float(self.level * bright_end(volume.voxels))


def require_magnitude(volume: Volume, what: str) -> None:
    """Raise UnsupportedScan for CT: only MR magnitudes are made of k-space and two channels."""
    if volume.modality == "CT" or volume.in_hu:
        raise UnsupportedScan(f"expected an MR magnitude for {what}, found a CT in HU")
    if volume.may_be_no_magnitude:
        raise UnsupportedScan(
            f"expected an MR magnitude for {what}; this scan does not say what it is, and much of "
            'it lies far below 0: say it in a JSON file beside it, {"Modality": "MR"} or "CT"'
        )


def rician(signal: Array, sigma: float | Array, generator: np.random.Generator) -> Array:
    """Magnitude of `signal` plus complex Gaussian noise of standard deviation `sigma`."""
    noise = generator.standard_normal((2, *signal.shape), dtype=np.float32)
    real, imaginary = np.asarray(sigma, dtype=np.float32) * noise
    magnitude: Array = np.hypot(signal + real, imaginary)
    return magnitude
