"""The exported bundle, run by MONAI; and a bundle from a stranger, read by us."""

import json
import subprocess
import sys
import warnings

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner

from medddim.checkpoint import Checkpoint
from medddim.cli import main
from medddim.models import shipped
from tests import studies


@pytest.fixture
def bundle(tmp_path):
    """An untrained model as a bundle."""
    model = studies.model(tmp_path / "model")
    shown = CliRunner().invoke(
        main, ["export", "bundle", str(model), "-o", str(tmp_path / "bundle")]
    )
    assert shown.exit_code == 0, shown.output
    return tmp_path / "bundle"


def enhanced(model, scan, out, *more):
    command = ["enhance", str(scan), "-o", str(out), "--model", str(model), "--seed", "3", *more]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    return nib.load(out / "head.nii.gz").get_fdata()


def integers(folder, *, of_ct):
    """A noisy head as a file of integers, in Hounsfield units if asked for."""
    noisy = nib.load(studies.nifti(folder))
    voxels = noisy.get_fdata() - 1000 if of_ct else noisy.get_fdata()
    nib.save(
        nib.Nifti1Image(np.rint(voxels).astype(np.int16), noisy.affine), folder / "head.nii.gz"
    )
    if of_ct:
        (folder / "head.json").write_text('{"Modality": "CT"}')
    return folder / "head.nii.gz"


def by_command(**given):
    options = [word for key, value in given.items() for word in (f"--{key}", str(value))]
    command = [sys.executable, "-W", "ignore", "-m", "monai.bundle", "run", *options]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-2000:]


def in_process(**given):
    from monai.bundle import run

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(**given)


@pytest.mark.parametrize("run", [in_process, pytest.param(by_command, marks=pytest.mark.slow)])
def test_monai_runs_it_with_the_voxels_of_the_command(tmp_path, bundle, run):
    scan = studies.nifti(tmp_path / "scans")
    run(
        config_file=str(bundle / "configs" / "inference.json"),
        bundle_root=str(bundle),
        scans=str(scan),
        output_dir=str(tmp_path / "a"),
        seed=3,
    )
    theirs = nib.load(tmp_path / "a" / "head_enhanced.nii.gz").get_fdata()
    ours = enhanced(tmp_path / "model", scan, tmp_path / "b")
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * np.ptp(ours))
    np.testing.assert_array_equal(enhanced(bundle, scan, tmp_path / "c"), ours)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # those of MONAI's bundle, about packages it does without
@pytest.mark.parametrize("name", shipped())
def test_every_shipped_model_gives_the_voxels_of_the_command(tmp_path, name):
    from monai.bundle import run

    model, bundle = Checkpoint.open(name), tmp_path / "bundle"
    scan = integers(tmp_path / "scans", of_ct=model.recipe.modality == "CT")
    shown = CliRunner().invoke(main, ["export", "bundle", name, "-o", str(bundle)])
    assert shown.exit_code == 0, shown.output
    config = str(bundle / "configs" / "inference.json")
    out = str(tmp_path / "theirs")
    run(config_file=config, bundle_root=str(bundle), scans=str(scan), output_dir=out, seed=3)
    theirs = nib.load(tmp_path / "theirs" / "head_enhanced.nii.gz")
    finer = ["--factor", "4"] if model.recipe.task == "superresolve" else []
    ours = enhanced(name, scan, tmp_path / "ours", *finer)
    np.testing.assert_allclose(theirs.get_fdata(), ours, rtol=0, atol=1e-5 * np.ptp(ours))
    np.testing.assert_allclose(
        theirs.affine, nib.load(tmp_path / "ours" / "head.nii.gz").affine, atol=1e-6
    )


def test_its_metadata_say_what_it_needs(bundle):
    said = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert said["required_packages_version"] == {"medddim": said["version"]}
    assert said["sha256"] == Checkpoint.open(bundle).sha256
    assert "bundle run" in (bundle / "docs" / "README.md").read_text()


def test_nothing_in_a_bundle_is_executed(tmp_path, bundle):
    canary = tmp_path / "canary"
    payload = f"$__import__('pathlib').Path({str(canary)!r}).touch()"
    hostile = {"imports": [payload], "run": [payload], "bundle_root": payload}
    (bundle / "configs" / "inference.json").write_text(json.dumps(hostile))
    (bundle / "configs" / "logging.conf").write_text(f"[loggers]\nclass={payload}\n")
    (bundle / "models" / "__init__.py").write_text(f"open({str(canary)!r}, 'w')")
    enhanced(bundle, studies.nifti(tmp_path / "scans"), tmp_path / "out")
    assert not canary.exists()
