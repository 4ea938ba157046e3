"""Training as users run it: killed without warning, and shared by two processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file

from medddim import cli, formats
from medddim.formats import Derivation
from medddim.models import WEIGHTS
from medddim.training.trainer import RESUME
from tests.phantoms import head, textured
from tests.recipes import tiny

STEPS, KILLS = 300, 5
ONE_THREAD = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root, how = tmp_path_factory.mktemp("scans"), Derivation("identity", "a phantom")
    named = [("train", "head", head()), ("train", "texture", textured()), ("val", "head", head())]
    for folder, name, scan in named:
        formats.write(scan, root / folder, name=name, derivation=how)
    return root


def command(folder, data, run, **training):
    asked = tiny(data={"train": ("train/*",), "validate_on": ("val/*",)}, training=training)
    recipe = folder / "recipe.yaml"
    recipe.write_text(asked.dump())
    medddim = Path(sys.executable).with_name("medddim")
    return [medddim, "train", recipe, "--data", data, "-o", folder / run, "--device", "cpu"]


def complete(words):
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=ONE_THREAD)
    assert done.returncode == 0, done.stderr
    return done.stdout


def killed(words, run, seconds):
    """Start, and kill so many seconds after the next save. False if it ended before that."""
    before = saved_at(run)
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, env=ONE_THREAD)
    while process.poll() is None and saved_at(run) == before:
        time.sleep(0.001)
    time.sleep(seconds)
    process.kill()
    return process.wait() == -signal.SIGKILL


def saved_at(run):
    file = run / RESUME
    return file.stat().st_mtime_ns if file.exists() else None


@pytest.mark.slow
def test_a_run_killed_five_times_ends_with_the_bits_of_an_undisturbed_one(tmp_path, data):
    how = {"steps": STEPS, "save_every": 7, "validate_every": 20}
    complete(command(tmp_path, data, "undisturbed", **how))
    words, run = command(tmp_path, data, "killed", **how), tmp_path / "killed"
    moments = np.random.default_rng(6).uniform(0, 0.3, KILLS)
    for number, seconds in enumerate(moments):
        assert killed([*words, *["--resume"] * (number > 0)], run, seconds)
    complete([*words, "--resume"])
    for name in (WEIGHTS, RESUME, "recipe.yaml"):
        assert (run / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes(), name


@pytest.mark.parametrize("by", ["fabric", pytest.param("torchrun", marks=pytest.mark.slow)])
@pytest.mark.slow
def test_two_processes_share_a_batch_and_learn_what_one_does(tmp_path, data, by):
    how = {"steps": 6, "batch": 4, "validate_every": 3}
    _, *alone = map(str, command(tmp_path, data, "alone", **how))
    assert CliRunner().invoke(cli.main, alone).exit_code == 0
    shared = [*command(tmp_path, data, "shared", **how), "--devices", "2"]
    if by == "torchrun":
        shared = [shared[0].with_name("torchrun"), "--standalone", "--nproc-per-node=2", *shared]
    assert complete(shared).count("checkpoint in") == 1
    one, two = (load_file(tmp_path / run / RESUME) for run in ("alone", "shared"))
    assert one.keys() == two.keys()
    assert all(torch.allclose(one[key], two[key], rtol=1e-3, atol=1e-5) for key in one)
    lines = (tmp_path / "shared" / "log.jsonl").read_text().splitlines()
    assert len(lines) == 2
