"""`--select`: rules choose series, show no value, and say what is wrong with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medddim import formats
from medddim.formats.select import Rule

SERIES = {
    "Modality": ["MR"],
    "SeriesDescription": ["Ax T2 FLAIR"],
    "EchoTime": ["80.0"],
    "ImageType": ["ORIGINAL", "PRIMARY", "M"],
}


@pytest.mark.parametrize(
    ("rule", "chosen"),
    [
        ("", True),
        ("Modality=MR", True),
        ("Modality=CT", False),
        ("Modality!=CT", True),
        ("Modality = MR", True),
        ("SeriesDescription~t2", True),
        ("SeriesDescription~^t2", False),
        ("SeriesDescription~'t2 flair$'", True),
        ('SeriesDescription="Ax T2 FLAIR"', True),
        ("SeriesDescription=Ax", False),
        ("EchoTime=80", True),
        ("EchoTime=81", False),
        ("ImageType=M", True),
        ("ImageType!=M", False),
        ("ImageType!=P", True),
        ("ProtocolName=x", False),
        ("ProtocolName!=x", True),
        ("ProtocolName~.", False),
        ("Modality=MR and SeriesDescription~T2", True),
        ("Modality=MR AND SeriesDescription~T2 and EchoTime=90", False),
        ("SeriesDescription~'T2 and'", False),
    ],
)
def test_a_rule_holds_or_not(rule: str, *, chosen: bool) -> None:
    assert Rule.parse(rule).holds(SERIES) is chosen


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("Modality", "expected a condition at 'Modality'"),
        ("=MR", "expected a condition"),
        ("Modality=", "expected a condition"),
        ("Modality=MR SeriesDescription~T2", "expected `and`"),
        ("Modality=MR and", "expected `and` and another condition"),
        ("Modality=MR or Modality=CT", "expected `and`"),
        ("Modality>MR", "expected a condition"),
        ("Modality='MR", "expected a condition"),
        ("SeriesDescription~[", "no regular expression"),
        ("SeriesDescripton~T2", "did you mean SeriesDescription?"),
        ("nonsense_x=1", "no DICOM keyword"),
    ],
)
def test_what_is_wrong_is_reported_with_the_grammar(rule: str, message: str) -> None:
    with pytest.raises(ValueError, match="a rule is one condition") as caught:
        Rule.parse(rule)
    assert message in str(caught.value)


@pytest.fixture
def mixed(scanner: Any, nifti_file: Callable[..., Path]) -> Path:
    """T1, T2 and CT as DICOM, a NIfTI with sidecar, a segmentation, and a broken file."""
    for number, (name, modality) in enumerate((("T1", "MR"), ("T2", "MR"), ("thorax", "CT"))):
        uid = f"2.25.50{number}"
        attributes = {"SeriesInstanceUID": uid, "SeriesDescription": f"ax {name}"}
        scanner.store(scanner.slices(2, modality=modality, **attributes), to=name)
    segmentation = {"SeriesInstanceUID": "2.25.60", "Modality": "SEG"}
    scanner.store(scanner.slices(1, **segmentation), to="seg")
    path = nifti_file("nii.nii.gz")
    path.with_name("nii.json").write_text('{"Modality": "MR", "SeriesDescription": "sag T2"}')
    (path.parent / "broken.dcm").write_bytes(b"no DICOM")
    return path.parent


@pytest.mark.daily(4)
@pytest.mark.parametrize(
    ("rule", "names"),
    [
        ("Modality=MR", {"nii", "T1", "T2"}),
        ("modality=MR", {"nii", "T1", "T2"}),
        ("SeriesDescription~T2", {"nii", "T2"}),
        ("Modality=MR and SeriesDescription~T2 and format=dicom", {"T2"}),
        ("PatientName~ZZPHI", {"T1", "T2", "thorax", "seg"}),
        ("name=thorax", {"thorax"}),
        ("Modality!=SEG and format!=nifti", {"T1", "T2", "thorax"}),
    ],
)
def test_series_are_chosen_by_their_header(mixed: Path, rule: str, names: set[str]) -> None:
    found = formats.find(mixed, select=rule)
    shown = {series.name for series in found} - {"broken"}
    assert shown == names
    assert "ZZPHI" not in repr(found)


def test_what_cannot_be_read_is_never_dropped_in_silence(mixed: Path) -> None:
    assert "broken" in [series.name for series in formats.find(mixed, select="Modality=MR")]


def test_a_choice_does_not_change_names(mixed: Path) -> None:
    every = {series.files: series.name for series in formats.find(mixed)}
    for series in formats.find(mixed, select="Modality=MR"):
        assert every[series.files] == series.name
