"""What is asked for beside a result: receipt, interval, invention, range."""

import numpy as np
import pydicom
import pytest
from click.testing import CliRunner

from medddim import batch, cli, formats
from medddim.batch.verify import verify
from medddim.checkpoint import Checkpoint
from medddim.degradation import RicianNoise
from medddim.errors import RequestProblem
from medddim.inference.intervals import FEATURES, Calibration
from medddim.inference.range import TrainingRange
from tests import studies
from tests.inference.test_superresolution import FINER
from tests.phantoms import head


@pytest.fixture
def model(tmp_path):
    return studies.model(tmp_path / "model")


def run(source, out, model, **extras):
    job = batch.enhance_job(Checkpoint.open(model), precision="fp32", **extras)
    return list(batch.run(batch.plan([source], out), out, job=job))


def test_a_receipt_is_on_record_and_leaves_the_voxels_as_they_are(tmp_path, model):
    scan = RicianNoise(0.05)(head((72, 64, 8)), np.random.default_rng(0))  # has room for inserts
    formats.write(scan, tmp_path / "in", name="head")
    (plain,) = run(tmp_path / "in", tmp_path / "plain", model)
    (done,) = run(tmp_path / "in", tmp_path / "with", model, receipt=True)
    assert "of its contrast here" in done.facts["receipt"]
    assert "2 mm" in done.facts["contrast_kept"]
    assert done.facts.items() > plain.facts.items()
    first, second = (formats.read(tmp_path / name / "head.nii.gz") for name in ("plain", "with"))
    assert (first.voxels == second.voxels).all()
    (again,) = run(tmp_path / "in", tmp_path / "with", model, receipt=True)
    assert again.status == "done before"
    assert again.facts == done.facts


def test_a_dicom_result_says_it_too(tmp_path, model):
    studies.dicom(tmp_path / "in")
    (done,) = run(tmp_path / "in", tmp_path / "out", model, receipt=True)
    for file in done.outputs:
        text = pydicom.dcmread(tmp_path / "out" / file).DerivationDescription
        assert done.facts["receipt"] in text
        assert len(text) <= 1024
    assert [one for one in verify(tmp_path / "out") if not one.good] == []


def test_the_terminal_shows_the_sentence(tmp_path, model):
    studies.nifti(tmp_path / "in", noise=0.05)
    asked = ["enhance", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--receipt"]
    result = CliRunner().invoke(cli.main, [*asked, "--model", str(model), "--precision", "fp32"])
    assert result.exit_code == 0
    assert "lesion" in result.stdout


def test_super_resolution_has_no_receipt(tmp_path):
    finer = Checkpoint.open(studies.model(tmp_path / "finer", **FINER))
    with pytest.raises(RequestProblem, match="keeps what was measured"):
        batch.enhance_job(finer, batch.Settings(factor=4), receipt=True)


@pytest.fixture
def calibrated(model):
    Calibration(
        source="phantoms",
        scans=20,
        noise=(0.0001, 0.5),
        intercept=0.0,
        weights=(0.0,) * len(FEATURES),
        factors={"90": 2.0},
    ).save(model)
    return model


def test_intervals_and_inventions_lie_beside_a_nifti_result(tmp_path, calibrated):
    studies.nifti(tmp_path / "in", noise=0.05)
    (done,) = run(tmp_path / "in", tmp_path / "out", calibrated, interval=90, invented=True)
    names = [f"head{end}.nii.gz" for end in ("", "+lower", "+upper", "+invented")]
    assert list(done.outputs) == names
    result, lower, upper, _ = (formats.read(tmp_path / "out" / name) for name in names)
    assert (lower.voxels <= result.voxels + 1).all()
    assert (upper.voxels > result.voxels).all()
    assert done.job["interval"] == 90
    assert done.facts["invented"]
    assert [one for one in verify(tmp_path / "out") if not one.good] == []


def test_beside_a_dicom_result_they_are_parametric_maps(tmp_path, calibrated):
    studies.dicom(tmp_path / "in")
    (done,) = run(tmp_path / "in", tmp_path / "out", calibrated, interval=90)
    maps = [name for name in done.outputs if "+" in name]
    assert [name.partition("+")[2] for name in maps] == ["lower.dcm", "upper.dcm"]
    low, high = (pydicom.dcmread(tmp_path / "out" / name) for name in maps)
    assert low.SOPClassUID == pydicom.uid.ParametricMapStorage
    assert low.SeriesInstanceUID != high.SeriesInstanceUID
    assert [one for one in verify(tmp_path / "out") if not one.good] == []


def test_a_model_that_is_not_calibrated_has_no_interval(model):
    with pytest.raises(RequestProblem, match="no calibrated intervals"):
        batch.enhance_job(Checkpoint.open(model), interval=90)


def test_a_scan_out_of_range_is_refused_before_the_network_and_marked_if_forced(tmp_path, model):
    TrainingRange("phantoms", ("pixel",), ("a", "b"), ((5.0,), (5.1,))).save(model)
    studies.nifti(tmp_path / "in")
    (refused,) = run(tmp_path / "in", tmp_path / "out", model)
    assert refused.status == "refused"
    assert "out of range of the model: smaller pixels" in refused.reason
    (forced,) = run(tmp_path / "in", tmp_path / "out", model, force=True)
    assert forced.status == "ok"
    assert forced.facts["range"] == "out"
    assert "out of range" in forced.facts["warning"]
