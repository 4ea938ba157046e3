"""Even runs of slices, by their heights alone: what is even, what is filled, what is said."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from medddim.errors import IrregularGeometry
from medddim.formats.dicom.files import Header
from medddim.formats.dicom.gaps import even_parts, tolerance_mm

FOLDER = Path("/scans")


def parts(heights: Any, on_gap: Any = "refuse") -> list[tuple[int, int, list[float], Any]]:
    headers = [
        Header(FOLDER / f"{k}.dcm", cast(Dataset, None), "", ExplicitVRLittleEndian, 0)
        for k in range(len(heights))
    ]
    found = even_parts(np.array(heights, dtype=np.float64), headers, on_gap)
    return [(one.start, one.stop, one.along.round(9).tolist(), one.repairs) for one in found]


def refused(heights: Any, on_gap: Any = "refuse") -> str:
    with pytest.raises(IrregularGeometry) as said:
        parts(heights, on_gap)
    return str(said.value).removeprefix(f"{FOLDER}: ")


def even(heights: Any) -> bool:
    try:
        return len(parts(heights)) == 1
    except IrregularGeometry:
        return False


def test_the_tolerance_is_a_share_of_the_spacing_or_a_length() -> None:
    assert tolerance_mm(5) == pytest.approx(0.05)
    assert tolerance_mm(1) == pytest.approx(0.01)
    assert tolerance_mm(0.1) == 0.01


@pytest.mark.parametrize("spacing", [0.4, 3.5])
def test_a_slice_may_lie_as_far_off_as_the_tolerance(spacing: float) -> None:
    """The line through seven slices takes a seventh of what the middle one is off."""
    for share, ok in ((0.95, True), (1.05, False)):
        heights = spacing * np.arange(7.0)
        heights[3] += share * tolerance_mm(spacing) / (1 - 1 / 7)
        assert even(heights) == ok


@pytest.mark.parametrize("heights", [[7.0], [1.0, 4.5], [0.0, 2.0, 4.0], [5.0, 7.5, 10.0, 12.5]])
def test_even_slices_are_one_part(heights: list[float]) -> None:
    assert parts(heights) == [(0, len(heights), list(range(len(heights))), ())]


def test_missing_slices_are_counted_and_named() -> None:
    heights = [0.0, 2, 4, 8, 10, 12, 18, 20]
    found = (
        "4.000 mm between 2.dcm at 4.00 mm and 3.dcm at 8.00 mm, "
        "6.000 mm between 5.dcm at 12.00 mm and 6.dcm at 18.00 mm"
    )
    missing = f"3 slices missing, expected one every 2.000 mm, found {found}"
    cure = "add the missing files, or use --on-gap split or interpolate"
    assert refused(heights) == f"{missing}; {cure}"
    filled = [0, 1, 2, 2.5, 3, 4, 5, *(np.array([16, 17]) / 3).round(9), 6, 7]
    repairs = (
        "1 slice interpolated between 4.00 and 8.00 mm along the normal",
        "2 slices interpolated between 12.00 and 18.00 mm along the normal",
    )
    assert parts(heights, "interpolate") == [(0, 8, filled, repairs)]


def test_one_missing_slice_of_few() -> None:
    """Of three slices the smaller gap is the spacing."""
    said = refused([0.0, 2, 6])
    assert said == (
        "1 slice missing, expected one every 2.000 mm, found 4.000 mm between 1.dcm at 2.00 mm and "
        "2.dcm at 6.00 mm; add the missing files, or use --on-gap split or interpolate"
    )


def test_more_than_two_in_a_row_are_not_interpolated() -> None:
    heights = [0.0, 2, 4, 12, 14]
    gap = "8.000 mm between 2.dcm at 4.00 mm and 3.dcm at 12.00 mm"
    missing = f"3 slices missing, expected one every 2.000 mm, found {gap}"
    assert refused(heights) == f"{missing}; add the missing files, or use --on-gap split"
    assert refused(heights, "interpolate") == (
        f"{missing}; no more than 2 in a row are interpolated; add the files"
    )


def test_of_many_gaps_three_are_named() -> None:
    heights = [2.0 * k for k in range(30) if k % 5]
    assert refused(heights).count(" between ") == 3


def test_uneven_slices_are_named_with_the_worst() -> None:
    expected = (
        "slices are unevenly spaced, from 2.000 to 3.100 mm, worst 3.100 mm between 2.dcm at "
        "4.00 mm and 3.dcm at 7.10 mm; resample to even spacing, or use --on-gap split"
    )
    for on_gap in ("refuse", "interpolate"):
        assert refused([0.0, 2, 4, 7.1, 9.1], on_gap) == expected


def test_a_gap_may_be_off_twice_the_tolerance_for_each_spacing_in_it() -> None:
    """Each of its ends may lie off by the tolerance."""
    for off, ok in ((0.0395 * 2, True), (0.0405 * 2, False)):
        heights = [0.0, 2, 4, 8 + off, 10 + off, 12 + off, 14 + off]
        assert ("missing" in refused(heights)) == ok


def test_runs_of_two_spacings_are_split_where_the_spacing_changes() -> None:
    said = [f"part {n} of 2 of a series split at its gaps" for n in (1, 2)]
    assert parts([0.0, 1, 2, 3, 6, 9, 12], "split") == [
        (0, 4, [0, 1, 2, 3], (said[0],)),
        (4, 7, [0, 1, 2], (said[1],)),
    ]
    assert parts([0.0, 1, 2, 3, 9, 10, 11], "split") == [
        (0, 4, [0, 1, 2, 3], (said[0],)),
        (4, 7, [0, 1, 2], (said[1],)),
    ]


def test_a_spacing_may_change_by_twice_the_tolerance_within_a_run() -> None:
    """Of ten slices and of three, the last of which lie far off: two runs or three."""
    for change, count in ((0.019, 2), (0.021, 3)):
        heights = [0.0, 1, 2, 3, 4, 5, *(6 + change * k + k for k in range(3)), 30, 31, 32]
        heights[6:9] = [6 + change, 7 + change, 8 + change]
        assert len(parts(heights, "split")) == count


def test_a_slice_that_belongs_to_no_run_is_named() -> None:
    assert refused([0.0, 1, 2, 7, 20, 21, 22], "split") == (
        "3.dcm belongs to no even run of at least 2 slices; remove it, or resample the stack to "
        "even spacing"
    )
