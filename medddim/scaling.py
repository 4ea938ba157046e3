"""Reversible maps between stored intensities and the range a network works in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from medddim import intensity
from medddim.intensity import BRIGHT_PERCENTILE
from medddim.volume import Array, Volume

ScalingKind = Literal["percentile", "window"]


BRIGHTEST = 5.0
"""In the network's range; the brightest voxel of all MR scans that models learnt from has 3.6."""

BRIGHT_END = 99.9, 2.0
"""This percentile is sent to this much at most; in scans that models learnt from to 1.3 at most."""


@dataclass(frozen=True)
class Scaling:
    """`(voxels - offset) / scale`, and back; nothing is clipped, so nothing is lost."""

    offset: float
    scale: float

    @classmethod
    def fit(
        cls,
        volume: Volume,
        *,
        kind: ScalingKind = "percentile",
        percentile: float = BRIGHT_PERCENTILE,
        window: tuple[float, float] = (-1024.0, 3071.0),
    ) -> Self:
        """The map for one scan.

        "percentile" sends 0 to 0 and the given percentile of all voxels to 1: right for MR
        magnitudes, whose zero means no signal. "window" sends a fixed span of the unit to [0, 1]:
        right for Hounsfield units. Where so little of a scan is subject that the percentile is of
        empty space, `BRIGHT_END` is what counts. A scan with no positive signal keeps its values.
        """
        if kind == "window":
            low, high = window
            return cls(offset=low, scale=high - low)
        brightest, most = BRIGHT_END
        end, bright_end = (
            intensity.percentile(volume.voxels, np.float64(share))
            for share in (percentile, brightest)
        )
        scale = float(max(end, bright_end / most))
        return cls(offset=0.0, scale=scale if scale > 0 else 1.0)

    def apply(self, voxels: Array) -> Array:
        """Stored intensities to the network's range, about [0, 1]."""
        scaled: Array = voxels - np.float32(self.offset)
        scaled /= np.float32(self.scale)
        return scaled

    def undo(self, voxels: Array) -> Array:
        """The network's range to stored intensities; the inverse of `apply`."""
        stored: Array = voxels * np.float32(self.scale)
        stored += np.float32(self.offset)
        return stored
