"""Where one slice lies, as its header says it.

Positions are those of the centre of the first voxel, in LPS (DICOM PS3.3 C.7.6.2.1).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from medddim.errors import IrregularGeometry, UnreadableScan
from medddim.formats.dicom.files import Header, is_number
from medddim.formats.guard import reading

Vector = npt.NDArray[np.float64]

COSINE_TOLERANCE = 1e-4
TURNED = 0.01
MOST, FEW = 8, 3
AGAIN = "get the file again from its source"
APART = "put each kind into a folder of its own, and name one folder at a time"


@dataclass(frozen=True, eq=False)
class Plane:
    """Where one slice lies: position, unit vectors along its columns and rows, spacing in mm."""

    position: Vector
    along_row: Vector
    along_column: Vector
    spacing: tuple[float, float]
    shape: tuple[int, int]

    @property
    def normal(self) -> Vector:
        """The direction in which slices are counted."""
        return np.cross(self.along_row, self.along_column)


def plane_of(header: Header) -> Plane:
    """The place of one slice. Raises UnreadableScan if an attribute is missing or impossible."""
    orientation = _numbers(header, "ImageOrientationPatient", 6)
    along_row, along_column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(orientation.reshape(2, 3), axis=1)
    if abs(lengths - 1).max() > 1e-3 or abs(along_row @ along_column) > 1e-3:
        raise UnreadableScan(
            f"{header.place}: ImageOrientationPatient is not two unit vectors; {AGAIN}"
        )
    spacing = _numbers(header, "PixelSpacing", 2)
    if spacing.min() <= 0:
        raise UnreadableScan(f"{header.place}: PixelSpacing is not positive; {AGAIN}")
    rows, columns = (int(_numbers(header, tag, 1)[0]) for tag in ("Rows", "Columns"))
    if min(rows, columns) < 1:
        raise UnreadableScan(f"{header.place}: Rows or Columns is 0; {AGAIN}")
    return Plane(
        _numbers(header, "ImagePositionPatient", 3),
        along_row / lengths[0],
        along_column / lengths[1],
        (float(spacing[0]), float(spacing[1])),
        (rows, columns),
    )


def _numbers(header: Header, tag: str, count: int) -> Vector:
    with reading(header.path, "DICOM"):
        value = header.dataset.get(tag)
        numbers = np.atleast_1d(np.array([] if value is None else value, dtype=np.float64))
        if numbers.shape != (count,) or not np.isfinite(numbers).all():
            raise UnreadableScan(
                f"{header.place}: {tag} is missing or not {count} finite numbers; {AGAIN}"
            )
        return numbers


def require_alike(planes: Sequence[Plane], headers: Sequence[Header]) -> None:
    """Raise IrregularGeometry unless all slices have one size, PixelSpacing and orientation."""
    first = planes[0]
    for plane, header in zip(planes, headers, strict=True):
        where = f"{header.place} against {headers[0].place}"
        if plane.shape != first.shape:
            raise IrregularGeometry(
                f"slices of two sizes, {plane.shape} and {first.shape}: {where}; {APART}"
            )
        if not np.allclose(plane.spacing, first.spacing, rtol=1e-4, atol=0):
            raise IrregularGeometry(
                f"slices of two PixelSpacings, {plane.spacing} and {first.spacing} mm: {where}; "
                f"{APART}"
            )
        turned = max(
            np.abs(plane.along_row - first.along_row).max(),
            np.abs(plane.along_column - first.along_column).max(),
        )
        if turned > COSINE_TOLERANCE:
            raise IrregularGeometry(
                f"slices of two orientations (cosines of ImageOrientationPatient {turned:.1g} "
                f"apart), as in a localizer: {where}; {APART}"
            )


def without_strays(headers: Sequence[Header]) -> tuple[list[Header], list[str]]:
    """The images but a few that are turned, as a scout that is not called one; and what is said.

    At least `MOST` images of one orientation may have up to `FEW` others among them.
    """
    normals: dict[tuple[float, ...], list[Header]] = defaultdict(list)
    for header in headers:
        value = header.dataset.get("ImageOrientationPatient")
        if value is None or not is_number(value) or np.size(value) != 6:
            return list(headers), []
        cosines = np.array(value, dtype=np.float64)
        turned = np.cross(cosines[:3], cosines[3:])
        same = (one for one in normals if abs(np.dot(one, turned)) > 1 - TURNED)
        normals[next(same, tuple(turned.tolist()))].append(header)
    groups = sorted(normals.values(), key=len)
    few = sum(map(len, groups[:-1]))
    if not 0 < few <= FEW or len(groups[-1]) < MOST:
        return list(headers), []
    return groups[-1], [f"{few} of its {len(headers)} images left out: another orientation"]


def thickness(header: Header) -> float:
    """Of a slice on its own, in mm; 1 where the header does not say."""
    with reading(header.path, "DICOM"):
        values = (header.dataset.get(tag) for tag in ("SliceThickness", "SpacingBetweenSlices"))
        numbers = (float(value) for value in values if value and is_number(value))
        return next((number for number in numbers if number > 0), 1.0)
