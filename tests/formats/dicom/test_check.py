"""Each thing that can be wrong with a derived series is found, and said in its own sentence."""

import shutil
from collections.abc import Callable
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from medddim import formats
from medddim.errors import UnreadableScan
from medddim.formats import Derivation
from medddim.formats.dicom.check import check_series
from tests.formats.conftest import Scanner

DENOISE = Derivation("denoise", "AI denoised", {"model": "tiny", "steps": 2})
TOPICS = ("values", "order", "identity", "provenance")
RECORDED = (
    "SeriesInstanceUID does not follow from the source, the recorded making, the places and the "
    "voxels: one of them was altered"
)


class Written:
    """A source of two echoes, three slices each, and its result, to be spoilt."""

    def __init__(self, scanner: Any, folder: Path, **attributes: Any) -> None:
        stacks = [scanner.slices(3, EchoTime=te, **attributes) for te in ("10", "20")]
        for number, stack in enumerate(stacks):
            for k, dataset in enumerate(stack):
                dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(number), str(k), "check"])
        source = formats.read(scanner.store([one for stack in stacks for one in stack]))
        self.source = source.source
        self.files = list(formats.write(source, folder, name="x", derivation=DENOISE))

    def edit(self, change: Callable[[Dataset], None], *numbers: int) -> None:
        for number in numbers or range(1, len(self.files) + 1):
            dataset = pydicom.dcmread(self.files[number - 1])
            change(dataset)
            dataset.save_as(self.files[number - 1])

    def wrong(self, derivation: Derivation = DENOISE) -> dict[str, str]:
        found = check_series(self.files, self.source, derivation)
        assert tuple(found) == TOPICS
        return {topic: problem for topic, problem in found.items() if problem}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Written once, to be copied by a test."""
    folder = tmp_path_factory.mktemp("check")
    return Written(Scanner(folder / "in", np.random.default_rng(0)), folder / "out")


@pytest.fixture
def result(sound: Written, tmp_path: Path) -> Written:
    copied = copy(sound)
    copied.files = [Path(shutil.copy(file, tmp_path)) for file in sound.files]
    return copied


def put(keyword: str, value: Any) -> Callable[[Dataset], None]:
    return lambda dataset: setattr(dataset, keyword, value)


def drop(keyword: str) -> Callable[[Dataset], None]:
    return lambda dataset: delattr(dataset, keyword)


def maker(name: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        dataset.ContributingEquipmentSequence[-1].Manufacturer = name

    return change


def reference(**attributes: Any) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for keyword, value in attributes.items():
            setattr(dataset.SourceImageSequence[0], keyword, value)

    return change


def test_what_is_written_is_right(result: Written) -> None:
    assert result.wrong() == {}


@pytest.mark.parametrize(
    ("keyword", "value"), [("SeriesNumber", 11), ("BitsStored", 11), ("SeriesDescription", "x")]
)
def test_one_value_for_the_series(result: Written, keyword: str, value: Any) -> None:
    result.edit(put(keyword, value), 5)
    differs = f"{keyword} differs between its files; expected one value for the series"
    assert result.wrong()["values"] == differs


@pytest.mark.parametrize(
    ("keyword", "value"), [("PhotometricInterpretation", "MONOCHROME1"), ("Modality", "CT")]
)
def test_the_kind_of_image_is_that_of_the_source(result: Written, keyword: str, value: str) -> None:
    result.edit(put(keyword, value))
    assert result.wrong()["values"] == f"{keyword} is not that of the source"


def test_an_image_of_another_volume_is_named(result: Written) -> None:
    other = pydicom.dcmread(result.files[0]).SourceImageSequence
    result.edit(put("SourceImageSequence", other), 6)
    assert result.wrong() == {
        "order": "slice 6: expected an image of volume 2 as acquired, it names an image of another "
        "volume as its source"
    }


def test_another_frame_of_the_same_image_is_another_image(result: Written) -> None:
    result.edit(reference(ReferencedFrameNumber=2), 4)
    assert result.wrong() == {
        "order": "slice 4: expected an image of volume 2 as acquired, it names an image of another "
        "volume as its source",
        "provenance": "slice 4: it does not name images of its source",
    }


def test_the_mark_of_another_volume_is_named(result: Written) -> None:
    result.edit(put("EchoTime", "20"), 3)
    assert result.wrong() == {
        "order": "slice 3: expected an image of volume 1 as acquired, its EchoTime is that of "
        "another one"
    }


def test_marks_of_a_single_volume_are_its_own(scanner: Any, tmp_path: Path) -> None:
    source = formats.read(scanner.store(scanner.slices(2, EchoTime="10")))
    files = formats.write(source, tmp_path / "out", name="x", derivation=DENOISE)
    for file in files:
        dataset = pydicom.dcmread(file)
        dataset.EchoTime = "20"
        dataset.save_as(file)
    assert not any(check_series(files, source.source, DENOISE).values())


def other_uid(dataset: Dataset) -> None:
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.9"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("SOPInstanceUID", "2.25.9"), "the UID of the file is not that of the image in it"),
        (put("InstanceNumber", 9), "InstanceNumber does not count along the normal"),
        (drop("InstanceNumber"), "InstanceNumber does not count along the normal"),
        (put("PatientID", "someone"), "PatientID is not that of the source"),
        (put("StudyInstanceUID", "2.25.9"), "StudyInstanceUID is not that of the source"),
        (put("FrameOfReferenceUID", "2.25.9"), "FrameOfReferenceUID is not that of the source"),
        (drop("FrameOfReferenceUID"), "FrameOfReferenceUID is not that of the source"),
        (other_uid, "SOPInstanceUID does not follow from the series and its number"),
    ],
)
def test_the_identity_of_a_slice(
    result: Written, change: Callable[[Dataset], None], said: str
) -> None:
    result.edit(change, 2)
    assert result.wrong()["identity"] == f"slice 2: {said}"


def test_two_slices_of_one_identifier(result: Written) -> None:
    result.edit(other_uid, 1, 2)
    assert result.wrong()["identity"] == "two slices carry one SOPInstanceUID"


def test_another_making_gives_another_series(result: Written) -> None:
    found = result.wrong(Derivation("denoise", "AI denoised", {"model": "tiny", "steps": 3}))
    assert found == {
        "identity": RECORDED,
        "provenance": "slice 1: DerivationDescription does not say the recorded steps",
    }


def test_a_source_without_patient_study_and_space_has_a_result(
    scanner: Any, tmp_path: Path
) -> None:
    nothing = {"PatientID": "", "StudyInstanceUID": "", "FrameOfReferenceUID": ""}
    result = Written(scanner, tmp_path / "out", **nothing)
    assert result.wrong() == {}
    result.edit(put("PatientID", "someone"), 1)
    assert result.wrong()["identity"] == "slice 1: PatientID is not that of the source"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put("ImageType", ["DERIVED", "PRIMARY"]), "ImageType does not say DERIVED, SECONDARY"),
        (put("ImageType", "DERIVED"), "ImageType does not say DERIVED, SECONDARY"),
        (put("DerivationCodeSequence", []), "no DerivationCodeSequence"),
        (drop("DerivationCodeSequence"), "no DerivationCodeSequence"),
        (maker("another"), "medddim is not named as contributing equipment"),
        (drop("ContributingEquipmentSequence"), "medddim is not named as contributing equipment"),
        (drop("SourceImageSequence"), "it does not name images of its source"),
        (
            put("DerivationDescription", "medddim 1, other: x"),
            "DerivationDescription does not begin with medddim, its version and 'denoise'",
        ),
        (
            put("DerivationDescription", "medddim 1, denoise: x [model=tiny]"),
            "DerivationDescription does not say the recorded steps",
        ),
        (
            drop("DerivationDescription"),
            "DerivationDescription does not begin with medddim, its version and 'denoise'",
        ),
    ],
)
def test_the_provenance_of_a_slice(
    result: Written, change: Callable[[Dataset], None], said: str
) -> None:
    result.edit(change, 2)
    assert result.wrong() == {"provenance": f"slice 2: {said}"}


def test_of_a_text_that_may_have_been_cut_not_all_is_asked(result: Written) -> None:
    for length, missed in ((993, True), (994, False)):
        result.edit(put("DerivationDescription", "medddim 1, denoise: ".ljust(length, "x")), 1)
        assert bool(result.wrong()) == missed


def test_lossy_compression_is_kept_in_mind(scanner: Any, tmp_path: Path) -> None:
    result = Written(scanner, tmp_path / "out", LossyImageCompression="01")
    assert result.wrong() == {}
    result.edit(put("LossyImageCompression", "00"), 3)
    assert result.wrong() == {
        "provenance": "slice 3: it does not tell of the lossy compression of its source"
    }


def test_a_broken_file_is_refused_by_name(result: Written) -> None:
    result.files[1].write_bytes(b"")
    with pytest.raises(UnreadableScan, match=rf"{result.files[1].name}.*DICOM"):
        result.wrong()


def test_a_first_slice_of_another_series_is_found(result: Written) -> None:
    result.edit(put("SeriesInstanceUID", "2.25.9"), 1)
    assert result.wrong()["identity"] == RECORDED
