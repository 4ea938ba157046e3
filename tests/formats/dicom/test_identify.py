"""Whose image a file is: its identifiers, its patient, what it was made from and by whom."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.errors import UnreadableScan
from medddim.formats import Derivation
from medddim.formats.dicom import Dicom
from medddim.formats.dicom.identify import Identity, as_file, identify, load
from medddim.formats.dicom.relations import related_uids

DENOISE = Derivation("denoise", "AI denoised")


def derived(scan: Any, folder: Path, name: str = "x") -> list[Path]:
    return list(formats.write(scan, folder, name=name, derivation=DENOISE))


def test_an_image_has_three_identifiers_and_a_result_is_ours(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(2)
    folder = scanner.store(slices)
    uid = str(slices[1].SOPInstanceUID)
    assert identify(folder / "001.dcm") == Identity(uid, "2.25.2", "2.25.1", ours=False)
    result, *_ = derived(formats.read(folder), tmp_path)
    header = pydicom.dcmread(result)
    named = (header.SOPInstanceUID, header.SeriesInstanceUID, "2.25.1")
    assert identify(result) == Identity(*map(str, named), ours=True)


def test_other_equipment_does_not_make_it_ours(scanner: Any) -> None:
    (image,) = scanner.slices(1)
    others = Dataset(), Dataset()
    others[0].ManufacturerModelName = "a workstation"
    image.ContributingEquipmentSequence = others
    assert not identify(scanner.store([image]) / "000.dcm").ours


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
def test_an_image_without_an_identifier_is_refused(scanner: Any, keyword: str) -> None:
    path = scanner.store(scanner.slices(1)) / "000.dcm"
    dataset = pydicom.dcmread(path)
    del dataset[keyword]
    dataset.save_as(path)
    with pytest.raises(UnreadableScan) as said:
        identify(path)
    assert str(said.value) == f"{path}: expected identifiers of image, series and study"


def test_what_is_no_dicom_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "notes.dcm"
    path.write_text("no scan")
    for look in (identify, load):
        with pytest.raises(UnreadableScan, match=r"notes\.dcm.*DICOM"):
            look(path)


def test_an_object_is_sent_whole_and_stored_as_a_file(scanner: Any) -> None:
    path = scanner.store(scanner.slices(1)) / "000.dcm"
    whole = load(path)
    assert whole.PixelData
    content = as_file(whole)
    assert content[128:132] == b"DICM"
    assert pydicom.dcmread(io.BytesIO(content)) == whole
    del whole.file_meta.TransferSyntaxUID
    with pytest.raises((AttributeError, ValueError), match=r"(?i)transfer syntax"):
        as_file(whole)


def test_a_result_shares_identifiers_with_its_source(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(2)
    folder = scanner.store(slices)
    images = {str(one.SOPInstanceUID) for one in slices}
    (source,) = formats.find(folder)
    assert related_uids(source) == Dicom().related(source) == images | {"2.25.2"}
    files = derived(formats.read(folder), tmp_path / "out")
    (result,) = formats.find(tmp_path / "out")
    headers = [pydicom.dcmread(file) for file in files]
    own = {str(uid) for one in headers for uid in (one.SeriesInstanceUID, one.SOPInstanceUID)}
    assert related_uids(result) == images | own


def test_relations_of_a_broken_file_are_refused_by_name(scanner: Any) -> None:
    (series,) = formats.find(scanner.store(scanner.slices(2)))
    series.files[1].write_bytes(b"")
    with pytest.raises(UnreadableScan, match=r"001\.dcm.*DICOM"):
        related_uids(series)


def test_an_image_may_lack_identifiers_and_sources(scanner: Any) -> None:
    (series,) = formats.find(scanner.store(scanner.slices(1)))
    path = series.files[0]
    dataset = pydicom.dcmread(path)
    uid = str(dataset.SOPInstanceUID)
    del dataset.SeriesInstanceUID
    dataset.SourceImageSequence = [Dataset()]
    dataset.save_as(path)
    assert related_uids(series) == {uid}


@pytest.mark.parametrize(
    ("said", "subject"), [(" abc ", "abc"), ("", ""), (None, ""), ("ZZ1", "ZZ1")]
)
def test_the_subject_is_the_patient_id(scanner: Any, said: str | None, subject: str) -> None:
    slices = scanner.slices(2)
    for dataset in slices:
        dataset.PatientID = said
        if said is None:
            del dataset.PatientID
    (series,) = formats.find(scanner.store(slices))
    assert Dicom().subject(series) == subject


@pytest.mark.parametrize(
    ("attributes", "kind"),
    [
        ({}, ""),
        ({"DerivationDescription": "medddim 0.1.0, denoise: AI denoised"}, "denoise"),
        ({"DerivationDescription": "medddim denoise: AI denoised"}, ""),
        ({"DerivationDescription": "Other 0.1.0, denoise: AI denoised"}, ""),
        ({"DerivationDescription": "Lossless", "SeriesDescription": "t1"}, ""),
    ],
)
def test_what_medddim_made_says_so_by_its_descriptions(
    scanner: Any, attributes: dict[str, str], kind: str
) -> None:
    (series,) = formats.find(scanner.store(scanner.slices(2, **attributes)))
    assert Dicom().made(series) == kind


def test_a_result_whose_derivation_was_taken_out_is_known_by_its_series(
    scanner: Any, tmp_path: Path
) -> None:
    for file in derived(formats.read(scanner.store(scanner.slices(2))), tmp_path / "out"):
        dataset = pydicom.dcmread(file)
        del dataset.DerivationDescription
        dataset.save_as(file)
    (series,) = formats.find(tmp_path / "out")
    assert Dicom().made(series) == "denoise"


def test_a_result_is_its_folder_if_that_holds_slices(scanner: Any, tmp_path: Path) -> None:
    form = Dicom()
    files = derived(formats.read(scanner.store(scanner.slices(2))), tmp_path, "sub/x")
    assert form.result_files(tmp_path, "sub/x") == [tmp_path / "sub" / "x"]
    assert form.result_files(tmp_path, "sub") == []
    assert form.result_files(tmp_path, "gone") == []
    assert form.result_name(files[0]) == "x"


def test_as_written_is_what_is_read_back(scanner: Any, tmp_path: Path) -> None:
    """Two stacks on a grid of three different lengths, with slope and intercept."""
    made = [scanner.slices(3, EchoTime=te, RescaleSlope="0.5", RescaleIntercept="-7")
            for te in ("10", "20")]  # fmt: skip
    for number, stack in enumerate(made):
        for dataset in stack:
            dataset.SOPInstanceUID = dataset.SOPInstanceUID[:60] + f".{number + 1}"
    scan = formats.read(scanner.store([one for stack in made for one in stack]))
    noisy = scan.with_voxels(scan.voxels * 0.7 + 0.1)
    expected = Dicom().as_written(noisy, DENOISE)
    derived(noisy, tmp_path / "out")
    again = formats.read(tmp_path / "out")
    assert expected.shape == again.voxels.shape == (2, 7, 5, 3)
    np.testing.assert_array_equal(expected, again.voxels)
