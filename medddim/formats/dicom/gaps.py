"""Slices missing or unevenly spaced: what the user allows is repaired, the rest refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from medddim.errors import IrregularGeometry
from medddim.formats.contract import OnGap
from medddim.formats.dicom.files import Header, common_folder, names_in
from medddim.formats.dicom.planes import Vector

GAP_TOLERANCE = 0.01
GAP_TOLERANCE_MM = 0.01
"""Distance of a slice from its place in an even stack: a share of the spacing, or mm if larger."""
MOST_INTERPOLATED = 2
"""Slices in a row that neighbours may stand in for; farther away they know too little."""


@dataclass(frozen=True, eq=False)
class Part:
    """An even run of the slices `start` to `stop`, and where each slice of its grid lies.

    `along` counts in stored slices from `start`; a place between two of them is interpolated.
    """

    start: int
    stop: int
    along: Vector
    repairs: tuple[str, ...] = ()


def tolerance_mm(spacing_mm: float) -> float:
    """How far from its place a slice may lie."""
    return max(GAP_TOLERANCE * spacing_mm, GAP_TOLERANCE_MM)


def even_parts(heights: Vector, headers: Sequence[Header], on_gap: OnGap) -> list[Part]:
    """The evenly spaced runs of slices at `heights`, in mm and ascending: one, if all is well.

    Raises IrregularGeometry where `on_gap` does not help.
    """
    if _is_even(heights):
        return [Part(0, heights.size, np.arange(heights.size, dtype=np.float64))]
    if on_gap == "split":
        return _split(heights, headers)
    missing = _missing(heights)
    if on_gap == "interpolate" and missing is not None and missing.max() <= MOST_INTERPOLATED:
        return [_filled(heights, missing)]
    raise IrregularGeometry(_sentence(heights, headers, missing, on_gap))


def _is_even(heights: Vector) -> bool:
    """Whether each slice lies within the tolerance of an evenly spaced stack.

    Positions are judged, not gaps: some scanners round positions to 0.1 mm.
    """
    if heights.size < 3:
        return True
    steps = np.arange(heights.size)
    even = np.polyval(np.polyfit(steps, heights, 1), steps)
    return bool(np.abs(heights - even).max() <= tolerance_mm(_expected(heights)))


def _expected(heights: Vector) -> float:
    gaps = np.diff(heights)
    return float(np.median(gaps) if gaps.size > 2 else gaps.min())


def _missing(heights: Vector) -> Vector | None:
    """How many slices each gap lacks, None if not all gaps are whole multiples of the spacing."""
    gaps, expected = np.diff(heights), _expected(heights)
    multiples = np.rint(gaps / expected)
    fits = np.abs(gaps - multiples * expected) <= 2 * tolerance_mm(expected) * multiples
    return multiples - 1 if fits.all() and (multiples > 1).any() else None


def _filled(heights: Vector, missing: Vector) -> Part:
    along = [0.0]
    repairs = []
    for i, count in enumerate(missing.astype(int)):
        along += [i + step / (count + 1) for step in range(1, count + 2)]
        if count:
            between = f"{heights[i]:.2f} and {heights[i + 1]:.2f} mm"
            repairs.append(f"{_slices(count)} interpolated between {between} along the normal")
    return Part(0, heights.size, np.array(along), tuple(repairs))


def _split(heights: Vector, headers: Sequence[Header]) -> list[Part]:
    """The longest even runs first; what lies between two of them is cut off where they end."""
    free = np.ones(heights.size, dtype=bool)
    found = []
    for start, stop in sorted(_runs(heights), key=lambda run: run[0] - run[1]):
        inside = start + np.flatnonzero(free[start:stop])
        if inside.size >= 2 and _is_even(heights[inside]):
            found.append((int(inside[0]), int(inside[-1]) + 1))
            free[inside] = False
    if free.any():
        folder = common_folder(headers)
        raise IrregularGeometry(
            f"{folder}: {names_in(folder, headers)[int(free.argmax())]} belongs to no even run "
            "of at least 2 slices; remove it, or resample the stack to even spacing"
        )
    return [
        Part(
            start,
            stop,
            np.arange(stop - start, dtype=np.float64),
            (f"part {number} of {len(found)} of a series split at its gaps",),
        )
        for number, (start, stop) in enumerate(sorted(found), 1)
    ]


def _runs(heights: Vector) -> list[tuple[int, int]]:
    """Every longest run of equal gaps, as the slices `start` to `stop`; neighbours share one."""
    gaps = np.diff(heights)
    least = np.minimum(gaps[1:], gaps[:-1])
    changes = np.flatnonzero(
        np.abs(np.diff(gaps)) > 2 * np.maximum(GAP_TOLERANCE * least, GAP_TOLERANCE_MM)
    )
    ends = [0, *(changes + 1).tolist(), gaps.size]
    return [(first, last + 1) for first, last in pairwise(ends)]


def _sentence(
    heights: Vector, headers: Sequence[Header], missing: Vector | None, on_gap: OnGap
) -> str:  # fmt: skip
    gaps, expected = np.diff(heights), _expected(heights)
    folder = common_folder(headers)
    where, names = f"{folder}: ", names_in(folder, headers)
    if missing is not None:
        stated = ", ".join(_gap(heights, names, int(i)) for i in np.flatnonzero(missing)[:3])
        few = missing.max() <= MOST_INTERPOLATED
        cure = f"add the missing files, or use --on-gap split{' or interpolate' * bool(few)}"
        if on_gap == "interpolate":
            cure = f"no more than {MOST_INTERPOLATED} in a row are interpolated; add the files"
        return (
            f"{where}{_slices(int(missing.sum()))} missing, expected one every {expected:.3f} mm, "
            f"found {stated}; {cure}"
        )
    worst = int(np.abs(gaps - expected).argmax())
    return (
        f"{where}slices are unevenly spaced, from {gaps.min():.3f} to {gaps.max():.3f} mm, worst "
        f"{_gap(heights, names, worst)}; resample to even spacing, or use --on-gap split"
    )


def _slices(count: int) -> str:
    return f"{count} slice" if count == 1 else f"{count} slices"


def _gap(heights: Vector, names: Sequence[str], i: int) -> str:
    return (
        f"{heights[i + 1] - heights[i]:.3f} mm between {names[i]} at "
        f"{heights[i]:.2f} mm and {names[i + 1]} at {heights[i + 1]:.2f} mm"
    )
