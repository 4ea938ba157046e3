"""Results among other tools: descriptions, what headers hand on, what was clipped."""

import fnmatch
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.batch import validators
from medddim.formats import Derivation
from medddim.formats.dicom.keep import kept
from tests.formats import enhanced
from tests.formats.dicom.test_order import acquired, assert_in_order, stored

IDENTITY = Derivation("identity", "Nothing was changed.")
DENOISE = Derivation("denoise", "Noise lowered.", {"model": "m"})


def code(value: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "SCT", meaning
    return item


def test_parts_of_a_split_series_are_separated(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(9, SeriesDescription="head")
    del slices[4]
    parts = formats.find(scanner.store(slices), on_gap="split")
    volumes = [formats.read(part) for part in parts]
    first = [
        pydicom.dcmread(formats.write(one, tmp_path, name=str(n), derivation=DENOISE)[0])
        for n, one in enumerate(volumes)
    ]
    described = [one.SeriesDescription for one in first]
    assert described == ["head - part 1, AI denoised", "head - part 2, AI denoised"]
    assert [one.SeriesNumber for one in first] == [701, 731]


def test_no_rule_that_takes_the_result_takes_its_map(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3, SeriesDescription="T1w")
    volume = formats.read(scanner.store(slices))
    written = formats.write(volume, tmp_path, name="x", derivation=DENOISE)
    (map_,) = formats.write_map(volume, tmp_path, of=written, quantity="residual")
    result, about = (pydicom.dcmread(one).SeriesDescription for one in (written[0], map_))
    for rule in (result, f"*{result}*", "T1*", "*AI denoised*"):
        assert fnmatch.fnmatch(result, rule)
        assert not fnmatch.fnmatch(about, rule)
    assert not fnmatch.fnmatch("T1w", result)


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        ("AcquisitionDate", "00010101", None),
        ("DateOfLastCalibration", "2024", None),
        ("AcquisitionTime", "***", None),
        ("PatientAge", "22Y", "022Y"),
        ("PatientAge", "old", None),
        ("BodyPartExamined", "Head", "HEAD"),
        ("ScanOptions", "", ""),
        ("SequenceName", "", None),
        ("SpacingBetweenSlices", "-3", None),
        ("SpacingBetweenSlices", "3", "3"),
        ("AnatomicRegionSequence", [], None),
        ("PatientBirthDate", "00010101", "00010101"),  # of the patient: one for all of a study
        ("ContrastBolusAgent", "", ""),  # type 2 in its module
    ],
)
def test_what_is_invalid_and_optional_goes(keyword: str, value: Any, expected: Any) -> None:
    dataset = Dataset()
    with pydicom.config.disable_value_validation():
        setattr(dataset, keyword, value)
        found = kept(dataset).get(keyword)
    assert (None if found is None else str(found)) == expected


@pytest.mark.parametrize(
    ("region", "said"), [(("69536005", "Head"), False), (("72696002", "Knee"), True)]
)
def test_laterality_follows_the_region(
    scanner: Any, tmp_path: Path, *, region: tuple[str, str], said: bool
) -> None:
    slices = scanner.slices(2, AnatomicRegionSequence=[code(*region)])
    (first, _) = formats.write(
        formats.read(scanner.store(slices)), tmp_path, name="x", derivation=IDENTITY
    )
    assert ("Laterality" in pydicom.dcmread(first)) == said


def test_a_trigger_time_without_a_trigger_stays_behind(scanner: Any, tmp_path: Path) -> None:
    """Of multi-frame functional MR it counts from the begin; dcm2niix splits a series by it."""
    marks = [{"TemporalPositionIdentifier": n, "TriggerTime": str(3000 * n)} for n in (1, 2)]
    made = acquired(scanner, marks)
    volume = formats.read(stored(scanner, made, "one file"))
    written = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert "TriggerTime" not in pydicom.dcmread(written[0])
    assert_in_order(formats.read(tmp_path / "out"), made)
    path = scanner.folder / "cine.dcm"
    every = [dataset for stack in made for dataset in stack]
    for dataset in every:
        dataset.CardiacSynchronizationTechnique = "RETROSPECTIVE"
    enhanced.store(every, path)
    written = formats.write(formats.read(path), tmp_path / "b", name="x", derivation=IDENTITY)
    assert "TriggerTime" in pydicom.dcmread(written[0])


def test_a_copy_that_was_clipped_is_still_one(scanner: Any, tmp_path: Path) -> None:
    """Cubic interpolation goes below air, the stored type of CT from -1024 does not."""
    slices = scanner.slices(
        6, modality="CT", shape=(24, 24), RescaleSlope="1", RescaleIntercept="-1024"
    )
    for k, dataset in enumerate(slices):
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y + 0.7 * k, z]
    volume = formats.read(scanner.store(slices), on_tilt="resample")
    with pytest.warns(UserWarning, match="clipped to the stored range"):
        written = formats.write(volume, tmp_path, name="x", derivation=IDENTITY)
    assert written.clipped
    problems = formats.check(written, volume, derivation=IDENTITY, format="dicom")
    assert not problems["values"]


@pytest.mark.parametrize(("level", "said"), [(0.1, True), (0.9, False)])
def test_coarse_integers_are_described(
    scanner: Any, tmp_path: Path, *, level: float, said: bool
) -> None:
    slices = scanner.slices(3)
    for dataset in slices:
        dataset.PixelData = scanner.rng.integers(0, 4, 35).astype("<u2").tobytes()
    noisy = Derivation("denoise", "Noise lowered.", {"noise_level": level})
    volume = formats.read(scanner.store(slices))
    written = formats.write(volume, tmp_path, name="x", derivation=noisy)
    text = pydicom.dcmread(written[0]).DerivationDescription
    assert bool(written.notes) == ("Rounded to the integers of the source" in text) == said


def test_faults_of_the_source_are_set_apart() -> None:
    found = "Missing attribute (Laterality) (3 files); Bad value (PatientAge) (3 files)"
    mine, theirs = validators.set_apart(found, "Bad value (PatientAge) (1 files)")
    assert (mine, theirs) == (
        "Missing attribute (Laterality) (3 files)",
        "Bad value (PatientAge)",
    )
    assert validators.set_apart("", "") == ("", "")


def test_a_uih_vframe_is_named(scanner: Any) -> None:
    slices = scanner.slices(1, ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"])
    del slices[0].ImagePositionPatient
    (series,) = formats.find(scanner.store(slices))
    assert "a UIH VFRAME: many slices tiled in one image" in series.refusal
