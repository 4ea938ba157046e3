"""Names of results mirror those of the input, and are safe and distinct."""

from dataclasses import replace
from pathlib import Path
from typing import Any

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


@pytest.mark.parametrize("text", ["Kopf M\u00fcller", "Kopf Mu\u0308ller"])
def test_letters_lose_their_accents_alone(text: str) -> None:
    assert safe_name(text) == "Kopf_Muller"  # as Linux and as macOS spell it


@pytest.mark.parametrize("name", ["medddim.json", "MEDDDIM.jsonl", "medddim.lock"])
def test_no_result_takes_the_name_of_a_record(name: str) -> None:
    assert safe_name(name) == f"_{name}"
    assert safe_name(safe_name(name)) == f"_{name}"


def test_a_name_mirrors_the_place_below_the_root(tmp_path: Path) -> None:
    assert relative_name(tmp_path / "sub-01" / "anat" / "T1w", tmp_path) == "sub-01/anat/T1w"
    assert relative_name(tmp_path, tmp_path) == tmp_path.name


def test_equal_names_below_one_folder_are_kept_apart_whatever_their_case() -> None:
    paths = [Path("/a/scan.nii"), Path("/a/scan.nii.gz"), Path("/a/SCAN.nii"), Path("/a/other.nii")]
    series = [Series("nifti", path.name.split(".")[0], (path,)) for path in paths]
    found = with_distinct_names(series, [Path("/a")])
    names = [one.name for one in found]
    assert len({name.lower() for name in names}) == 4
    assert names[3] == "other"
    assert names[0].startswith("scan-")
    assert not any(one.refusal for one in found)
    moved = [replace(one, files=(Path("/b", one.files[0].name),)) for one in series]
    assert names == [one.name for one in with_distinct_names(moved, [Path("/b")])]


def test_scans_of_one_name_given_apart_are_refused_with_the_way_out() -> None:
    paths = [Path("/fs/anna/T1.nii"), Path("/fs/berta/T1.nii"), Path("/fs/berta/T2.nii")]
    series = [Series("nifti", path.stem, (path,)) for path in paths]
    anna, berta, other = with_distinct_names(series, [path.parent for path in paths])
    assert (anna.name, berta.name, other.name) == ("T1", "T1", "T2")
    assert "/fs/anna/T1.nii, /fs/berta/T1.nii" in anna.refusal
    assert "-f %f_%b" in berta.refusal
    assert other.refusal == ""


def test_names_do_not_depend_on_what_else_is_given(nifti_file: Any) -> None:
    for place in ("A/sub-01/anat/T1w.nii", "B/sub-02/anat/T1w.nii", "B/sub-02.nii"):
        root = nifti_file(place).parents[place.count("/")]
    first, second = root / "A", root / "B"
    alone, both = formats.find(first), formats.find(first, second)
    assert [one.name for one in alone] == ["sub-01/anat/T1w"]
    assert {one.name for one in both} == {"sub-01/anat/T1w", "sub-02/anat/T1w", "sub-02"}


def test_a_bids_name_is_kept_whole(tmp_path: Path) -> None:
    run = tmp_path / "sub-CC110033/ses-baseline/anat/sub-CC110033_ses-baseline_run-01_T1w"
    assert relative_name(run, tmp_path).endswith("_run-01_T1w")


def test_a_path_given_twice_is_found_once(nifti_file: object, tmp_path: Path) -> None:
    path = nifti_file("sub/scan.nii")  # type: ignore[operator]
    (series,) = formats.find(path, tmp_path, path.parent)
    assert series.files == (path,)
