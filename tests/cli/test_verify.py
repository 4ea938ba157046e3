"""`medddim verify`: a table, or a line of JSON a result; exit code 1 where something is wrong."""

import json

import pytest

from medddim.batch import validators
from tests import studies


@pytest.fixture
def out(medddim, study, tmp_path):
    """`out/`: the study, copied by a run."""
    assert medddim("enhance", "study", "-o", "out", "--model", "identity").exit_code == 0
    return tmp_path / "out"


def test_sound_results_are_a_table_of_ok(medddim, out):
    result = medddim("verify", "out")
    assert result.exit_code == 0
    assert result.stderr == ""
    titles, *rows = result.stdout.splitlines()
    assert titles.split()[:2] == ["result", "files"]
    assert [row.split()[0] for row in rows[:3]] == ["medddim.json", "head", "series"]
    assert "WRONG" not in result.stdout
    assert "results: 2 sound, 0 wrong; record: 1 sound, 0 wrong" in rows


def test_a_wrong_result_is_named_with_what_is_wrong(medddim, out):
    (out / "series" / "0002.dcm").unlink()
    result = medddim("verify", "out")
    assert result.exit_code == 1
    assert "wrong  series: files: series/0002.dcm is missing" in result.stdout
    assert "results: 1 sound, 1 wrong; record: 1 sound, 0 wrong" in result.stdout


def test_the_record_is_no_result(medddim, out):
    record = out / "medddim.json"
    record.write_text(record.read_text().replace('"scans_given": 2', '"scans_given": 3'))
    result = medddim("verify", "out")
    assert result.exit_code == 1
    assert "results: 2 sound, 0 wrong; record: 0 sound, 1 wrong" in result.stdout


def test_json_is_one_line_a_result(medddim, out):
    (out / "head.nii.gz").write_bytes(b"")
    result = medddim("verify", "out", "--json")
    reported = {line["name"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert {name: line["good"] for name, line in reported.items()} == {
        "medddim.json": True, "head": False, "series": True,
    }  # fmt: skip
    assert "altered" in reported["head"]["topics"]["files"]
    assert result.exit_code == 1


def test_what_is_not_installed_is_said_in_one_line(medddim, out, monkeypatch):
    monkeypatch.setattr(validators, "missing", lambda: ["dcentvfy"])
    result = medddim("verify", "out")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == (
        "not checked: dcentvfy, not installed (Debian: dicom3tools)"
    )


def test_a_folder_of_no_run_is_one_line(medddim, tmp_path):
    studies.nifti(tmp_path / "study")
    result = medddim("verify", "study")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("medddim: study/medddim.json: expected the manifest of a run")
