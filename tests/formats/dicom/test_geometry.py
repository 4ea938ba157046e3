"""Awkward series are read right or refused with the reason: never silently wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.errors import IrregularGeometry, ScanError, UnreadableScan
from medddim.volume import Volume
from tests.formats.conftest import CANARY


def assert_right(volume: Volume, slices: list[Dataset]) -> None:
    """Every voxel of every slice is where DICOM PS3.3 C.7.6.2.1.1 puts it (in LPS)."""
    inverse = np.linalg.inv(volume.affine)
    assert volume.shape == (slices[0].Columns, slices[0].Rows, len(slices))
    for dataset in slices:
        pixels = np.frombuffer(dataset.PixelData, "<i2" if dataset.PixelRepresentation else "<u2")
        values = pixels.reshape(dataset.Rows, dataset.Columns) * float(
            dataset.get("RescaleSlope", 1)
        )
        along_row = np.array(dataset.ImageOrientationPatient[:3]) * dataset.PixelSpacing[1]
        along_column = np.array(dataset.ImageOrientationPatient[3:]) * dataset.PixelSpacing[0]
        for row, column in np.ndindex(values.shape):
            lps = np.array(dataset.ImagePositionPatient) + column * along_row + row * along_column
            index = inverse @ [-lps[0], -lps[1], lps[2], 1]
            i, j, k = np.rint(index[:3]).astype(int)
            np.testing.assert_allclose(index[:3], [i, j, k], atol=1e-3)
            assert volume.voxels[0, i, j, k] == pytest.approx(values[row, column], rel=1e-6)


def refusal(folder: Path, error: type[ScanError] = IrregularGeometry) -> str:
    """The reason `find` gives, after making sure `read` gives the same."""
    (series,) = formats.find(folder)
    with pytest.raises(error) as caught:
        formats.read(folder)
    assert str(caught.value) == series.refusal
    return series.refusal


def test_a_plain_oblique_series(scanner: Any) -> None:
    slices = scanner.slices()
    assert_right(formats.read(scanner.store(slices)), slices)


def test_shuffled_file_names_and_instance_numbers(scanner: Any, rng: np.random.Generator) -> None:
    slices = scanner.slices()
    for turn in range(3):
        for dataset, number in zip(slices, rng.permutation(len(slices)), strict=True):
            dataset.InstanceNumber = int(number)
        mixed = [slices[i] for i in rng.permutation(len(slices))]
        assert_right(formats.read(scanner.store(mixed, to=f"{turn}")), slices)


def test_slices_stored_against_the_normal(scanner: Any) -> None:
    slices = scanner.slices()
    assert_right(formats.read(scanner.store(slices[::-1])), slices)


def test_a_missing_slice_is_named_in_mm(scanner: Any) -> None:
    slices = scanner.slices(8)
    del slices[3]
    reason = refusal(scanner.store(slices))
    assert "1 slice missing, expected one every 3.500 mm, found 7.000 mm" in reason
    assert "002.dcm" in reason
    assert "003.dcm" in reason


def test_two_gaps_are_both_counted(scanner: Any) -> None:
    slices = scanner.slices(12)
    del slices[8:10], slices[3]
    assert "3 slices missing" in refusal(scanner.store(slices))


def test_one_missing_of_three(scanner: Any) -> None:
    slices = scanner.slices(4)
    del slices[1]
    assert "1 slice missing" in refusal(scanner.store(slices))


def test_an_identical_copy_of_a_file_is_skipped(scanner: Any) -> None:
    slices = scanner.slices()
    folder = scanner.store(slices)
    (folder / "copy.dcm").write_bytes((folder / "002.dcm").read_bytes())
    assert_right(formats.read(folder), slices)


def test_one_identifier_on_two_images(scanner: Any) -> None:
    slices = scanner.slices()
    slices[4].SOPInstanceUID = slices[1].SOPInstanceUID
    assert "carry one SOPInstanceUID but differ" in refusal(scanner.store(slices))


def test_a_slope_for_each_slice(scanner: Any) -> None:
    slices = scanner.slices()
    for k, dataset in enumerate(slices):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(1 + k / 4), "0"
    assert_right(formats.read(scanner.store(slices)), slices)


def test_two_series_in_a_folder_are_two(scanner: Any) -> None:
    one, other = scanner.slices(), scanner.slices(4, SeriesInstanceUID="2.25.99")
    scanner.store(one, to="both", names=[f"a{k}.dcm" for k in range(6)])
    folder = scanner.store(other, to="both", names=[f"b{k}.dcm" for k in range(4)])
    first, second = formats.find(folder)
    assert_right(formats.read(first), one)
    assert_right(formats.read(second), other)
    assert first.name != second.name
    assert first.name.startswith("both-")


def test_a_series_over_several_folders_is_one(scanner: Any) -> None:
    slices = scanner.slices()
    scanner.store(slices[::2], to="study/a")
    scanner.store(slices[1::2], to="study/b")
    (series,) = formats.find(scanner.folder)
    assert series.name == "study"
    assert_right(formats.read(series), slices)


def test_monochrome1_is_read_as_stored(scanner: Any) -> None:
    slices = scanner.slices(PhotometricInterpretation="MONOCHROME1")
    assert_right(formats.read(scanner.store(slices)), slices)


@pytest.mark.parametrize("degrees", [0.5, 3, 11.3])
@pytest.mark.daily(1)
def test_a_tilted_stack_is_refused_with_the_angle(scanner: Any, degrees: float) -> None:
    slices = scanner.slices(12)
    for k, dataset in enumerate(slices):
        shift = k * 3.5 * np.tan(np.radians(degrees))
        dataset.ImagePositionPatient[0] = float(dataset.ImagePositionPatient[0]) + shift
    assert f"tilt {degrees:.1f} degrees" in refusal(scanner.store(slices))


def test_files_beside_are_skipped(scanner: Any) -> None:
    slices = scanner.slices()
    folder = scanner.store(slices)
    (folder / "README.txt").write_text("not a scan")
    (folder / ".DS_Store").write_bytes(b"\0" * 300)
    assert_right(formats.read(folder), slices)


def test_unevenly_spaced_slices(scanner: Any) -> None:
    slices = scanner.slices()
    normal = np.cross(*np.reshape(slices[0].ImageOrientationPatient, (2, 3)))
    for dataset in slices[4:]:
        moved = np.array(dataset.ImagePositionPatient) + 0.9 * normal
        dataset.ImagePositionPatient = [float(v) for v in moved]
    reason = refusal(scanner.store(slices))
    assert "unevenly spaced, from 3.500 to 4.400 mm" in reason


def test_positions_rounded_to_a_tenth_of_a_mm_are_even_enough(scanner: Any) -> None:
    slices = scanner.slices(20)
    for dataset in slices:
        position = np.array(dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [round(float(v) * 2, 1) for v in position]
    volume = formats.read(scanner.store(slices))
    assert volume.spacing_mm[2] == pytest.approx(7.0, abs=0.01)


@pytest.mark.parametrize(
    ("tag", "value", "reason"),
    [
        ("ImageOrientationPatient", [0, 1, 0, 0, 0, -1], "two orientations"),
        ("PixelSpacing", [1.25, 0.8], "two PixelSpacings"),
        ("Rows", 3, "two sizes"),
        ("PatientID", f"{CANARY}another", "PatientID differs in one series"),
        ("PatientID", "", "PatientID differs in one series"),
        ("StudyInstanceUID", "1.2.3", "StudyInstanceUID differs in one series"),
        ("PhotometricInterpretation", "MONOCHROME1", "PhotometricInterpretation differs"),
    ],
)
@pytest.mark.daily(3)
def test_slices_that_are_not_alike(scanner: Any, *, tag: str, value: Any, reason: str) -> None:
    slices = scanner.slices()
    setattr(slices[3], tag, value)
    reported = refusal(scanner.store(slices))
    assert reason in reported
    assert CANARY not in reported


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        ("PixelSpacing", [0, 1]),
        ("PixelSpacing", [-1, 1]),
        ("PixelSpacing", [1]),
        ("PixelSpacing", None),
        ("ImagePositionPatient", [0, 0]),
        ("ImagePositionPatient", None),
        ("ImageOrientationPatient", None),
        ("ImageOrientationPatient", [0, 0, 0, 0, 0, 0]),
        ("ImageOrientationPatient", [1, 0, 0, 1, 0, 0]),
        ("ImageOrientationPatient", [2, 0, 0, 0, 1, 0]),
        ("Rows", 0),
    ],
)
@pytest.mark.daily(4)
def test_impossible_geometry_is_refused_by_the_tag(scanner: Any, tag: str, value: Any) -> None:
    slices = scanner.slices()
    for dataset in slices:
        setattr(dataset, tag, value)
    assert tag in refusal(scanner.store(slices), UnreadableScan)


def test_a_position_that_is_no_number_is_not_quoted(scanner: Any) -> None:
    slices = scanner.slices()
    folder = scanner.store(slices)
    text = (folder / "001.dcm").read_bytes()
    wanted = f"{slices[1].ImagePositionPatient[0]}".encode()
    assert wanted in text
    (folder / "001.dcm").write_bytes(text.replace(wanted, b"x" * len(wanted)))
    with pytest.raises(UnreadableScan) as caught:
        formats.read(folder / "001.dcm")
    assert "xxx" not in str(caught.value)


def test_a_single_slice_is_a_volume(scanner: Any) -> None:
    slices = scanner.slices(1)
    folder = scanner.store(slices)
    volume = formats.read(folder)
    assert_right(volume, slices)
    assert volume.spacing_mm == pytest.approx((0.75, 1.25, 3))
    assert formats.find(folder / "000.dcm")[0].name == "000"


def test_a_file_of_a_series_can_be_read_alone(scanner: Any) -> None:
    slices = scanner.slices()
    folder = scanner.store(slices)
    assert_right(formats.read(folder / "003.dcm"), slices[3:4])
