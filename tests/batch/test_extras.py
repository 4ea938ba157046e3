"""What is told beside a result: the receipt, on record and in the file itself."""

import pydicom
import pytest
from click.testing import CliRunner

from medddim import batch, cli, formats
from medddim.batch.verify import verify
from medddim.checkpoint import Checkpoint
from medddim.errors import RequestProblem
from tests import studies
from tests.inference.test_superresolution import FINER


@pytest.fixture
def model(tmp_path):
    return studies.model(tmp_path / "model")


def run(source, out, model, **extras):
    job = batch.enhance_job(Checkpoint.open(model), precision="fp32", **extras)
    return list(batch.run(batch.plan([source], out), out, job=job))


def test_a_receipt_is_on_record_and_leaves_the_voxels_as_they_are(tmp_path, model):
    studies.nifti(tmp_path / "in", noise=0.05)
    (plain,) = run(tmp_path / "in", tmp_path / "plain", model)
    (told,) = run(tmp_path / "in", tmp_path / "told", model, receipt=True)
    assert "of its contrast here" in told.facts["receipt"]
    assert "4 mm" in told.facts["contrast_kept"]
    assert told.facts.items() > plain.facts.items()
    first, second = (formats.read(tmp_path / name / "head.nii.gz") for name in ("plain", "told"))
    assert (first.voxels == second.voxels).all()
    (again,) = run(tmp_path / "in", tmp_path / "told", model, receipt=True)
    assert again.status == "done before"
    assert again.facts == told.facts


def test_a_dicom_result_says_it_too(tmp_path, model):
    studies.dicom(tmp_path / "in")
    (told,) = run(tmp_path / "in", tmp_path / "out", model, receipt=True)
    for file in told.outputs:
        text = pydicom.dcmread(tmp_path / "out" / file).DerivationDescription
        assert told.facts["receipt"] in text
        assert len(text) <= 1024
    assert all(one.good for one in verify(tmp_path / "out"))


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
