"""Names of results mirror those of the input, and are safe and distinct."""

from pathlib import Path

import pytest

from medddim import formats
from medddim.formats.contract import Series
from medddim.formats.naming import LONGEST_NAME, relative_name, safe_name, with_distinct_names

HOSTILE = ["../../etc/passwd", "a b;rm -rf ~", "$(x)", "\0\n\t", "..", ".", "", "-", "con\\nul",
           "é" * 300, "x" * 300, "名前", ".hidden", "a\u202eb"]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_gives_a_safe_name(text: str) -> None:
    name = safe_name(text)
    assert 0 < len(name) <= LONGEST_NAME
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert name[0] not in ".-"


@pytest.mark.parametrize("name", ["medddim.json", "MEDDDIM.jsonl", "medddim.lock"])
def test_no_result_takes_the_name_of_a_record(name: str) -> None:
    assert safe_name(name) == f"_{name}"
    assert safe_name(safe_name(name)) == f"_{name}"


def test_a_name_mirrors_the_place_below_the_root(tmp_path: Path) -> None:
    assert relative_name(tmp_path / "sub-01" / "anat" / "T1w", tmp_path) == "sub-01_anat_T1w"
    assert relative_name(tmp_path, tmp_path) == tmp_path.name


def test_equal_names_are_told_apart_whatever_their_case() -> None:
    paths = [Path("/a/scan.nii"), Path("/a/scan.nii.gz"), Path("/A/SCAN.nii"), Path("/c/other.nii")]
    series = [Series("nifti", path.name.split(".")[0], (path,)) for path in paths]
    names = [one.name for one in with_distinct_names(series)]
    assert len({name.lower() for name in names}) == 4
    assert names[3] == "other"
    assert names[0].startswith("scan-")
    assert names == [one.name for one in with_distinct_names(series)]


def test_scans_of_one_name_are_told_apart_by_their_folders() -> None:
    paths = [Path("/fs/anna/T1.nii"), Path("/fs/berta/T1.nii"), Path("/fs/berta/T2.nii")]
    series = [Series("nifti", path.stem, (path,)) for path in paths]
    names = [one.name for one in with_distinct_names(series)]
    assert names == ["anna_T1", "berta_T1", "T2"]


def test_a_bids_name_is_kept_whole(tmp_path: Path) -> None:
    run = tmp_path / "sub-CC110033/ses-baseline/anat/sub-CC110033_ses-baseline_run-01_T1w"
    assert relative_name(run, tmp_path).endswith("_run-01_T1w")


def test_a_path_given_twice_is_found_once(nifti_file: object, tmp_path: Path) -> None:
    path = nifti_file("sub/scan.nii")  # type: ignore[operator]
    (series,) = formats.find(path, tmp_path, path.parent)
    assert series.files == (path,)
