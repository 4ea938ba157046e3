"""Low matrix: what an MR acquisition with fewer k-space lines would have measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from medddim.degradation.contract import Degradation
from medddim.degradation.rician import require_magnitude
from medddim.errors import RequestProblem
from medddim.volume import Volume


@dataclass(frozen=True)
class LowMatrix(Degradation):
    """A scan whose k-space ended at `fraction` of where it did, along both in-plane axes.

    The matrix shrinks with it, the field of view stays. Cut off sharply, edges ring (Gibbs); a
    `taper` is the outer share of the kept k-space over which a Tukey window falls to 0, 1 being a
    Hann window that hardly rings. `zero_filled` interpolates back to the scan's own matrix, as
    most scanners do. Source: Haacke et al. 1999, ch. 13; the scan counts as real and positive.
    """

    name: ClassVar[str] = "low-matrix"

    fraction: float = 0.5
    taper: float = 0.0
    zero_filled: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.fraction < 1:
            raise RequestProblem(f"expected a share of k-space in (0, 1), found {self.fraction}")
        if not 0 <= self.taper <= 1:
            raise RequestProblem(f"expected a taper between 0 and 1, found {self.taper}")

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The scan from less k-space; `generator` is not used. Raises UnsupportedScan for CT."""
        require_magnitude(volume, "a low matrix")
        voxels = volume.voxels.astype(np.complex64)
        affine = volume.affine.copy()
        for axis in set(range(3)) - {volume.slice_axis}:
            voxels = self._cut(voxels, 1 + axis)
            affine[:, axis] *= volume.shape[axis] / voxels.shape[1 + axis]
        return replace(volume, voxels=np.abs(voxels), affine=affine)

    def _cut(self, image: npt.NDArray[np.complex64], axis: int) -> npt.NDArray[np.complex64]:
        from scipy.fft import fft, ifft  # here: a wrong request does not wait for it

        size = image.shape[axis]
        lines = max(1, round(size * self.fraction))
        kept = np.arange(lines) - lines // 2
        spectrum = np.take(fft(image, axis=axis, norm="forward"), kept, axis=axis)
        shape = [1] * image.ndim
        shape[axis] = lines
        spectrum = spectrum * self._window(kept, lines).reshape(shape)
        grid = size if self.zero_filled else lines
        filled = np.zeros((*image.shape[:axis], grid, *image.shape[axis + 1 :]), np.complex64)
        filled[(slice(None),) * axis + (kept,)] = spectrum
        cut: npt.NDArray[np.complex64] = ifft(filled, axis=axis, norm="forward")
        return cut

    def _window(self, kept: npt.NDArray[np.integer], lines: int) -> npt.NDArray[np.float32]:
        """A Tukey window over the kept lines: 1, then half a cosine over the outer `taper`."""
        beyond = np.abs(kept) / (lines / 2) - (1 - self.taper)
        angle = np.pi * np.clip(beyond / max(self.taper, 1e-9), 0, 1)
        window: npt.NDArray[np.float32] = ((1 + np.cos(angle)) / 2).astype(np.float32)
        return window
