"""How far a stack leans, by the places of its slices alone."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from medddim.errors import IrregularGeometry
from medddim.formats.dicom.files import Header
from medddim.formats.dicom.planes import Plane
from medddim.formats.dicom.shear import Shear, shear_of
from tests.formats.conftest import COLUMN, CORNER, NORMAL, PIXEL_MM, ROW

FOLDER = Path("/scans")


def leaning(places_mm: Any, on_tilt: Any = "resample", count: int = 0) -> Shear | None:
    """Of slices at `(along the rows, along the columns, along the normal)`."""
    axes = np.stack([ROW, COLUMN, NORMAL])
    planes = [Plane(CORNER + place @ axes, ROW, COLUMN, PIXEL_MM, (5, 7)) for place in places_mm]
    headers = [
        Header(FOLDER / f"{k}.dcm", cast(Dataset, None), "", ExplicitVRLittleEndian, 0)
        for k in range(len(planes))
    ]
    return shear_of(planes, headers, on_tilt, count=count or len(planes))


@pytest.mark.parametrize("gap_mm", [0.25, 5.0])
def test_each_slice_lies_as_far_beside_the_one_before(gap_mm: float) -> None:
    """However thin the slices are."""
    found = leaning([(k * gap_mm, -k * gap_mm / 2, k * gap_mm) for k in range(2)])
    assert found is not None
    np.testing.assert_allclose(found.step, [gap_mm / 0.75, -gap_mm / 2 / 1.25])
    assert found.degrees == pytest.approx(np.degrees(np.arctan(np.sqrt(1.25))))
    assert (found.size, found.count) == ((7, 5), 2)


def test_slices_to_be_filled_in_take_their_share() -> None:
    found = leaning([(0, 0, 0), (1, 0, 3), (3, 0, 9)], count=4)
    assert found is not None
    np.testing.assert_allclose(found.step, [1 / 0.75, 0], atol=1e-12)


def test_what_rounding_of_a_header_may_cause_is_no_lean() -> None:
    """0.05 mm, and 1 mm in 1000 of the stack."""
    for drift, leans in ((0.149, False), (0.151, True)):
        assert (leaning([(0, 0, 0), (0, drift, 100)]) is not None) == leans


def test_a_shift_of_no_voxel_is_none() -> None:
    found = leaning([(0, 0, 0), (0.0072, 2, 10)])  # 0.0096 of a voxel along the rows
    assert found is not None
    assert found.step.tolist() == [0, pytest.approx(2 / 1.25)]
    found = leaning([(0, 0, 0), (0.0078, 2, 10)])
    assert found is not None
    assert found.step.tolist() == pytest.approx([0.0078 / 0.75, 2 / 1.25])


def test_the_upright_grid_holds_every_slice_whole() -> None:
    shear = Shear(np.array([0.75, -0.5]), (7, 5), 4, 12.34)
    assert shear.origin.tolist() == [0, -2]  # 2.25 voxels right, 1.5 up
    assert shear.shape == (5 + 2, 7 + 3)
    assert shear.in_words == "a tilt of 12.3 degrees resampled to a right-angled grid"
    whole = Shear(np.array([1.0, -1.0]), (7, 5), 4, 45.0)
    assert (whole.origin.tolist(), whole.shape) == ([0, -3], (8, 10))


@pytest.mark.parametrize("on_tilt", ["refuse", "resample"])
def test_a_stack_that_bends_is_refused_by_its_worst_slice(on_tilt: Any) -> None:
    with pytest.raises(IrregularGeometry) as said:
        leaning([(0, 0, 0), (0, 0, 10), (0, 4, 20), (0, 1, 30)], on_tilt)
    assert str(said.value).startswith(
        "/scans: the stack is not straight: slice 2.dcm lies 4.00 mm beside the normal through the "
        "first (tilt "
    )
    assert str(said.value).endswith("to a right-angled grid: no one tilt explains it")


def test_an_even_tilt_is_refused_with_the_option_that_resamples_it() -> None:
    with pytest.raises(IrregularGeometry) as said:
        leaning([(0, 0, 0), (0, 1, 10), (0, 2, 20)], "refuse")
    assert "slice 2.dcm lies 2.00 mm beside" in str(said.value)
    assert "(tilt 5.7 degrees, as of a CT gantry)" in str(said.value)
    assert str(said.value).endswith("right-angled grid, or use --on-tilt resample")
