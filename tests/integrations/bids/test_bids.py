"""`medddim bids`: a data set in, a derivative out, judged by pybids and the BIDS validator."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from bids import BIDSLayout
from click.testing import CliRunner

from medddim.cli import main
from medddim.cli.bids import repeated
from medddim.integrations.bids.participants import described
from tests import studies

IMAGES = 15
VALIDATOR = shutil.which("bids-validator-deno", path=Path(sys.executable).parent)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A checkpoint folder of an untrained network."""
    return str(studies.model(tmp_path_factory.mktemp("model")))


def bids(raw, out, *more, model="identity"):
    arguments = ["bids", str(raw), str(out), "participant", "--model", model, *more]
    return CliRunner().invoke(main, arguments)


def errors(root, *more):
    """What the validator calls an error."""
    command = [VALIDATOR, "--format", "json", *more, str(root)]
    quiet = os.environ | {"DENO_NO_UPDATE_CHECK": "1"}
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=quiet).stdout
    issues = json.loads(said)["issues"]["issues"]
    return [(one["code"], one.get("location")) for one in issues if one["severity"] == "error"]


@pytest.mark.slow
def test_a_derivative_that_pybids_and_the_validator_understand(raw, model):
    out = raw / "derivatives" / "medddim"
    result = bids(raw, out, model=model)
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"{IMAGES} ok; see {out}\n")
    layout = BIDSLayout(raw, derivatives=out)
    found = layout.get(scope="derivatives", desc="denoised", extension="nii.gz")
    assert len(found) == IMAGES
    assert {file.entities["suffix"] for file in found} == {"T1w", "T2w", "FLAIR", "dwi", "bold"}
    for file in found:
        source = file.path.replace("derivatives/medddim/", "").replace("_desc-denoised", "")
        ours, theirs = nib.load(file.path), nib.load(source)
        assert ours.shape == theirs.shape
        assert not np.array_equal(ours.get_fdata(), theirs.get_fdata())
        said = json.loads(Path(file.path.replace(".nii.gz", ".json")).read_text())
        assert said["Sources"] == [f"bids:raw:{Path(source).relative_to(raw).as_posix()}"]
        assert said["SkullStripped"] is False
        assert said["medddim"]["model"] == "tiny"
        assert 0 < said["medddim"]["noise_level"] < 0.5
        assert studies.CANARY not in json.dumps(said)
    (rest,) = layout.get(
        scope="derivatives", subject="02", suffix="bold", desc="denoised", extension="nii.gz"
    )
    assert rest.get_metadata()["RepetitionTime"] == 2.0
    dwi = out / "sub-02" / "ses-a" / "dwi" / "sub-02_ses-a_desc-denoised_dwi.nii.gz"
    alone = BIDSLayout(out, validate=False)
    assert Path(alone.get_bval(dwi)).read_text() == "0 1000\n"
    assert Path(alone.get_bvec(dwi)).name == "sub-02_ses-a_dwi.bvec"
    assert (out / "sub-01" / "func" / "sub-01_task-rest_events.tsv").is_file()
    description = json.loads((out / "dataset_description.json").read_text())
    assert description["GeneratedBy"][0]["Name"] == "medddim"
    assert description["DatasetLinks"] == {"raw": "../.."}
    if VALIDATOR:
        assert errors(out) == []
        assert errors(raw, "--recursive") == []


@pytest.mark.slow
def test_participants_in_parallel_are_those_in_a_row(raw, tmp_path, model):
    def command(out, *labels):
        more = ["--model", model, "--participant-label", *labels]
        program = [sys.executable, "-c", "import medddim.cli; medddim.cli.main()"]
        return [*program, "bids", str(raw), str(out), "participant", *more]

    all_at_once = [
        subprocess.Popen(command(tmp_path / "all", label), stdout=subprocess.DEVNULL)
        for label in ("01", "sub-02", "03")
    ]
    assert [one.wait(timeout=240) for one in all_at_once] == [0, 0, 0]
    assert bids(raw, tmp_path / "row", model=model).exit_code == 0
    assert studies.contents(tmp_path / "all") == studies.contents(tmp_path / "row")
    if VALIDATOR:
        assert errors(tmp_path / "all") == []


def test_again_does_nothing_and_repairs_what_a_killed_run_left(raw, tmp_path):
    out = tmp_path / "out"
    assert bids(raw, out, "--participant-label", "01").exit_code == 0
    sidecar = out / "sub-01" / "anat" / "sub-01_desc-copied_T1w.json"
    sidecar.unlink()
    again = bids(raw, out, "--participant-label", "01")
    assert "5 done before" in again.stdout
    assert sidecar.is_file()


def test_filters_sessions_and_labels(raw, tmp_path):
    filters = tmp_path / "filters.json"
    filters.write_text(json.dumps({"t1w": {"suffix": "T1w", "session": None}}))
    some = bids(raw, tmp_path / "one", "--bids-filter-file", str(filters), "--dry-run")
    assert "2 planned; nothing was written" in some.stdout
    assert not (tmp_path / "one").exists()
    session = bids(raw, tmp_path / "two", "--session-id", "a", "--dry-run")
    assert "5 planned" in session.stdout
    nobody = bids(raw, tmp_path / "three", "--participant-label", "09")
    assert nobody.exit_code == 2
    assert "expected a subject of this data set (01, 02, 03), found 09" in nobody.stderr


def test_a_phase_is_no_magnitude(raw, tmp_path):
    folder = raw / "sub-01" / "anat"
    for part in ("mag", "phase"):
        shutil.copy(folder / "sub-01_T1w.nii.gz", folder / f"sub-01_part-{part}_T2starw.nii.gz")
    listed = bids(raw, tmp_path / "out", "--participant-label", "01", "--dry-run", "--json").stdout
    assert "part-mag_desc-copied" in listed
    assert "part-phase" not in listed


@pytest.mark.parametrize("spoil", ["no description", "another program's", "itself"])
def test_what_cannot_be_is_refused(raw, tmp_path, spoil):
    out = tmp_path / "out"
    if spoil == "no description":
        (raw / "dataset_description.json").unlink()
    elif spoil == "another program's":
        out.mkdir()
        (out / "dataset_description.json").write_text('{"GeneratedBy": [{"Name": "other"}]}')
    else:
        out = raw
    before = studies.contents(tmp_path)
    result = bids(raw, out)
    assert result.exit_code == (1 if spoil == "no description" else 2)
    messages = {
        "no description": "for a folder of scans use `medddim enhance`",
        "another program's": "is of another data set",
        "itself": "is the data set itself",
    }
    assert messages[spoil] in result.stderr
    assert studies.contents(tmp_path) == before


def test_labels_behind_one_name_are_labels():
    given = ["a", "b", "participant", "--participant-label", "01", "02", "--json"]
    spelled = [*given[:4], "01", "--participant-label", "02", "--json"]
    assert repeated(given) == spelled


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("sub-1_T1w.nii.gz", "sub-1_desc-denoised_T1w"),
        ("sub-1_task-x_desc-preproc_bold.nii", "sub-1_task-x_desc-denoised_bold"),
    ],
)
def test_names_keep_their_entities(source, name):
    assert described(Path(source), "denoised") == name
