"""Do these slices form regular grids, and which?

Slices are sorted by their position along the normal, never by InstanceNumber or file name
(DICOM PS3.3 C.7.6.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from medddim.errors import IrregularGeometry
from medddim.formats.contract import NO_REPAIR, Repair
from medddim.formats.dicom.files import Header, attributes_named
from medddim.formats.dicom.gaps import Part, even_parts, tolerance_mm
from medddim.formats.dicom.planes import (
    Plane,
    Vector,
    plane_of,
    require_alike,
    thickness,
)
from medddim.formats.dicom.shear import Shear, shear_of
from medddim.formats.dicom.stacks import places_of, stacks_by, stacks_of
from medddim.formats.guard import reading
from medddim.volume import Affine

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
SAME_POSITION_MM = 0.01


@dataclass(frozen=True, eq=False)
class Grid:
    """Images on one regular grid, and voxel `(column, row, slice)` to RAS+ mm.

    `stacks` are the stored images, those of each stack in order along the normal, distinguished by
    the attribute `split_by` if they are several. `along` has one entry for each slice of the grid:
    where it lies, counted in stored slices, so that 3.5 is halfway between two. `shear` is what
    has to be undone in each slice, if anything. `repairs` and `notes` are for people: what was
    computed, and what to know of the rest.
    """

    stacks: tuple[tuple[Header, ...], ...]
    affine: Affine
    shape: tuple[int, int, int]
    along: Vector
    split_by: str = ""
    shear: Shear | None = None
    repairs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def headers(self) -> tuple[Header, ...]:
        """Those of the first stack."""
        return self.stacks[0]

    @cached_property
    def made(self) -> tuple[bool, ...]:
        """Of each slice, whether its voxels were computed and not measured where they lie."""
        return tuple(self.shear is not None or float(place) % 1 != 0 for place in self.along)


def grids_of(headers: Sequence[Header], repair: Repair = NO_REPAIR) -> list[Grid]:
    """The grids of one series: one, unless `repair` says to split it.

    Raises IrregularGeometry: where the grid breaks, and by how much.
    """
    planes = [plane_of(header) for header in headers]
    require_alike(planes, headers)
    normal = planes[0].normal
    heights = np.array([plane.position @ normal for plane in planes])
    if repair.stack_by:
        names = attributes_named(repair.stack_by)
        stacks, split_by = stacks_by(headers, heights, names), " and ".join(names)
        if not _are_whole(stacks, heights):
            return _apart(stacks, headers, split_by, repair)
    else:
        stacks, split_by = stacks_of(headers, heights)
    _require_same_places(stacks, planes, headers)
    sorted_stacks = [[headers[i] for i in stack] for stack in stacks]
    sorted_planes = [planes[i] for i in stacks[0]]
    parts = even_parts(heights[stacks[0]], sorted_stacks[0], repair.on_gap)
    return [_grid(part, sorted_stacks, sorted_planes, split_by, repair) for part in parts]


def _are_whole(stacks: list[list[int]], heights: Vector) -> bool:
    places = places_of(heights)
    first = places[stacks[0]]
    whole = len(first) == int(places.max()) + 1
    return whole and all(np.array_equal(places[stack], first) for stack in stacks)


def _apart(
    groups: list[list[int]], headers: Sequence[Header], split_by: str, repair: Repair
) -> list[Grid]:
    """The grids of images that one attribute tells apart and that do not lie at the same places."""
    count, alone = len(groups), replace(repair, stack_by="")
    return [
        replace(grid, repairs=(f"part {number} of {count}, by {split_by}", *grid.repairs))
        for number, group in enumerate(groups, 1)
        for grid in grids_of([headers[index] for index in group], alone)
    ]


def _grid(
    part: Part, stacks: list[list[Header]], planes: list[Plane], split_by: str, repair: Repair
) -> Grid:
    mine = slice(part.start, part.stop)
    inside = tuple(tuple(stack[mine]) for stack in stacks)
    planes = planes[mine]
    shear = shear_of(planes, inside[0], repair.on_tilt, count=part.along.size)
    if shear is None and len(planes) > 1:
        _require_highdicom_agrees(inside[0], planes, part)
    rows, columns = shear.shape if shear else planes[0].shape
    return Grid(
        stacks=inside,
        affine=_affine(planes, inside[0], part.along.size, shear),
        shape=(columns, rows, part.along.size),
        along=part.along,
        split_by=split_by,
        shear=shear,
        repairs=part.repairs + ((shear.in_words,) if shear else ()),
    )


def _require_same_places(
    stacks: list[list[int]], planes: list[Plane], headers: Sequence[Header]
) -> None:
    for stack in stacks[1:]:
        for one, other in zip(stacks[0], stack, strict=True):
            apart_mm = np.abs(planes[one].position - planes[other].position).max()
            if apart_mm > SAME_POSITION_MM:
                raise IrregularGeometry(
                    f"{headers[one].place} and {headers[other].place} lie beside each other, "
                    f"{apart_mm:.2f} mm apart; put each stack into a series of its own"
                )


def _require_highdicom_agrees(
    headers: Sequence[Header], planes: Sequence[Plane], part: Part
) -> None:
    """A second opinion, by code that is not ours, on spacing and order.

    Not `get_series_volume_positions`: it reads the whole table of IODs to see that an image has one
    frame, 0.4 CPU seconds for each `inspect`; that the orientations agree is known here.
    """
    from highdicom.spatial import get_volume_positions  # here: importing it takes seconds

    path = headers[0].path
    extent_mm = float(np.linalg.norm(planes[-1].position - planes[0].position))
    # two neighbours, each off by the tolerance
    atol_mm = 2.1 * tolerance_mm(extent_mm / (part.along.size - 1))
    filled = part.along.size > len(headers)
    with reading(path, "DICOM"):
        images = [header.dataset for header in headers]
        spacing, places = get_volume_positions(
            [image.ImagePositionPatient for image in images],
            images[0].ImageOrientationPatient,
            atol=atol_mm,
            allow_missing_positions=filled,
            spacing_hint=(images[0].get("SpacingBetweenSlices") or None) if filled else None,
        )
        forwards = np.flatnonzero(part.along % 1 == 0).tolist()
        backwards = [forwards[-1] - place for place in forwards]
        if spacing is None or places not in (forwards, backwards):
            raise IrregularGeometry(
                f"{path.parent}: highdicom does not accept the slices as one regular volume"
            )


def _affine(
    planes: Sequence[Plane], headers: Sequence[Header], count: int, shear: Shear | None
) -> Affine:
    first, last = planes[0], planes[-1]
    row_mm, column_mm = first.spacing
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * column_mm
    affine[:3, 1] = first.along_column * row_mm
    affine[:3, 3] = first.position
    if count == 1:
        affine[:3, 2] = first.normal * thickness(headers[0])
    else:
        affine[:3, 2] = (last.position - first.position) / (count - 1)
    if shear:
        affine[:3, 2] = first.normal * (affine[:3, 2] @ first.normal)
        affine[:3, 3] += affine[:3, :2] @ shear.origin
    return LPS_TO_RAS @ affine
