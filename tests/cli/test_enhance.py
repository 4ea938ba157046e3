"""`medddim enhance`: a folder in, a folder out, as its README says."""

import json

import numpy as np
import pydicom
import pytest

from medddim import formats
from medddim.enhancer import Enhancer
from tests import studies


@pytest.fixture
def enhance(medddim, study, model):
    """Run `medddim enhance study -o out --model MODEL` and more."""

    def run(*more, scans="study", out="out", model=model):
        return medddim("enhance", scans, "-o", out, "--model", model, *more)

    return run


def records(out):
    return [json.loads(line) for line in (out / "medddim.jsonl").read_text().splitlines()]


def test_a_study_comes_out_in_its_own_formats(enhance, study, tmp_path):
    result = enhance()
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "2 ok; see out/medddim.json"
    names = list(studies.contents(tmp_path / "out"))
    assert names == ["head.nii.gz", *(f"series/000{n}.dcm" for n in range(1, 5))]
    for name in ("head.nii.gz", "series"):
        before, after = formats.read(study / name), formats.read(tmp_path / "out" / name)
        after.require_same_grid(before)
        assert not np.allclose(after.voxels, before.voxels)


def test_the_answer_is_that_of_the_enhancer(enhance, study, model, tmp_path):
    enhance("--noise", "0.1", "--steps", "2", "--precision", "fp32")
    scan = formats.read(study / "head.nii.gz")
    sigma = 0.1 * np.percentile(scan.voxels, 99.5)
    expected = Enhancer.load(model, precision="fp32")(scan, steps=2, noise=float(sigma))
    answer = formats.read(tmp_path / "out" / "head.nii.gz")
    assert np.allclose(answer.voxels, expected.voxels, rtol=1e-5, atol=1e-3)


def test_the_same_command_gives_the_same_bytes_and_identifiers(enhance, tmp_path):
    for out in ("one", "two"):
        assert enhance("--steps", "2", out=out).exit_code == 0
    one, two = tmp_path / "one", tmp_path / "two"
    assert (one / "head.nii.gz").read_bytes() == (two / "head.nii.gz").read_bytes()
    for path in sorted((one / "series").iterdir()):
        first, second = pydicom.dcmread(path), pydicom.dcmread(two / "series" / path.name)
        assert first.SOPInstanceUID == second.SOPInstanceUID
        assert first.SeriesInstanceUID == second.SeriesInstanceUID
        assert first.PixelData == second.PixelData


def test_the_record_says_what_was_found_and_how_it_was_made(enhance, tmp_path):
    enhance("--seed", "5", "--steps", "2")
    manifest = json.loads((tmp_path / "out" / "medddim.json").read_text())
    assert manifest["device"] == "cpu"
    for scan in manifest["scans"]:
        assert scan["facts"]["network_evaluations"] == 2
        assert 0 < scan["facts"]["noise_level"] < 1
        assert scan["job"] == manifest["job"]
    assert {key: manifest["job"][key] for key in ("kind", "model", "steps", "seed")} == {
        "kind": "denoise", "model": "tiny", "steps": 2, "seed": 5,
    }  # fmt: skip
    assert len(manifest["job"]["model_sha256"]) == 64
    assert records(tmp_path / "out") == manifest["scans"]


def test_noise_outside_the_training_range_is_said(enhance, tmp_path):
    result = enhance("--noise", "0.5")
    assert result.exit_code == 0
    assert "noise of 50.00% lies outside 5.0% to 15.0%" in result.stdout
    assert all("warning" in record["facts"] for record in records(tmp_path / "out"))


def test_the_same_command_again_does_nothing(enhance, tmp_path):
    enhance()
    before = studies.contents(tmp_path / "out")
    result = enhance()
    assert result.exit_code == 0
    assert "2 done before" in result.stdout
    assert studies.contents(tmp_path / "out") == before


def test_other_settings_into_the_same_folder_are_refused(enhance, tmp_path):
    enhance()
    before = studies.contents(tmp_path / "out")
    result = enhance("--steps", "2")
    assert result.exit_code == 1
    assert result.stdout.count("made with other settings; remove it or choose another folder") == 2
    assert studies.contents(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (studies.gap, "1 slice missing"),
        (studies.truncated, "cut.nii.gz: "),
        (studies.not_nifti, "text.nii.gz: "),
    ],
)
def test_a_bad_scan_is_one_line_and_no_output(enhance, study, tmp_path, spoil, reason):
    spoil(study)
    result = enhance(model="identity")
    assert result.exit_code == 1
    assert result.stderr == ""
    lines = [line for line in result.stdout.splitlines() if line.startswith("refused")]
    assert len(lines) == 1
    assert reason in lines[0]
    assert {name.split("/")[0] for name in studies.contents(tmp_path / "out")} == {
        "head.nii.gz", "series",
    }  # fmt: skip


@pytest.mark.parametrize("out", ["study", "study/better"])
def test_results_never_land_in_the_study(enhance, study, out):
    before = studies.contents(study)
    result = enhance(model="identity", out=out)
    assert result.exit_code == 1
    assert "choose one beside it" in result.stderr
    assert studies.contents(study) == before


def test_a_dry_run_loads_no_network_and_writes_nothing(enhance, tmp_path, monkeypatch):
    monkeypatch.setattr(Enhancer, "load", lambda *args, **more: pytest.fail("loaded"))
    result = enhance("--dry-run")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "2 planned; nothing was written"
    assert "noise" in result.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_json_is_all_there_is_on_stdout(enhance, study, more):
    studies.gap(study)
    result = enhance("--json", *more)
    assert result.exit_code == 1
    told = {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}
    good = "planned" if more else "ok"
    assert {name: row["status"] for name, row in told.items()} == {
        "head": good, "series": good, "gap": "refused",
    }  # fmt: skip


def test_an_unknown_model_is_a_problem_of_the_environment(enhance, tmp_path):
    result = enhance(model="nonsense")
    assert result.exit_code == 3
    assert "no model 'nonsense'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_altered_weights_are_refused_before_anything_is_written(enhance, model, tmp_path):
    broken = studies.copy(model, tmp_path / "broken")
    weights = broken / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    result = enhance(model=broken)
    assert result.exit_code == 3
    assert result.stderr.startswith("medddim: broken/weights.safetensors") or (
        "weights.safetensors" in result.stderr
    )
    assert not (tmp_path / "out").exists()


def test_a_device_that_is_not_there_is_a_problem_of_the_environment(enhance, tmp_path):
    result = enhance("--device", "mps")
    assert result.exit_code == 3
    assert "--device auto" in result.stderr
    assert not (tmp_path / "out").exists()


def test_identity_hands_every_voxel_on(enhance, study, tmp_path):
    enhance(model="identity")
    for name in ("head.nii.gz", "series"):
        before, after = formats.read(study / name), formats.read(tmp_path / "out" / name)
        assert np.array_equal(after.voxels, before.voxels)
