"""The first hour of a new user: three kinds of own scans, the commands of the README, no edit."""

import os
import shutil
import subprocess
import sys

import pytest

from medddim import formats
from medddim.formats import Derivation
from tests import studies
from tests.phantoms import head

IDENTITY = Derivation("identity", "a phantom")


@pytest.fixture
def place(tmp_path):
    """An empty folder but for `study/` with odd NIfTI names, a DICOM series and a BIDS tree."""
    study = tmp_path / "study"
    studies.nifti(study / "my scans", "T1 (copy) [1]")
    studies.dicom(study / "dicom")
    for subject in ("sub-01", "sub-02", "sub-03"):
        scan = head((48, 48, 12))
        formats.write(
            scan, tmp_path / "BIDS" / subject / "anat", name=f"{subject}_T1w", derivation=IDENTITY
        )
    shutil.copytree(tmp_path / "BIDS", study / "bids")
    return tmp_path


def medddim(place, *arguments):
    """A command as it is typed; what it prints."""
    code = "from medddim.cli import main; main(prog_name='medddim')"
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=place, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_first_hour(place):
    assert "MR?" in medddim(place, "inspect", "study/")
    assert "planned" in medddim(place, "enhance", "study/", "-o", "better/", "--dry-run", "--force")
    assert not (place / "better").exists()
    medddim(place, "enhance", "study/", "-o", "better/", "--force")  # phantoms are no anatomy
    assert (place / "better" / "bids" / "sub-01" / "anat" / "sub-01_T1w.nii.gz").is_file()
    assert len(list((place / "better" / "dicom" / "series").glob("*.dcm"))) == 4
    again = medddim(place, "enhance", "study/", "-o", "better/", "--force")
    assert "5 done before" in again  # whatever else is given
    assert "0 wrong" in medddim(place, "verify", "better/")
    medddim(place, "evaluate", "better/", "study/", "-o", "scores/", "--input", "study/")
    assert (place / "scores" / "report.html").is_file()
    shown = medddim(
        place, "train", "--init", "mine.yaml", "--data", "BIDS", "--hours", "0.001",
        "--from-scratch",
    )  # fmt: skip
    assert "held out   sub-03" in shown
    log = medddim(place, "train", "mine.yaml", "-o", "run/")
    assert "input_psnr_db_at_0.05" in log
    medddim(place, "enhance", "study/", "-o", "own/", "--model", "run/", "--force")
