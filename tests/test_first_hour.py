"""The first hour of a new user: three kinds of own scans, every command of the README, no edit."""

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.formats import Derivation, samples
from tests import studies
from tests.test_readme import ALL, ROOT, blocks

IDENTITY = Derivation("identity", "a head of nilearn")
MINUTES = os.environ.get("MEDDDIM_FIRST_HOUR_MINUTES", "")
"""How long the training may take, where it is not to be the ten minutes of the README."""
INSTALL = [
    shlex.split(line, comments=True)
    for block in blocks("sh")
    for line in block.splitlines()
    if line.startswith("pip install")
]
BUILT_HERE = ("--no-deps", "--no-index", "--no-build-isolation", "--quiet")
"""No download: the dependencies are those of the environment of the tests, and so is hatchling."""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment with the wheel of this tree, and the variables of somebody who uses it."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    bin_ = home / ("Scripts" if os.name == "nt" else "bin")
    python = str(bin_ / "python")
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-c", where], capture_output=True, text=True, check=True)
    (Path(found.stdout.strip()) / "theirs.pth").write_text(sysconfig.get_path("purelib"))
    assert ["pip", "install", "."] in INSTALL
    for words in INSTALL:
        command = [sys.executable, "-m", "pip", "--python", python, *words[1:], *BUILT_HERE]
        subprocess.run([*command, "--force-reinstall"], cwd=ROOT, check=True)
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    env["PATH"] = f"{bin_}{os.pathsep}{env['PATH']}"
    asked = "import medddim; print(medddim.__file__)"
    done = subprocess.run([python, "-c", asked], cwd=home, env=env, capture_output=True, check=True)
    assert home in Path(done.stdout.decode().strip()).parents
    return env


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
        studies.dicom(tmp_path / folder / "dicom", brighter=int(folder == "reference"))
        for subject in ("sub-01", "sub-02", "sub-03"):
            at = tmp_path / folder / "bids" / subject / "anat"
            formats.write(scan, at, name=f"{subject}_T1w", derivation=IDENTITY)
        described = tmp_path / folder / "bids" / "dataset_description.json"
        described.write_text('{"Name": "heads", "BIDSVersion": "1.10.0"}')
    shutil.copytree(tmp_path / "study" / "bids", tmp_path / "BIDS_DIR")
    shutil.copytree(tmp_path / "reference" / "bids", tmp_path / "SCANS")
    shutil.copytree(tmp_path / "study" / "my scans", tmp_path / "thick")
    return tmp_path


def medddim(place, env, arguments):
    """A command as it is typed; what it prints."""
    pairs = zip(["", *arguments[:-1]], arguments, strict=True)
    typed = [
        f"{float(MINUTES) / 60:.4f}" if MINUTES and before == "--hours" else word
        for before, word in pairs
    ]
    program = shutil.which("medddim", path=env["PATH"])
    done = subprocess.run(
        [program, *typed], cwd=place, capture_output=True, text=True, check=False, env=env
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_first_hour(place, installed):
    printed = {" ".join(arguments): medddim(place, installed, arguments) for arguments in ALL}
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
    trained = printed["train mine.yaml -o run/"]
    assert "(input " in trained
    assert "the weights are " in trained
    assert "5 ok" in printed["enhance study/ -o own/ --model run/"]
    (block,) = blocks("python")
    python = shutil.which("python", path=installed["PATH"])
    ran = subprocess.run([python, "-c", block], cwd=place, env=installed, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    again = medddim(place, installed, "enhance study/ -o better/".split())
    assert "5 done before" in again  # whatever else is given
