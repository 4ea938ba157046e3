"""`medddim inspect`: what is there, and what would be refused."""

import json
import re

import nibabel
import numpy as np
import pytest

from medddim.formats import Derivation, read, write
from medddim.inference.speed import Speed
from medddim.metrics.noise import estimate_noise
from medddim.models import folder_of
from medddim.noise import noise_passport
from tests import studies
from tests.phantoms import head


def test_the_table_shows_geometry_and_noise(medddim, study):
    result = medddim("inspect", "study")
    assert result.exit_code == 0
    titles, head, series, note, *noise, then = result.stdout.splitlines()
    assert titles.split()[:3] == ["name", "format", "files"]
    assert ["head", "nifti", "1", "MR?", "volume", "48×44×6", "1×1×3"] == head.split()[:7]
    assert ["series", "dicom", "4", "MR", "volume", "64×64×4", "3×3×5"] == series.split()[:7]
    assert note.split()[:2] == ["note", "MR?:"]
    assert "taken for MR" in note
    labels = [line.split()[:2] for line in noise]
    assert labels == [["noise", "head:"], ["noise", "series:"], ["range", "series:"]]
    assert re.search(r" \d+\.\d% +mr-denoise-fast +\d+\.\d s$", head)
    assert "writes OUT/head.nii.gz" in then


def test_a_scan_that_enhance_refuses_as_out_of_range_is_said_to_be(medddim, tmp_path):
    scan = head((40, 48, 24), spacing_mm=(0.01, 0.01, 0.01))  # no pixels of an MR scan of people
    write(scan, tmp_path / "study", name="speck")
    shown = medddim("inspect", "study")
    (said,) = [line for line in shown.stdout.splitlines() if line.startswith("range")]
    assert said.startswith("range    speck: out of range: ")
    assert said.endswith("`enhance` refuses it without --force")
    assert "next" not in shown.stdout
    (row,) = map(json.loads, medddim("inspect", "study", "--json").stdout.splitlines())
    assert row["range"] == "out"
    refused = medddim("enhance", "study", "-o", "out", "--dry-run")
    assert refused.exit_code == 1
    assert row["warning"].partition(": ")[2] in refused.stdout


def test_a_result_of_medddim_is_said_to_be_one(medddim, study):
    made = Derivation("denoise", "AI denoised", {"model": "x"})
    write(read(study / "head.nii.gz"), study, name="done", derivation=made)
    lines = medddim("inspect", "study").stdout.splitlines()
    (said,) = [line for line in lines if "already enhanced by medddim" in line]
    assert said.split()[:2] == ["note", "done:"]
    rows = [json.loads(line) for line in medddim("inspect", "study", "--json").stdout.splitlines()]
    assert {row["name"]: row["made"] for row in rows} == {
        "done": "denoise",
        "head": "",
        "series": "",
    }


def test_a_ct_that_does_not_say_so_is_one(medddim, tmp_path):
    (tmp_path / "ct").mkdir()
    voxels = np.where(head().voxels[0] > 0, 40.0, -1000.0)
    voxels += np.random.default_rng(0).normal(0, 9, voxels.shape)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), tmp_path / "ct" / "silent.nii")
    (row,) = medddim("inspect", "ct", "--json").stdout.splitlines()
    reported = json.loads(row)
    assert (reported["modality"], reported["unit"]) == ("CT", "HU")
    assert reported["modality_guessed"]
    assert reported["model"] == "ct-denoise"
    assert reported["passport"]["level"] == pytest.approx(9, rel=0.05)
    _, row, note, *_ = medddim("inspect", "ct").stdout.splitlines()
    assert row.split()[3] == "CT?"
    assert note.endswith("taken for CT")


@pytest.mark.parametrize(("kind", "reason"), [("labels", "labels"), ("signed", "below 0")])
def test_what_only_the_voxels_show_is_refused_as_by_enhance(medddim, tmp_path, kind, reason):
    (tmp_path / "in").mkdir()
    voxels = head((60, 60, 12)).voxels[0]
    noise = np.random.default_rng(0).normal(0, 300, voxels.shape)
    data = np.digitize(voxels, [1, 300, 500]) if kind == "labels" else noise
    nibabel.save(nibabel.Nifti1Image(data.astype(np.float32), np.eye(4)), tmp_path / "in" / "x.nii")
    result = medddim("inspect", "in")
    assert result.exit_code == 1
    (line,) = result.stdout.splitlines()
    assert line.startswith("refused")
    assert reason in line


def test_json_holds_the_same_facts(medddim, study):
    rows = [json.loads(line) for line in medddim("inspect", "study", "--json").stdout.splitlines()]
    head, _ = rows
    assert head["noise_level"] == pytest.approx(0.1, rel=0.2)
    assert not head["modality_guessed"]
    assert head["shape"] == [48, 44, 6]
    assert (head["kind"], head["refusal"]) == ("volume", "")
    assert [row["result"] for row in rows] == ["head.nii.gz", "series/"]
    assert {row["model"] for row in rows} == {"mr-denoise-fast"}
    voxels = [np.prod(row["shape"]) for row in rows]
    assert [row["seconds"] for row in rows] == [
        pytest.approx(Speed.load(folder_of("mr-denoise-fast")).seconds(n), abs=0.05) for n in voxels
    ]
    passport = noise_passport(read(study / "head.nii.gz"))
    assert head["noise"] == pytest.approx(passport.level, rel=1e-3)
    assert head["passport"] == passport.facts | {"summary": passport.summary}
    assert passport.summary in medddim("inspect", "study").stdout


@pytest.mark.slow
def test_one_scan_has_one_noise(medddim, study):
    """What `inspect` shows is what `enhance` logs and puts on record."""
    voxels = np.where(head((64, 64, 8)).voxels[0] > 0, 40.0, -1000.0)
    voxels += np.random.default_rng(0).normal(0, 12, voxels.shape)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4)), study / "ct.nii")
    shown, planned = (
        [json.loads(line) for line in medddim(*verb, "--json").stdout.splitlines()]
        for verb in (("inspect", "study"), ("enhance", "study", "-o", "out", "--dry-run"))
    )
    levels = {row["name"]: row["noise_level"] for row in shown}
    assert levels == {one["name"]: one["facts"]["noise_level"] for one in planned}
    assert estimate_noise(read(study / "ct.nii").recognised()) == pytest.approx(
        1000 * levels["ct"], abs=0.01
    )
    table = medddim("inspect", "study").stdout
    log = medddim("enhance", "study", "-o", "out", "--dry-run").stdout
    for name in ("head", "series"):
        assert f"noise {levels[name]:.1%}" in log
        assert re.search(rf"^{name} .* {levels[name]:.1%} ", table, re.MULTILINE)
    assert f"noise {1000 * levels['ct']:.1f} HU" in log


def test_the_noise_line_is_in_words(medddim, tmp_path):
    """Nobody has to know what a taper or a whitened correlation is."""
    noise = np.random.default_rng(0).normal(0, 20, (96, 96, 6))
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    (tmp_path / "in").mkdir()
    nibabel.save(nibabel.Nifti1Image((1000 + noise).astype(np.float32), affine),
                 tmp_path / "in" / "even.nii")  # fmt: skip
    (line,) = [line for line in medddim("inspect", "in").stdout.splitlines() if "noise  " in line]
    assert "white: neighbouring voxels do not correlate" in line


@pytest.mark.parametrize("spoil", [studies.gap, studies.truncated, studies.not_nifti])
@pytest.mark.daily(1)
def test_what_would_be_refused_is_reported_in_one_line(medddim, study, spoil):
    spoil(study)
    result = medddim("inspect", "study")
    assert result.exit_code == 0  # the others can be enhanced
    assert result.stderr == ""
    assert len([line for line in result.stdout.splitlines() if line.startswith("refused")]) == 1
    rows = [json.loads(line) for line in medddim("inspect", "study", "--json").stdout.splitlines()]
    assert [bool(row["refusal"]) for row in rows].count(True) == 1
    assert [row["kind"] == "refused" for row in rows].count(True) == 1


def test_wide_tables_are_not_cut_where_nobody_watches(medddim, tmp_path):
    name = "a_very_long_name_of_a_scan_from_a_study_with_long_names_60"
    studies.nifti(tmp_path / "study", name)
    assert name in medddim("inspect", "study").stdout
