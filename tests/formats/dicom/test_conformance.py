"""What a derived header must be whatever its source lacks or gets wrong; judged by others too."""

import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.uid import UID

from medddim import formats
from medddim.batch import validators
from medddim.degradation import ThickSlices
from medddim.formats import Derivation
from medddim.volume import Volume

DENOISE = Derivation("denoise", "Noise lowered.", {"model": "mr", "model_sha256": "0123456789" * 6})
SUPERRESOLVE = Derivation("superresolve", "Finer.", {"factor": (1, 1, 4)})
needs_dciodvfy = pytest.mark.skipif(
    which("dciodvfy") is None, reason="dicom3tools is not installed"
)
needs_dcm2niix = pytest.mark.skipif(which("dcm2niix") is None, reason="dcm2niix is not installed")


def written(scanner: Any, out: Path, slices: Any, derivation: Derivation = DENOISE) -> list[Any]:
    scan = formats.read(scanner.store(slices))
    files = formats.write(scan, out, name="x", derivation=derivation)
    return [pydicom.dcmread(file) for file in files]


def finer(volume: Volume, *factors: int) -> Volume:
    """Every voxel cut in parts, each of a value of its own; the extent stays."""
    shape = tuple(n * f for n, f in zip(volume.shape, factors, strict=True))
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(1, *shape) % 4001
    affine = volume.affine @ np.diag([*(1 / np.array(factors)), 1])
    affine[:3, 3] = (volume.affine @ [*((1 / np.array(factors) - 1) / 2), 1])[:3]
    return replace(volume, voxels=voxels, affine=affine)


@pytest.mark.parametrize("laterality", [None, "", "L"])
@pytest.mark.parametrize(
    ("part", "there"), [("HEAD", False), ("KNEE", True), ("", True), (None, True)]
)
def test_laterality_is_there_where_it_must_and_only_there(
    scanner: Any, tmp_path: Path, part: str | None, there: bool, laterality: str | None
) -> None:
    said = {"BodyPartExamined": part, "Laterality": laterality}
    given = {key: value for key, value in said.items() if value is not None}
    (result,) = written(scanner, tmp_path, scanner.slices(1, **given))
    assert ("Laterality" in result) == there
    if there:
        assert (result.Laterality or "") == (laterality or "")


@pytest.mark.parametrize("root", ["0.0.0.0.2", "0.4.0.127", "3.1"])
def test_a_uid_nobody_can_have_issued_is_replaced_and_said(
    scanner: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, root: str
) -> None:
    slices = scanner.slices(2)
    for number, dataset in enumerate(slices):
        dataset.StudyInstanceUID = dataset.FrameOfReferenceUID = f"{root}.5"
        dataset.SOPInstanceUID = f"{root}.6.{number}"
    results = written(scanner, tmp_path, slices)
    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        (uid,) = {UID(result[keyword].value) for result in results}
        assert uid.is_valid
        assert uid.startswith("2.25.")
    assert all("SourceImageSequence" not in result for result in results)
    assert "no one can have issued" in caplog.text
    assert root not in caplog.text


def test_sound_uids_are_kept_in_silence(
    scanner: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    slices = scanner.slices(1)
    (result,) = written(scanner, tmp_path, slices)
    assert result.StudyInstanceUID == slices[0].StudyInstanceUID
    assert caplog.text == ""


def test_a_result_is_one_series_whatever_the_slices_say(scanner: Any, tmp_path: Path) -> None:
    """Some were given an identifier each for their space when the patient was taken out."""
    slices = scanner.slices(3)
    for number, dataset in enumerate(slices):
        dataset.FrameOfReferenceUID = f"2.25.3{number}"
        dataset.SeriesNumber, dataset.SeriesDescription = number, f"slice {number}"
    results = written(scanner, tmp_path, slices)
    assert {result.FrameOfReferenceUID for result in results} == {"2.25.30"}
    assert len({(result.SeriesNumber, result.SeriesDescription) for result in results}) == 1
    scan = formats.read(scanner.folder)
    topics = formats.check(sorted((tmp_path / "x").iterdir()), scan, derivation=DENOISE,
                           format="dicom")  # fmt: skip
    assert topics == dict.fromkeys(topics, "")


@pytest.mark.parametrize(
    ("said", "method"), [("", "not stated by the source"), ("by hand", "by hand")]
)
def test_a_way_of_deidentification_is_stated_where_it_must_be(
    scanner: Any, tmp_path: Path, said: str, method: str
) -> None:
    removed = {"PatientIdentityRemoved": "YES", "DeidentificationMethod": said}
    (result,) = written(scanner, tmp_path, scanner.slices(1, **removed))
    assert result.DeidentificationMethod == method


def test_what_no_standard_allows_is_left_out(scanner: Any, tmp_path: Path) -> None:
    inner = pydicom.Dataset()
    inner.ReferencedStudySequence, inner.RequestedProcedureID = [], "1"
    slices = scanner.slices(1, PregnancyStatus=0, RequestAttributesSequence=[inner])
    (result,) = written(scanner, tmp_path, slices)
    assert "PregnancyStatus" not in result
    assert list(result.RequestAttributesSequence[0].dir()) == ["RequestedProcedureID"]
    (result,) = written(scanner, tmp_path / "y", scanner.slices(1, PregnancyStatus=4))
    assert result.PregnancyStatus == 4


def test_times_are_given_on_the_clock_of_the_source(scanner: Any, tmp_path: Path) -> None:
    (result,) = written(scanner, tmp_path, scanner.slices(1, TimezoneOffsetFromUTC="+0930"))
    made = result.ContributingEquipmentSequence[-1].ContributionDateTime
    assert made.endswith("+0930")
    assert made.startswith(result.ContentDate + result.ContentTime)


def test_the_model_is_named_with_the_software(scanner: Any, tmp_path: Path) -> None:
    (result,) = written(scanner, tmp_path, scanner.slices(1))
    versions = result.ContributingEquipmentSequence[-1].SoftwareVersions
    assert list(versions)[1] == "mr 01234567890123456789"


def test_a_model_named_in_letters_the_source_cannot_write_is_named_without_them(
    scanner: Any, tmp_path: Path
) -> None:
    named = Derivation("denoise", "×", {"model": "×4 é"})
    (result,) = written(scanner, tmp_path, scanner.slices(1), named)
    assert result.ContributingEquipmentSequence[-1].SoftwareVersions[1] == "?4 ?"


def test_the_equipment_of_the_source_stays_named(scanner: Any, tmp_path: Path) -> None:
    other = pydicom.Dataset()
    other.Manufacturer = "other"
    (result,) = written(scanner, tmp_path, scanner.slices(1, ContributingEquipmentSequence=[other]))
    makers = [item.Manufacturer for item in result.ContributingEquipmentSequence]
    assert makers == ["other", "medddim"]


@pytest.mark.parametrize(
    ("center", "width"), [("40", "0"), ("40", ["80", "90"]), ("", ""), (["1", "2"], ["-1", "2"])]
)
def test_a_window_no_viewer_can_use_is_made_anew(
    scanner: Any, tmp_path: Path, center: Any, width: Any
) -> None:
    slices = scanner.slices(1, modality="CT", WindowCenter=center, WindowWidth=width,
                            RescaleSlope="1", RescaleIntercept="-1024")  # fmt: skip
    (result,) = written(scanner, tmp_path, slices)
    assert float(result.WindowWidth) >= 1


def test_a_blanked_name_stays_the_bytes_it_was(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(1)
    slices[0].PatientName = "  "
    formats.write(formats.read(scanner.store(slices)), tmp_path, name="x", derivation=DENOISE)
    result = pydicom.dcmread(tmp_path / "x" / "0001.dcm")
    assert result.get_item("PatientName").value == b"  "


def test_the_number_of_clipped_voxels_is_returned(scanner: Any, tmp_path: Path) -> None:
    scan = formats.read(scanner.store(scanner.slices(2)))
    voxels = scan.voxels.copy()
    voxels[0, 0, :, 0] = 1e6
    with pytest.warns(UserWarning, match="clipped"):
        files = formats.write(scan.with_voxels(voxels), tmp_path, name="x", derivation=DENOISE)
    assert files.clipped == scan.shape[1]
    assert any(note.startswith("voxels clipped by ") for note in files.notes)
    assert formats.write(scan, tmp_path, name="y", derivation=DENOISE).clipped == 0


def test_a_volume_tells_of_its_own_making(scanner: Any, tmp_path: Path) -> None:
    scan = formats.read(scanner.store(scanner.slices(1)))
    files = formats.write(replace(scan, derivation=DENOISE), tmp_path, name="own")
    assert "model=mr" in pydicom.dcmread(files[0]).DerivationDescription
    files = formats.write(scan, tmp_path, name="none")
    assert "Processed with medddim" in pydicom.dcmread(files[0]).DerivationDescription


def test_the_thickness_that_was_measured_is_recorded(scanner: Any, tmp_path: Path) -> None:
    scan = finer(formats.read(scanner.store(scanner.slices(3))), 1, 1, 4)
    files = formats.write(scan, tmp_path, name="x", derivation=SUPERRESOLVE)
    assert "Slices of the source: 3 mm thick." in pydicom.dcmread(files[0]).DerivationDescription


@pytest.mark.parametrize(("gap_mm", "spacing"), [(0, None), (2, 8)])
def test_a_ct_tells_the_spacing_of_its_slices_only_beside_gaps(
    scanner: Any, tmp_path: Path, gap_mm: float, spacing: float | None
) -> None:
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}
    scan = formats.read(scanner.store(scanner.slices(8, modality="CT", **rescale)))
    thick = ThickSlices(6, gap_mm=gap_mm)(scan, np.random.default_rng(0))
    header = pydicom.dcmread(formats.write(thick, tmp_path, name="x")[0])
    assert (header.SliceThickness, header.get("SpacingBetweenSlices")) == (6, spacing)


@needs_dcm2niix
@pytest.mark.parametrize("factors", [(1, 1, 1), (1, 1, 4), (2, 2, 1), (2, 2, 4)])
@pytest.mark.daily(2)
def test_dcm2niix_sees_every_voxel_at_the_same_place(
    scanner: Any, tmp_path: Path, factors: tuple[int, int, int]
) -> None:
    scan = formats.read(scanner.store(scanner.slices(5, shape=(8, 12))))
    result = finer(scan, *factors)
    formats.write(result, tmp_path, name="x", derivation=SUPERRESOLVE)
    (tmp_path / "nii").mkdir()
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "x", "-o", tmp_path / "nii", tmp_path / "x"]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = (tmp_path / "nii").iterdir()
    theirs = nibabel.load(path)
    indices = np.indices(theirs.shape).reshape(3, -1)
    world = theirs.affine @ np.vstack([indices, np.ones(indices.shape[1])])
    places = np.linalg.solve(result.affine, world)[:3]
    nearest = np.rint(places).astype(int)
    apart_mm = np.abs((places - nearest) * np.array(result.spacing_mm)[:, None]).max()
    assert apart_mm < 1e-3
    assert theirs.shape == result.shape
    np.testing.assert_array_equal(
        np.asarray(theirs.dataobj)[tuple(indices)], result.voxels[0][tuple(nearest)]
    )


@needs_dciodvfy
@pytest.mark.parametrize("factors", [(1, 1, 1), (2, 2, 1), (1, 1, 4)])
@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_dciodvfy_finds_no_error(
    scanner: Any, tmp_path: Path, modality: str, factors: tuple[int, int, int]
) -> None:
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-1024"} if modality == "CT" else {}
    slices = scanner.slices(2, modality=modality, PatientPosition="HFS", **rescale)
    for dataset in slices:
        dataset.StudyInstanceUID = "0.0.7"
        dataset.PatientIdentityRemoved, dataset.DeidentificationMethod = "YES", ""
    scan = finer(formats.read(scanner.store(slices)), *factors)
    files = formats.write(scan, tmp_path, name="x", derivation=SUPERRESOLVE)
    assert validators.dciodvfy(files[:1]) == ""
