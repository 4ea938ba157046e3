"""Names of results by the user's template."""

from pathlib import Path

import pytest

from medddim import formats
from medddim.errors import RequestProblem
from medddim.formats.contract import Series
from medddim.formats.filename import filled
from tests import studies

SCAN = Series("nifti", "sub-01/anat/T1w", (Path("/d/sub-01/anat/T1w.nii.gz"),))
HEADER = {"SeriesNumber": ["7"], "SeriesDescription": ["t1/mprage sag"], "EchoNumber": ["2"]}


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("%b", "T1w"),
        ("%f_%b", "anat_T1w"),
        ("%s/%d_e%e", "7/t1_mprage_sag_e2"),
        ("%p%b", "T1w"),
        ("100%%", "100"),
        ("../%b", None),
    ],
)
def test_a_template_is_filled_with_safe_names(template: str, name: str | None) -> None:
    made = filled(template, SCAN, lambda series, wanted: HEADER)
    assert ".." not in made
    assert name in (None, made)


@pytest.mark.parametrize(("template", "message"), [("%n", "patient"), ("%i_%b", "patient"),
                                                ("%y", "expected of %b"), ("a//%b", "slashes"),
                                                ("%", "no meaning")])  # fmt: skip
def test_a_bad_template_is_refused_with_the_letters_there_are(template: str, message: str) -> None:
    with pytest.raises(RequestProblem, match=message):
        formats.find(filename=template)


def test_a_template_names_series_by_their_header(tmp_path: Path) -> None:
    studies.dicom(tmp_path / "in")
    studies.nifti(tmp_path / "in" / "deep")
    names = {one.name for one in formats.find(tmp_path, filename="%f/%b_%s")}
    assert {name.split("/")[0] for name in names} == {"in", "deep"}


def test_a_template_that_gives_two_scans_one_name_refuses_both(tmp_path: Path) -> None:
    studies.nifti(tmp_path, "one")
    studies.nifti(tmp_path, "two")
    first, second = formats.find(tmp_path, filename="scan")
    assert "2 scans would have the result" in first.refusal
    assert second.refusal
