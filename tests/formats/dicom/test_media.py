"""A DICOMDIR stands for the files it lists, and for nothing else."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.config import disable_value_validation
from pydicom.fileset import FileSet

from medddim import formats
from medddim.errors import UnreadableScan, UnsupportedScan


@pytest.fixture
def disc(scanner: Any, tmp_path: Path) -> Path:
    """A CD with two series, one of them in an odd order, written by pydicom."""
    files = FileSet()
    for number in (1, 2):
        slices = scanner.slices(4, SeriesInstanceUID=f"2.25.70{number}", StudyDate="20200101",
                                StudyTime="120000", StudyID="1", SeriesNumber=number)  # fmt: skip
        for dataset in slices:
            dataset.SOPInstanceUID = f"{dataset.SOPInstanceUID[:50]}.{number}"
        for path in sorted(scanner.store(slices, to=f"s{number}").iterdir(), reverse=number == 2):
            files.add(path)
    files.write(tmp_path / "cd")
    files._stage["t"].cleanup()  # pydicom leaves that to chance, which warns
    return tmp_path / "cd" / "DICOMDIR"


def test_its_series_are_those_of_the_folder(disc: Path, scanner: Any) -> None:
    listed, walked = formats.find(disc), formats.find(disc.parent)
    assert [one.files for one in listed] == [one.files for one in walked]
    assert [one.name for one in listed] == [one.name for one in walked]
    assert all(not one.refusal for one in listed)
    original = {formats.read(scanner.folder / f"s{n}").voxels.tobytes() for n in (1, 2)}
    assert {formats.read(one).voxels.tobytes() for one in listed} == original


def test_files_it_does_not_list_are_left_out(disc: Path, scanner: Any) -> None:
    extra = scanner.store(scanner.slices(2, SeriesInstanceUID="2.25.99"), to="extra")
    (extra / "000.dcm").rename(disc.parent / "EXTRA")
    assert len(formats.find(disc)) == 2
    assert len(formats.find(disc.parent)) == 3


def test_lower_case_as_some_discs_show_it(disc: Path) -> None:
    for path in sorted(disc.parent.rglob("*"), key=lambda path: -len(path.parts)):
        path.rename(path.with_name(path.name.lower()))
    found = formats.find(disc.with_name("dicomdir"))
    assert len(found) == 2
    assert all(not one.refusal for one in found)


def test_a_missing_file_is_reported(disc: Path) -> None:
    victim = formats.find(disc)[0].files[0]
    victim.unlink()
    (series,) = formats.find(disc)
    assert "1 of the 8 images it lists are not there" in series.refusal


@pytest.mark.parametrize("place", [["..", "X"], ["", "etc", "passwd"], ["A/../../X"], ["A\0B"]])
def test_a_file_outside_is_refused(disc: Path, tmp_path: Path, place: list[str]) -> None:
    (tmp_path / "X").write_bytes(b"secret")
    dataset = pydicom.dcmread(disc)
    record = next(r for r in dataset.DirectoryRecordSequence if r.DirectoryRecordType == "IMAGE")
    with disable_value_validation():
        record.ReferencedFileID = place
        dataset.save_as(disc)
    (series,) = formats.find(disc)
    assert "outside its own folder" in series.refusal or "not there" in series.refusal


def test_a_link_out_of_the_folder_is_refused(disc: Path, tmp_path: Path) -> None:
    victim = formats.find(disc)[0].files[0]
    victim.rename(tmp_path / "elsewhere")
    victim.symlink_to(tmp_path / "elsewhere")
    with pytest.raises((UnsupportedScan, UnreadableScan)):
        formats.read(formats.find(disc)[0])
    assert "outside its own folder" in formats.find(disc)[0].refusal


def test_a_broken_dicomdir_is_a_refusal(disc: Path) -> None:
    whole = disc.read_bytes()
    for length in np.linspace(400, len(whole) - 50, 5).astype(int):
        disc.write_bytes(whole[:length])
        found = formats.find(disc)
        assert found == [] or all(one.refusal or one.facts for one in found)
