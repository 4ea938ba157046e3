"""A stack that leans, as of a tilted CT gantry: how far, and how to set it upright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medddim.errors import IrregularGeometry
from medddim.formats.contract import OnTilt
from medddim.formats.dicom.files import Header, common_folder, names_in
from medddim.formats.dicom.planes import Plane, Vector

DRIFT_TOLERANCE_MM = 0.05
DRIFT_TOLERANCE = 1e-3
"""In-plane drift allowed per mm of stack: what rounding of the cosines in a header may cause."""

LEAST_VOXELS = 0.01
"""A shift over the whole stack below this is none."""


@dataclass(frozen=True, eq=False)
class Shear:
    """How far each slice lies from the one before, in voxels along `(columns, rows)`.

    `size` is columns and rows of a slice, `count` the number of slices, `degrees` the angle.
    """

    step: Vector
    size: tuple[int, int]
    count: int
    degrees: float

    @cached_property
    def origin(self) -> Vector:
        """The first voxel of the upright grid, in voxels of the first slice."""
        return np.floor(np.minimum(0, self.step * (self.count - 1)) + 1e-6)

    @cached_property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the upright grid, which holds every slice whole."""
        end = np.ceil(np.maximum(0, self.step * (self.count - 1)) - 1e-6)
        columns, rows = (np.array(self.size) + end - self.origin).astype(int).tolist()
        return (rows, columns)

    @property
    def in_words(self) -> str:
        """What was done, for people."""
        return f"a tilt of {self.degrees:.1f} degrees resampled to a right-angled grid"


def shear_of(
    planes: Sequence[Plane], headers: Sequence[Header], on_tilt: OnTilt, *, count: int
) -> Shear | None:
    """How evenly spaced `planes` lean, None if they do not; `count` slices will take their room.

    Raises IrregularGeometry if they do and may not, or each its own way.
    """
    first = planes[0]
    offsets = np.array([plane.position - first.position for plane in planes])
    heights = offsets @ first.normal
    drift = offsets @ np.stack([first.along_row, first.along_column], axis=1)
    extent = float(heights[-1])
    tolerance = DRIFT_TOLERANCE_MM + DRIFT_TOLERANCE * extent
    distance = np.linalg.norm(drift, axis=1)
    worst = int(distance.argmax())
    if distance[worst] <= tolerance:
        return None
    slope = heights @ drift / max(float(heights @ heights), 1e-12)
    bent_mm = float(np.linalg.norm(drift - np.outer(heights, slope), axis=1).max())
    degrees = float(np.degrees(np.arctan(np.linalg.norm(slope))))
    evenly = bent_mm <= tolerance
    if on_tilt == "refuse" or not evenly:
        cure = ", or use --on-tilt resample" if evenly else ": no one tilt explains it"
        folder = common_folder(headers)
        raise IrregularGeometry(
            f"{folder}: the stack is not straight: slice {names_in(folder, headers)[worst]} "
            f"lies {distance[worst]:.2f} mm beside the normal through the first (tilt "
            f"{degrees:.1f} degrees, as of a CT gantry); resample it to a right-angled grid"
            f"{cure}"
        )
    row_mm, column_mm = first.spacing
    rows, columns = first.shape
    step = slope * extent / (count - 1) / (column_mm, row_mm)
    step[np.abs(step) * (count - 1) < LEAST_VOXELS] = 0  # rounding; a shift of 0 keeps the edges
    return Shear(step, (columns, rows), count, degrees)
