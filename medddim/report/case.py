"""One scan of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medddim.report.planes import on_grid
from medddim.volume import Array, Volume

SOFT_TISSUE_HU = (-160.0, 240.0)


@dataclass(frozen=True, eq=False)
class Case:
    """A scan before and after, the reference where there is one, and what was measured.

    `title` names the scan for the reader and must hold no patient data. `scores` are the rows of
    the table, one mapping per result, from column title to value. `input` and `reference` may lie
    on other grids than `enhanced`; pictures and differences are made on that of `enhanced`.
    """

    title: str
    input: Volume
    enhanced: Volume
    reference: Volume | None = None
    scores: tuple[Mapping[str, object], ...] = ()
    notes: tuple[str, ...] = ()

    @cached_property
    def images(self) -> dict[str, Array]:
        """The first channel of each volume, `(x, y, z)`, on the grid of the enhanced one."""
        volumes = {"input": self.input, "enhanced": self.enhanced, "reference": self.reference}
        return {
            name: on_grid(volume, like=self.enhanced)
            for name, volume in volumes.items()
            if volume is not None
        }

    @cached_property
    def difference(self) -> Array:
        """Enhanced minus input, `(x, y, z)`: everything that was changed."""
        return self.images["enhanced"] - self.images["input"]

    @cached_property
    def window(self) -> tuple[float, float]:
        """The grey scale of all pictures: soft tissue for CT, else 0 to the 99.5th percentile."""
        if self.enhanced.modality == "CT" or self.enhanced.unit == "HU":
            return SOFT_TISSUE_HU
        low, high = np.percentile(self.images["enhanced"], (0.5, 99.5))
        low = min(float(low), 0.0)
        return (low, float(high) if high > low else low + 1.0)

    @cached_property
    def change_scale(self) -> float:
        """The end of the colour scale of the difference: the 99.5th percentile of its size."""
        end = float(np.percentile(np.abs(self.difference), 99.5))
        return end if end > 0 else 1.0

    @property
    def resampled(self) -> bool:
        """Whether the input had to be brought onto another grid to be shown beside the result."""
        return self.input.shape != self.enhanced.shape
