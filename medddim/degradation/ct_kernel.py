"""Reconstruction kernels of CT: how much of each frequency filtered back-projection keeps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from medddim.degradation.axial import HU_MIN, axial_axis, require_hu
from medddim.degradation.contract import Degradation
from medddim.errors import RequestProblem
from medddim.volume import Array, Volume

CUTOFFS_PER_MM = {"soft": 0.5, "standard": 0.7, "sharp": 1.7}
"""Where the Hann window of each kernel reaches 0, in cycles per mm.

"standard" and "sharp" are the windows that the FDA's LCD-CT toolbox (DIDSR/LCD_CT, CT_setup.m)
takes for Siemens B30 and D45: 0.85 and 2.05 of the Nyquist frequency of 0.6 mm detectors. The MTF
of "standard" is 50 % at 3.5 and 10 % at 5.6 line pairs per cm. "soft" is ours.
"""


def mtf(kernel: str, per_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The modulation transfer function of a kernel at frequencies in cycles per mm.

    A Hann window (Kak & Slaney 1988, section 3.3). Raises RequestProblem for an unknown kernel.
    """
    if kernel not in CUTOFFS_PER_MM:
        raise RequestProblem(f"unknown kernel {kernel!r}; known: {', '.join(CUTOFFS_PER_MM)}")
    share = np.minimum(np.abs(np.asarray(per_mm, dtype=np.float64)) / CUTOFFS_PER_MM[kernel], 1)
    return (1 + np.cos(np.pi * share)) / 2


@dataclass(frozen=True)
class KernelChange(Degradation):
    """A CT scan as a softer kernel would have shown it, noise included.

    Each axial slice is filtered with the ratio of the two MTFs. The other direction is refused:
    what a soft kernel took away cannot be had back by a filter. Padding stays as it is.
    """

    name: ClassVar[str] = "kernel"

    kernel: str = "soft"
    source: str = "standard"

    def __post_init__(self) -> None:
        for kernel in (self.kernel, self.source):
            mtf(kernel, 0.0)
        if CUTOFFS_PER_MM[self.kernel] >= CUTOFFS_PER_MM[self.source]:
            raise RequestProblem(
                f"expected a kernel softer than {self.source!r}, found {self.kernel!r}; "
                f"from sharp to soft: {', '.join(reversed(CUTOFFS_PER_MM))}"
            )

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The softer scan; `generator` is not used.

        Raises UnsupportedScan for a scan that is not in Hounsfield units.
        """
        from scipy.fft import dctn, idctn  # here: a wrong request does not wait for it

        require_hu(volume, "a change of the CT kernel")
        first, second = (1 + axis for axis in range(3) if axis != axial_axis(volume))
        ratio = self._ratio(volume)
        hu = np.maximum(volume.voxels, HU_MIN)
        spectrum = dctn(hu, axes=(first, second), norm="ortho")
        soft: Array = idctn(spectrum * ratio, axes=(first, second), norm="ortho")
        return replace(
            volume,
            voxels=np.where(volume.voxels < HU_MIN, volume.voxels, soft),
        )

    def _ratio(self, volume: Volume) -> Array:
        """What is left of each frequency of the cosine transform: mirrored borders."""
        halves = []
        for axis, step in zip(range(3), volume.spacing_mm, strict=True):
            places = np.arange(volume.shape[axis]) * (axis != axial_axis(volume))
            halves.append(places / (2 * volume.shape[axis] * step))
        x, y, z = np.meshgrid(*halves, indexing="ij", sparse=True)
        per_mm = np.sqrt(x**2 + y**2 + z**2)
        source = mtf(self.source, per_mm)
        kept = np.divide(
            mtf(self.kernel, per_mm), source, out=np.zeros(per_mm.shape), where=source > 0
        )
        return kept.astype(np.float32)
