"""What the Python API promises beside its names: types, no global state, threads, forks."""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import random
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import medddim as md
from tests import studies
from tests.phantoms import head

CALLED = [
    name for name in md.__all__ if not inspect.ismodule(getattr(md, name)) and name != "__version__"
]

FORKED = """
import multiprocessing, sys
import numpy as np, torch
import medddim as md

torch.set_num_threads(2)
enhancer, scan = md.Enhancer.load(sys.argv[1], device="cpu"), md.read(sys.argv[2])
before = enhancer(scan).voxels

def again(connection):
    connection.send(enhancer(scan).voxels)

ours, theirs = multiprocessing.Pipe()
child = multiprocessing.get_context("fork").Process(target=again, args=(theirs,), daemon=True)
child.start()
assert ours.poll(60), "the child gives no answer"
np.testing.assert_array_equal(ours.recv(), before)
child.join()
assert torch.get_num_threads() == 2
"""


def test_type_checkers_see_that_it_is_typed() -> None:
    assert (Path(md.__file__).parent / "py.typed").is_file()


@pytest.mark.parametrize("name", CALLED)
def test_every_public_name_says_its_types(name: str) -> None:
    signature = inspect.signature(getattr(md, name))
    without = [one.name for one in signature.parameters.values() if one.annotation is one.empty]
    assert without == []
    if inspect.isfunction(getattr(md, name)):
        assert signature.return_annotation is not signature.empty


INTEGRATIONS = [
    ("bids", "bids"),
    ("monai", "monai"),
    ("nipype", "nipype"),
    ("onnx", "onnx"),
    ("pacs", "pynetdicom"),
]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of nipype's own packages
@pytest.mark.parametrize(("name", "needs"), INTEGRATIONS)
def test_every_integration_names_what_it_promises(
    name: str, needs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_ET", "1")  # nipype asks no server for its newest version
    pytest.importorskip(needs)
    module = importlib.import_module(f"medddim.integrations.{name}")
    assert module.__all__ == sorted(module.__all__)
    for public in module.__all__:
        assert inspect.getdoc(getattr(module, public))


def globals_of_others() -> dict[str, Any]:
    """What a library may not change under the program that uses it."""
    state = np.random.get_state(legacy=False)["state"]  # noqa: NPY002  # to see it left alone
    return {
        "numpy's generator": (state["key"].tolist(), state["pos"]),
        "python's generator": random.getstate(),
        "torch's generator": torch.random.get_rng_state().tolist(),
        "torch's dtype": torch.get_default_dtype(),
        "torch's threads": torch.get_num_threads(),
        "gradients": torch.is_grad_enabled(),
        "warnings": list(warnings.filters),
        "log handlers": list(logging.getLogger().handlers),
        "log level": logging.getLogger().level,
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "numpy's errors": np.geterr(),
    }


def test_it_changes_no_global_state(tmp_path: Path) -> None:
    enhancer = md.Enhancer.load(studies.sampler(tmp_path / "model"), device="cpu")
    scan = md.read(studies.nifti(tmp_path))
    before = globals_of_others()
    noisy = md.RicianNoise(0.1)(scan, seed=1)
    clean = enhancer(noisy, steps=2, seed=1)
    md.compare(clean, scan)
    md.write(clean, tmp_path / "out", like=scan)
    after = globals_of_others()
    for name, value in before.items():
        assert after[name] == value, name


def test_threads_share_an_enhancer(tmp_path: Path) -> None:
    enhancer = md.Enhancer.load(studies.sampler(tmp_path / "model"), device="cpu")
    scans = [md.RicianNoise(0.05 + 0.01 * number)(head(), seed=number) for number in range(4)]
    together = threading.Barrier(len(scans))

    def answers(number: int) -> Any:
        together.wait(timeout=60)
        return [enhancer(scans[number], steps=2, seed=number).voxels for _ in range(3)]

    with ThreadPoolExecutor(len(scans)) as pool:
        found = list(pool.map(answers, range(len(scans))))
    for number, scan in enumerate(scans):
        alone = enhancer(scan, steps=2, seed=number).voxels
        for answer in found[number]:
            np.testing.assert_array_equal(answer, alone)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.slow
def test_a_forked_process_goes_on(tmp_path: Path) -> None:
    model, scan = studies.model(tmp_path / "model"), studies.nifti(tmp_path)
    command = [sys.executable, "-W", "ignore", "-c", FORKED, str(model), str(scan)]
    environment = os.environ | {"OMP_NUM_THREADS": "2"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert run.returncode == 0, run.stderr[-2000:]
