"""The first hour of a new user: three kinds of own scans, every command of the README, no edit."""

import os
import shutil
import subprocess
import sys

import pytest

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.formats import Derivation, samples
from tests import studies
from tests.test_readme import ALL

IDENTITY = Derivation("identity", "a head of nilearn")
SHORT = {"--hours": "0.002"}
"""The one thing that is not as printed: how long the training may take."""


@pytest.fixture
def place(tmp_path):
    """An empty folder but for own scans: odd NIfTI names, a DICOM study, a BIDS tree."""
    whole = samples.mr_head()
    middle = [slice(n // 2 - size // 2, n // 2 + size // 2)
              for n, size in zip(whole.shape, (64, 64, 12), strict=True)]  # fmt: skip
    clean = whole.crop(*middle)
    noisy = RicianNoise(0.05)(clean, seed=0)
    for folder, scan in (("reference", clean), ("study", noisy)):
        formats.write(
            scan, tmp_path / folder / "my scans", name="T1 (copy) [1]", derivation=IDENTITY
        )
        studies.dicom(tmp_path / folder / "dicom")
        for subject in ("sub-01", "sub-02", "sub-03"):
            at = tmp_path / folder / "bids" / subject / "anat"
            formats.write(scan, at, name=f"{subject}_T1w", derivation=IDENTITY)
        described = tmp_path / folder / "bids" / "dataset_description.json"
        described.write_text('{"Name": "heads", "BIDSVersion": "1.10.0"}')
    shutil.copytree(tmp_path / "study" / "bids", tmp_path / "BIDS_DIR")
    shutil.copytree(tmp_path / "reference" / "bids", tmp_path / "SCANS")
    shutil.copytree(tmp_path / "study" / "my scans", tmp_path / "thick")
    return tmp_path


def medddim(place, arguments):
    """A command as it is typed; what it prints."""
    code = "from medddim.cli import main; main(prog_name='medddim')"
    typed = [SHORT.get(before, word) for before, word in zip(["", *arguments], arguments)]  # noqa: B905
    done = subprocess.run(
        [sys.executable, "-c", code, *typed],
        cwd=place, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_first_hour(place):
    printed = {" ".join(arguments): medddim(place, arguments) for arguments in ALL}
    assert "MR?" in printed["inspect study/"]
    assert "better/dicom/series/ by mr-denoise" in printed["enhance study/ -o better/ --dry-run"]
    better = place / "better"
    assert (better / "bids" / "sub-01" / "anat" / "sub-01_T1w.nii.gz").is_file()
    assert (better / "my_scans" / "T1_copy_1.nii.gz").is_file()
    assert len(list((better / "dicom" / "series").glob("*.dcm"))) == 4
    assert (better / "report.html").is_file()
    assert "0 wrong" in printed["verify better/"]
    assert (place / "scores" / "report.html").is_file()
    init = next(text for command, text in printed.items() if "--init" in command)
    assert "held out   sub-03" in init
    assert "input_psnr_db_at_0.05" in printed["train mine.yaml -o run/"]
    assert "5 ok" in printed["enhance study/ -o own/ --model run/"]
    again = medddim(place, "enhance study/ -o better/".split())
    assert "5 done before" in again  # whatever else is given
