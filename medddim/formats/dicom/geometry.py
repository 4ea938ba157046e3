"""Do these slices form one regular grid, and which?

Slices are sorted by their position along the normal, never by InstanceNumber or file name
(DICOM PS3.3 C.7.6.2.1). Positions are those of the centre of the first voxel, in LPS.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import IrregularGeometry, UnreadableScan
from medddim.formats.dicom.files import STACK_TAGS, Header
from medddim.formats.guard import reading
from medddim.volume import Affine

Vector = npt.NDArray[np.float64]

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
COSINE_TOLERANCE = 1e-4
GAP_TOLERANCE = 0.01
GAP_TOLERANCE_MM = 0.01
"""Distance of a slice from its place in an even stack: a share of the spacing, or mm if larger."""
DRIFT_TOLERANCE_MM = 0.05
DRIFT_TOLERANCE = 1e-3
"""In-plane drift allowed per mm of stack: what rounding of the cosines in a header may cause."""


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


@dataclass(frozen=True, eq=False)
class Grid:
    """The headers in order along the normal, and voxel `(column, row, slice)` to RAS+ mm."""

    headers: tuple[Header, ...]
    affine: Affine
    shape: tuple[int, int, int]


def grid_of(headers: Sequence[Header]) -> Grid:
    """The grid of one series. Raises IrregularGeometry: where it breaks, and by how much."""
    planes = [plane_of(header) for header in headers]
    _require_alike(planes, headers)
    heights = np.array([plane.position @ planes[0].normal for plane in planes])
    order = np.argsort(heights, kind="stable")
    sorted_headers = [headers[i] for i in order]
    sorted_planes = [planes[i] for i in order]
    if len(planes) > 1:
        _require_one_each(heights[order], sorted_headers)
        _require_straight(sorted_planes, sorted_headers)
        _require_even(heights[order], sorted_headers)
        _require_highdicom_agrees(sorted_headers, heights[order])
    rows, columns = planes[0].shape
    return Grid(
        tuple(sorted_headers), _affine(sorted_planes, headers), (columns, rows, len(planes))
    )


def plane_of(header: Header) -> Plane:
    """The place of one slice. Raises UnreadableScan if an attribute is missing or impossible."""
    orientation = _numbers(header, "ImageOrientationPatient", 6)
    along_row, along_column = orientation[:3], orientation[3:]
    lengths = np.linalg.norm(orientation.reshape(2, 3), axis=1)
    if abs(lengths - 1).max() > 1e-3 or abs(along_row @ along_column) > 1e-3:
        raise UnreadableScan(f"{header.path}: ImageOrientationPatient is not two unit vectors")
    spacing = _numbers(header, "PixelSpacing", 2)
    if spacing.min() <= 0:
        raise UnreadableScan(f"{header.path}: PixelSpacing is not positive")
    rows, columns = (int(_numbers(header, tag, 1)[0]) for tag in ("Rows", "Columns"))
    if min(rows, columns) < 1:
        raise UnreadableScan(f"{header.path}: Rows or Columns is 0")
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
            raise UnreadableScan(f"{header.path}: {tag} is missing or not {count} finite numbers")
        return numbers


def _require_alike(planes: Sequence[Plane], headers: Sequence[Header]) -> None:
    first = planes[0]
    for plane, header in zip(planes, headers, strict=True):
        where = f"{header.path} against {headers[0].path}"
        if plane.shape != first.shape:
            raise IrregularGeometry(
                f"slices of two sizes, {plane.shape} and {first.shape}: {where}"
            )
        if not np.allclose(plane.spacing, first.spacing, rtol=1e-4, atol=0):
            raise IrregularGeometry(
                f"slices of two PixelSpacings, {plane.spacing} and {first.spacing} mm: {where}"
            )
        turned = max(
            np.abs(plane.along_row - first.along_row).max(),
            np.abs(plane.along_column - first.along_column).max(),
        )
        if turned > COSINE_TOLERANCE:
            raise IrregularGeometry(
                f"slices of two orientations (ImageOrientationPatient), as in a localizer: {where}"
            )


def _require_one_each(heights: Vector, headers: Sequence[Header]) -> None:
    same = np.flatnonzero(np.diff(heights) < 1e-3)
    if not same.size:
        return
    one, other = headers[same[0]], headers[same[0] + 1]
    names = [tag for tag in STACK_TAGS if one.dataset.get(tag) != other.dataset.get(tag)]
    why = f"they differ in {names[0]}; " if names else ""
    raise IrregularGeometry(
        f"{same.size} slices lie where another one lies already, first {one.path.name} and "
        f"{other.path.name} in {one.path.parent}: {why}put each stack into a series of its own"
    )


def _require_straight(planes: Sequence[Plane], headers: Sequence[Header]) -> None:
    offsets = np.array([plane.position - planes[0].position for plane in planes])
    in_plane = offsets - np.outer(offsets @ planes[0].normal, planes[0].normal)
    drift = np.linalg.norm(in_plane, axis=1)
    extent = float(offsets[-1] @ planes[0].normal)
    worst = int(drift.argmax())
    if drift[worst] > DRIFT_TOLERANCE_MM + DRIFT_TOLERANCE * extent:
        angle = np.degrees(np.arctan2(drift[-1], extent))
        raise IrregularGeometry(
            f"{headers[0].path.parent}: the stack is not straight: slice "
            f"{headers[worst].path.name} lies {drift[worst]:.2f} mm beside "
            f"the normal through the first (tilt {angle:.1f} degrees, as of a CT gantry); "
            "resample it to a right-angled grid first"
        )


def _require_even(heights: Vector, headers: Sequence[Header]) -> None:
    """Each slice must lie within the tolerance of an evenly spaced stack.

    Positions are judged, not gaps: some scanners round positions to 0.1 mm.
    """
    steps = np.arange(heights.size)
    even = np.polyval(np.polyfit(steps, heights, 1), steps)
    gaps = np.diff(heights)
    expected = float(np.median(gaps)) if gaps.size > 2 else float(gaps.min())
    tolerance = max(GAP_TOLERANCE * expected, GAP_TOLERANCE_MM)
    if np.abs(heights - even).max() <= tolerance:
        return
    where, multiples = f"{headers[0].path.parent}: ", np.rint(gaps / expected)
    wide = np.flatnonzero(multiples > 1)
    if wide.size and (np.abs(gaps - multiples * expected) <= 2 * tolerance * multiples).all():
        told = ", ".join(_gap(heights, headers, i) for i in wide[:3])
        raise IrregularGeometry(
            f"{where}{int((multiples - 1).sum())} slices missing, expected one every "
            f"{expected:.3f} mm, found {told}; add the missing files"
        )
    worst = int(np.abs(gaps - expected).argmax())
    raise IrregularGeometry(
        f"{where}slices are unevenly spaced, from {gaps.min():.3f} to {gaps.max():.3f} mm, worst "
        f"{_gap(heights, headers, worst)}; resample to even spacing, or cut the stack"
    )


def _gap(heights: Vector, headers: Sequence[Header], i: int) -> str:
    return (
        f"{heights[i + 1] - heights[i]:.3f} mm between {headers[i].path.name} at "
        f"{heights[i]:.2f} mm and {headers[i + 1].path.name} at {heights[i + 1]:.2f} mm"
    )


def _require_highdicom_agrees(headers: Sequence[Header], heights: Vector) -> None:
    """A second opinion, by code that is not ours, on spacing and order."""
    from highdicom.spatial import get_series_volume_positions  # here: importing it takes seconds

    path = headers[0].path
    mean_mm = float(heights[-1] - heights[0]) / (len(heights) - 1)
    # two neighbours, each off by the tolerance
    atol_mm = 2.1 * max(GAP_TOLERANCE * mean_mm, GAP_TOLERANCE_MM)
    with reading(path, "DICOM"):
        datasets: list[Any] = [header.dataset for header in headers]
        spacing, places = get_series_volume_positions(
            datasets, atol=atol_mm, orientation_tol=2 * COSINE_TOLERANCE
        )
        forwards = list(range(len(headers)))
        if spacing is None or places not in (forwards, forwards[::-1]):
            raise IrregularGeometry(
                f"{path.parent}: highdicom does not accept the slices as one regular volume"
            )


def _affine(planes: Sequence[Plane], headers: Sequence[Header]) -> Affine:
    first = planes[0]
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * first.spacing[1]
    affine[:3, 1] = first.along_column * first.spacing[0]
    if len(planes) > 1:
        affine[:3, 2] = (planes[-1].position - first.position) / (len(planes) - 1)
    else:
        affine[:3, 2] = first.normal * _thickness(headers[0])
    affine[:3, 3] = first.position
    return LPS_TO_RAS @ affine


def _thickness(header: Header) -> float:
    """Of a slice on its own, in mm; 1 where the header does not say."""
    with reading(header.path, "DICOM"):
        values = (header.dataset.get(tag) for tag in ("SliceThickness", "SpacingBetweenSlices"))
        return next((float(value) for value in values if value and float(value) > 0), 1.0)
