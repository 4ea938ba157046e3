"""Names of series that share a folder: readable, apart, and without what somebody typed."""

import re
from pathlib import Path

import pydicom
import pytest

from medddim import formats
from tests import studies


def shared(folder: Path, *numbers) -> Path:
    """One folder with a series for each of these SeriesNumbers."""
    place = folder / "study"
    place.mkdir()
    for index, number in enumerate(numbers):
        for path in studies.dicom(folder / "single", "s" * (index + 1)).iterdir():
            dataset = pydicom.dcmread(path)
            dataset.SeriesNumber = number
            dataset.save_as(place / f"{index}_{path.name}")
    return place


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((3, 12), ["study-series12", "study-series3"]),
        (("003", None), [r"study-[0-9a-f]{8}", "study-series3"]),
        ((3, 3, 4), [r"study-[0-9a-f]{8}", r"study-[0-9a-f]{8}", "study-series4"]),
        ((1234567890, 2), [r"study-[0-9a-f]{8}", "study-series2"]),
        ((7,), ["study"]),
    ],
    ids=["apart", "one without", "two alike", "too long", "alone"],
)
def test_series_of_one_folder_have_their_numbers(tmp_path, numbers, expected):
    found = sorted(one.name for one in formats.find(shared(tmp_path, *numbers)))
    assert all(map(re.fullmatch, expected, found)), found
    assert studies.CANARY not in "".join(found)


def test_names_do_not_depend_on_what_else_is_given(tmp_path):
    place = shared(tmp_path, 3, 12)
    studies.nifti(tmp_path / "other")
    alone = {one.name for one in formats.find(place)}
    assert alone < {one.name for one in formats.find(place, tmp_path / "other")}
