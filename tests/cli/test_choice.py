"""`--select`, `--on-gap`, `--on-tilt` and zip files: the same for every verb that takes scans."""

import json
import os
import zipfile

import numpy as np
import pydicom
import pytest

from medddim import formats
from tests import studies

VERBS = (("inspect",), ("enhance", "-o", "out", "--model", "identity"),
         ("degrade", "-o", "out", "--as", "rician"))  # fmt: skip


def names(result):
    return [json.loads(line)["name"] for line in result.stdout.splitlines()]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_rule_chooses_scans(medddim, study, verb):
    result = medddim(*verb, "study", "--json", "--select", "Modality=MR and format=dicom")
    assert result.exit_code == 0
    assert names(result) == ["series"]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
def test_a_rule_leaves_scans_out(medddim, study, verb):
    result = medddim(*verb, "study", "--json", "--exclude", "format=dicom")
    assert result.exit_code == 0
    assert names(result) == ["head"]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.daily(1)
def test_a_file_that_does_not_say_its_modality_is_chosen_as_what_it_is_taken_for(
    medddim, study, verb
):
    result = medddim(*verb, "study", "--json", "--select", "Modality=MR")
    assert names(result) == ["head", "series"]


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_quiet_prints_problems_alone(medddim, study, dry):
    asked = ("enhance", "study", "-o", "out", "--model", "identity", "--quiet", *dry)
    assert medddim(*asked).output == ""
    studies.gap(study)
    again = medddim(*asked)
    assert again.exit_code == 1
    assert again.stdout.startswith("refused")
    assert again.stdout.count("\n") == 1


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb[0])
@pytest.mark.parametrize("rule", ["Modality", "SeriesDescripton~T2", "SeriesDescription~["])
def test_a_bad_rule_is_a_usage_error_that_shows_the_grammar(medddim, study, verb, rule):
    result = medddim(*verb, "study", "--select", rule)
    assert result.exit_code == 2
    assert "ATTRIBUTE~PATTERN" in result.stderr
    assert not (study.parent / "out").exists()


def test_a_rule_that_chooses_nothing_says_how_many_there_were(medddim, study):
    result = medddim("inspect", "study", "--select", "Modality=CT")
    assert result.exit_code == 1
    assert "--select chose none of the 2 series in study" in result.stderr


def test_an_interpolated_slice_is_reported_everywhere(medddim, tmp_path):
    studies.gap(tmp_path / "study")
    refused = medddim("inspect", "study")
    assert refused.exit_code == 1
    assert "1 slice missing" in refused.stdout
    assert "--on-gap" in refused.stdout
    shown = medddim("inspect", "study", "--on-gap", "interpolate")
    assert shown.exit_code == 0
    assert "repaired gap: 1 slice interpolated" in shown.stdout
    result = medddim("enhance", "study", "-o", "out", "--model", "identity",
                     "--on-gap", "interpolate", "--json")  # fmt: skip
    assert result.exit_code == 0
    facts = json.loads(result.stdout)["facts"]
    assert "1 slice interpolated" in facts["warning"]
    assert facts["repairs"] == [facts["warning"]]
    assert formats.read(tmp_path / "out" / "gap").shape[2] == 4
    written = pydicom.dcmread(tmp_path / "out" / "gap" / "0002.dcm")
    assert "1 slice interpolated" in written.DerivationDescription


def test_a_split_series_is_two_results(medddim, tmp_path):
    series = studies.dicom(tmp_path / "study", "gap")
    for number in (5, 6, 7, 8):
        source = studies.SAMPLES / "phantom_mr_dicom" / f"IM{number + 1:04d}.dcm"
        dataset = pydicom.dcmread(source)
        first = pydicom.dcmread(series / "IM0001.dcm")
        dataset.SeriesInstanceUID, dataset.PatientID = first.SeriesInstanceUID, first.PatientID
        dataset.save_as(series / source.name)
    result = medddim("enhance", "study", "-o", "out", "--model", "identity",
                     "--on-gap", "split", "--json")  # fmt: skip
    assert result.exit_code == 0
    assert names(result) == ["gap_part1", "gap_part2"]
    again = medddim("enhance", "study", "-o", "out", "--model", "identity", "--on-gap", "split")
    assert again.stdout.count("done before") == 3  # two lines and the sum


def test_a_tilt_is_resampled(medddim, tmp_path):
    for path in sorted(studies.dicom(tmp_path / "study", "tilt").iterdir()):
        dataset = pydicom.dcmread(path)
        x, y, z = map(float, dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, y + 0.3 * z, z]
        dataset.save_as(path)
    refused = medddim("inspect", "study")
    assert (refused.exit_code, "--on-tilt resample" in refused.stdout) == (1, True)
    shown = medddim("inspect", "study", "--on-tilt", "resample")
    assert shown.exit_code == 0
    assert "degrees resampled to a right-angled grid" in shown.stdout


def test_a_zip_gives_what_its_files_give(medddim, study, tmp_path):
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for path in study.rglob("*.*"):
            archive.write(path, path.relative_to(study))
    command = ("enhance", "-o", "out", "--model", "identity")
    assert medddim(*command, "study.zip").exit_code == 0
    for name in ("head.nii.gz", "series"):
        plain, unpacked = (formats.read(folder / name) for folder in (study, tmp_path / "out"))
        np.testing.assert_array_equal(unpacked.voxels, plain.voxels)
    assert medddim(*command, "study.zip").stdout.count("done before") == 3
    record = json.loads((tmp_path / "out" / "medddim.json").read_text())
    inputs = [name for scan in record["scans"] for name in scan["inputs"]]
    assert inputs
    assert all(name.startswith("study.zip/") for name in inputs)


def test_stacks_are_shown_as_stacks(medddim, tmp_path):
    series = studies.dicom(tmp_path / "study", "echoes")
    for path in sorted(series.iterdir()):
        dataset = pydicom.dcmread(path)
        dataset.EchoTime = "9"
        dataset.SOPInstanceUID += ".2"
        dataset.save_as(series / f"second_{path.name}")
    result = medddim("inspect", "study")
    assert result.exit_code == 0
    assert "stack of 2 by EchoTime  64×64×4" in result.stdout
    row = json.loads(medddim("inspect", "study", "--json").stdout)
    assert (row["kind"], row["stacked_by"], row["channels"]) == ("stack of 2", "EchoTime", 2)


def test_threads_are_a_number_that_torch_and_the_libraries_take(medddim, study, monkeypatch):
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "7")  # and puts back what was
    asked = ("enhance", "study", "-o", "out", "--model", "identity", "--threads")
    assert medddim(*asked, 1).exit_code == 0
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert medddim(*asked, 0).exit_code == 2
