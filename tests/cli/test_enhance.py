"""`medddim enhance`: a folder in, a folder out, as its README says."""

import json
import re
import shutil

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medddim import formats
from medddim.inference.enhancer import Enhancer
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


@pytest.mark.usefixtures("shipped_models")
def test_a_ct_tells_its_noise_in_hounsfield_units_and_keeps_to_their_range(enhance, tmp_path):
    (tmp_path / "ct").mkdir()
    shutil.copy(get_testdata_file("CT_small.dcm"), tmp_path / "ct")
    result = enhance(scans="ct", model="ct-denoise")
    assert re.search(r"^ok .* noise \d+(\.\d)? HU$", result.stdout, re.MULTILINE)
    (series,) = formats.find(tmp_path / "out")
    answer = formats.read(series)
    assert answer.unit == "HU"
    assert answer.voxels.min() >= -1024
    wrong = enhance(scans="ct", out="other", model="mr-denoise")
    assert wrong.exit_code == 1
    assert "the model mr-denoise is for MR and the scan is CT" in wrong.output


def test_the_answer_is_that_of_the_enhancer(enhance, study, model, tmp_path):
    enhance("--noise", "0.1", "--steps", "2", "--precision", "fp32")
    scan = formats.read(study / "head.nii.gz")
    expected = Enhancer.load(model, precision="fp32")(scan, steps=2, noise_share=0.1)
    answer = formats.read(tmp_path / "out" / "head.nii.gz")
    assert np.array_equal(answer.voxels, expected.voxels)


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
    assert result.stdout.count("made with other settings (steps 1); remove it or choose") == 2
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
    assert result.exit_code == 2
    assert "choose one beside it" in result.stderr
    assert studies.contents(study) == before


def test_a_dry_run_says_what_the_run_will_take_and_writes_nothing(enhance, tmp_path):
    result = enhance("--dry-run", "--memory", "8 GB")
    assert result.exit_code == 0
    needs, last = result.stdout.splitlines()[-2:]
    assert needs.endswith(" GB of memory in 1 process on cpu")
    assert last == "2 planned; nothing was written"
    assert "noise" in result.stdout
    for place in ("out/head.nii.gz", "out/series/"):
        assert f"to {place} by tiny, 1 step;" in result.stdout
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_json_is_all_there_is_on_stdout(enhance, study, more):
    studies.gap(study)
    result = enhance("--json", *more)
    assert result.exit_code == 1
    reported = {row["name"]: row for row in map(json.loads, result.stdout.splitlines())}
    good = "planned" if more else "ok"
    assert {name: row["status"] for name, row in reported.items()} == {
        "head": good, "series": good, "gap": "refused",
    }  # fmt: skip


def test_an_unknown_model_is_a_usage_error(enhance, tmp_path):
    result = enhance(model="nonsense")
    assert result.exit_code == 2
    assert "no model 'nonsense'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_altered_weights_are_refused_before_anything_is_written(enhance, model, tmp_path):
    broken = studies.copy(model, tmp_path / "broken")
    weights = broken / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-50])
    result = enhance(model=broken)
    assert result.exit_code == 3
    assert "weights.safetensors" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_device_that_is_not_there_is_a_problem_of_the_environment(enhance, tmp_path):
    result = enhance("--device", "mps")
    assert result.exit_code == 3
    assert "use the device auto" in result.stderr
    assert not (tmp_path / "out").exists()


def test_identity_hands_every_voxel_on(enhance, study, tmp_path):
    enhance(model="identity")
    for name in ("head.nii.gz", "series"):
        before, after = formats.read(study / name), formats.read(tmp_path / "out" / name)
        assert np.array_equal(after.voxels, before.voxels)


@pytest.fixture(scope="module")
def sampler(tmp_path_factory):
    return studies.sampler(tmp_path_factory.mktemp("sampler"))


def floats(path, of):
    """The frames of a Parametric Map, `(x, y, z)`, z as in the series `of` that it describes."""
    image = pydicom.dcmread(path)
    assert image.SOPClassUID.name == "Parametric Map Storage"
    places = [pydicom.dcmread(file).ImagePositionPatient for file in sorted(of.iterdir())]
    groups = image.PerFrameFunctionalGroupsSequence
    there = [group.PlanePositionSequence[0].ImagePositionPatient for group in groups]
    frames = np.frombuffer(image.FloatPixelData, "<f4")
    frames = frames.reshape(len(groups), image.Rows, image.Columns)
    return frames[[there.index(place) for place in places]].transpose(2, 1, 0)


def test_samples_are_their_mean_and_their_spread(enhance, medddim, study, sampler, tmp_path):
    how = ("--steps", "2", "--noise", "0.1", "--precision", "fp32")
    result = enhance(*how, "--samples", "3", "--seed", "7", model=sampler)
    assert (result.exit_code, result.stderr) == (0, "")
    out = tmp_path / "out"
    assert [name for name in studies.contents(out) if "+" in name] == [
        "head+uncertainty.nii.gz", "series+uncertainty.dcm",
    ]  # fmt: skip
    enhancer = Enhancer.load(sampler, precision="fp32")
    for name in ("head.nii.gz", "series"):
        scan = formats.read(study / name)
        sigma = float(0.1 * np.percentile(scan.voxels, 99.5))
        single = [enhancer(scan, steps=2, seed=7 + k, noise=sigma).voxels for k in range(3)]
        written = formats.read(out / name).voxels
        assert np.allclose(written, np.mean(single, axis=0), rtol=1e-4, atol=0.6)
        expected = np.std(single, axis=0, ddof=1)
        if name == "series":
            spread = floats(out / "series+uncertainty.dcm", out / "series")[None]
        else:
            spread = formats.read(out / "head+uncertainty.nii.gz").voxels
        assert np.allclose(spread, expected, rtol=1e-3, atol=0.01)
        assert expected.mean() > 1
    for scan in records(out):
        assert scan["job"]["samples"] == 3
        assert scan["facts"]["network_evaluations"] == 6
        assert sum("+uncertainty" in name for name in scan["outputs"]) == 1
    assert medddim("verify", "out").exit_code == 0
    assert "2 done before" in enhance(*how, "--samples", "3", "--seed", "7", model=sampler).stdout


def test_the_residual_is_what_was_changed_and_changes_nothing(enhance, medddim, study, tmp_path):
    enhance(out="plain")
    assert enhance("--residual").exit_code == 0
    out, plain = tmp_path / "out", tmp_path / "plain"
    assert (out / "head.nii.gz").read_bytes() == (plain / "head.nii.gz").read_bytes()
    for path in sorted((out / "series").iterdir()):
        one, other = pydicom.dcmread(path), pydicom.dcmread(plain / "series" / path.name)
        for keyword in ("SOPInstanceUID", "DerivationDescription", "PixelData"):
            assert one[keyword] == other[keyword]
    scan, result = formats.read(study / "head.nii.gz"), formats.read(out / "head.nii.gz")
    residual = formats.read(out / "head+residual.nii.gz")
    residual.require_same_grid(result)
    assert np.array_equal(residual.voxels, result.voxels - scan.voxels)
    assert (out / "series+residual.dcm").is_file()
    assert medddim("verify", "out").exit_code == 0


def test_a_residual_asked_for_later_is_added(enhance, tmp_path):
    enhance()
    before = studies.contents(tmp_path / "out")
    assert "2 ok" in enhance("--residual").stdout
    after = studies.contents(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--samples", "4", "--steps", "8"), "draws no noise"),
        (("--samples", "1"), "1 is not in the range"),
        (("--samples", "4", "--model", "identity"), "identity changes nothing"),
        (("--residual", "--model", "identity"), "identity changes nothing"),
        (("--factor", "2", "--model", "identity"), "identity changes nothing"),
        (("--steps", "5", "--model", "identity"), "identity changes nothing"),
        (("--samples", "4", "--steps", "1", "--model", "mr-denoise-vp"), "more than 1 step"),
    ],
)
def test_maps_that_cannot_be_are_a_usage_error(enhance, tmp_path, more, message):
    result = enhance(*more)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


def test_results_with_maps_are_scans_to_the_other_verbs(enhance, medddim, tmp_path):
    enhance("--residual")
    reported = medddim("inspect", "out", "--json").stdout.splitlines()
    assert sorted(json.loads(line)["name"] for line in reported) == ["head", "series"]
    assert medddim("evaluate", "out", "out", "-o", "scores").exit_code == 0
