"""One scan of a report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from medddim.errors import ScoreError
from medddim.intensity import BRIGHT_PERCENTILE, bright_end
from medddim.metrics import body, foreground
from medddim.metrics.protocols import SOFT_TISSUE_HU
from medddim.report.planes import on_grid
from medddim.volume import Array, Mask, Volume


@dataclass(frozen=True, eq=False)
class Case:
    """A scan before and after, the reference where there is one, and what was measured.

    `title` names the scan for the reader and must hold no patient data; `done` is one or two
    sentences on what was done to it. `scores` are the rows of the table, one mapping per result,
    from column title to value, and `terms` say what they were measured under. `maps` are further
    images to look at, by name: uncertainty, what is left when the result is made worse again.
    `curve` tells quality against effort: one mapping per point, the effort (DDIM steps, say)
    first, then the measures. `input`, `reference` and `maps` may lie on other grids than
    `enhanced`; pictures are made on that of `enhanced`.
    """

    title: str
    input: Volume
    enhanced: Volume
    reference: Volume | None = None
    scores: tuple[Mapping[str, object], ...] = ()
    terms: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    done: str = ""
    maps: Mapping[str, Volume] = field(default_factory=dict)
    curve: tuple[Mapping[str, float], ...] = ()

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
    def mapped(self) -> dict[str, Array]:
        """The first channel of each map, `(x, y, z)`, on the grid of the enhanced scan."""
        return {name: on_grid(volume, like=self.enhanced) for name, volume in self.maps.items()}

    @cached_property
    def difference(self) -> Array:
        """Enhanced minus input, `(x, y, z)`: everything that was changed."""
        return self.images["enhanced"] - self.images["input"]

    @cached_property
    def inside(self) -> Mask:
        """The voxels of the body or head; all of them where none stand out."""
        image, axis = self.images["enhanced"], self.enhanced.slice_axis
        try:
            return (body if self.is_ct else foreground)(image, slice_axis=axis)
        except ScoreError:
            return np.ones(image.shape, dtype=bool)

    @cached_property
    def window(self) -> tuple[float, float]:
        """The grey scale of all pictures: soft tissue for CT, else 0 to the 99.5th percentile."""
        return grey_scale(self.enhanced)

    @cached_property
    def change_scale(self) -> float:
        """The end of the colour scale of the difference: the 99.5th percentile of its size."""
        return end_of_scale(self.difference)

    @property
    def is_ct(self) -> bool:
        """Whether the scan is CT, in Hounsfield units."""
        return self.enhanced.in_hu

    @property
    def resampled(self) -> bool:
        """Whether the input had to be brought onto another grid to be shown beside the result."""
        return self.input.shape != self.enhanced.shape


def end_of_scale(image: Array) -> float:
    """The 99.5th percentile of the size of the values; 1 where all are 0."""
    end = float(bright_end(np.abs(image))) or float(np.abs(image).max())
    return end if end > 0 else 1.0


def grey_scale(volume: Volume) -> tuple[float, float]:
    """Black and white where nothing is said: soft tissue for CT, else 0 to the 99.5th percentile.

    Black is below 0 where the scan is.
    """
    if volume.in_hu:
        return SOFT_TISSUE_HU
    low, high = np.percentile(volume.voxels[0], (100 - BRIGHT_PERCENTILE, BRIGHT_PERCENTILE))
    low = min(float(low), 0.0)
    return (low, float(high) if high > low else low + 1.0)
