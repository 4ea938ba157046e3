"""A map is known by its name and its result beside it, and is never taken for a scan."""

import pytest

from medddim import formats
from medddim.formats.beside import is_map, map_files, map_name, quantity_of
from medddim.formats.naming import safe_name
from tests import studies


@pytest.mark.parametrize(
    ("file", "quantity"),
    [
        ("head+residual.nii.gz", "residual"),
        ("head+uncertainty.dcm", "uncertainty"),
        ("head+uncertainty_2.dcm", "uncertainty"),
        ("head_residual.nii.gz", None),
        ("head+residual.nii.gz.bak", None),
        ("head+other.nii.gz", None),
        ("head/0001.dcm", None),
    ],
)
def test_the_name_tells_what_a_map_holds(file, quantity):
    assert quantity_of(file) == quantity


def test_no_result_can_have_the_name_of_a_map():
    name = map_name("head", "residual")
    assert safe_name(name) != name


def test_a_map_beside_its_result_is_no_scan(tmp_path):
    first = studies.nifti(tmp_path, "head")
    (beside,) = formats.write_map(
        formats.read(first), tmp_path, of=[first], quantity="residual"
    )  # fmt: skip
    alone = studies.nifti(tmp_path, "gone+residual")
    assert map_files(tmp_path, "head", "residual") == [beside]
    assert map_files(tmp_path, "hea", "residual") == []
    assert (is_map(beside), is_map(alone), is_map(first)) == (True, False, False)
    assert [one.files for one in formats.find(tmp_path)] == [(alone,), (first,)]
    assert [one.files for one in formats.find(beside)] == [(beside,)]
