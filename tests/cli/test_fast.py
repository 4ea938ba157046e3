"""Requests are judged before heavy packages are loaded, and each verb loads what it needs alone."""

import json
import os
import resource
import subprocess
import sys

import pytest

from tests import studies

HEAVY = ("monai", "torch")
WRONG = [
    (["enhance", "study", "-o", "out", "--model", "mr-denois"], "did you mean mr-denoise"),
    (["enhance", "study", "-o", "study/out"], "choose one beside it"),
    (["enhance", "study", "-o", "out", "--fidelity", "0.5"], "--steps 8"),
    (["enhance", "study", "-o", "out", "--model", "mr-denoise", "--factor", "4"], "denoises"),
    (["enhance", "study", "-o", "out", "--select", "Modalty=MR"], "did you mean Modality"),
    (["enhance", "study", "-o", "out", "-f", "%n"], "patient"),
    (["degrade", "study", "-o", "study/out", "--as", "rician"], "choose one beside it"),
    (["train", "mr_denois_2d", "-o", "run", "--data", "study"], "did you mean mr_denoise_2d"),
    (["train", "mr_denoise_2d", "-o", "run", "--data", "nowhere"], "expected a folder"),
    (["train", "mr_denoise_vp_2d", "-o", "run", "--data", "nowhere"], "expected a folder"),
    (["train", "path.yaml", "-o", "run", "--data", "study"], "expected one of scan-noise"),
    (["train", "sampler.yaml", "-o", "run", "--data", "study"], "expected one of ddim"),
    (["enhance", "study", "-o", "out", "--sampler", "ddmi"], "expected a sampler of ddim"),
    (["train", "--init", "mine.yaml"], "--data"),
    (["train", "--init", "mine.yaml", "--data", "nowhere"], "expected a folder"),
    (["evaluate", "study", "study", "-o", "out", "--protocol", "mr-i"], "unknown protocol"),
    (["report", "study"], "no result on record"),
    (["verify", "study"], "expected the manifest"),
    (["export", "onnx", "mr-denois", "-o", "out"], "did you mean mr-denoise"),
    (["bids", "study", "out", "participant"], "expected a BIDS data set"),
]
RIGHT = [
    ["--help"],
    ["inspect", "study"],
    ["models", "list"],
    ["models", "show", "mr-denoise"],
    ["evaluate", "study/head.nii.gz", "study/head.nii.gz", "-o", "scores"],
]


def run(folder, arguments):
    """What a new process prints, its exit code, and the packages it has loaded."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted({n.partition('.')[0] for n in "
        "sys.modules})), file=sys.stderr))\n"
        "from medddim.cli import main\n"
        "main(prog_name='medddim')\n"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    loaded = json.loads(done.stderr.strip().splitlines()[-1])
    return done, loaded, seconds


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """`study/` with one small scan, and recipes with one misspelt name each."""
    place = tmp_path_factory.mktemp("fast")
    studies.nifti(place / "study")
    for field in ("path", "sampler"):
        misspelt = {"task": "denoise", "name": "x", "diffusion": {field: "ddmi"}}
        (place / f"{field}.yaml").write_text(json.dumps(misspelt))
    return place


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=lambda one: " ".join(one)[:60])
def test_a_wrong_request_ends_before_torch_is_loaded(folder, arguments, message):
    done, loaded, seconds = run(folder, arguments)
    assert done.returncode in (1, 2, 3)
    assert message in done.stderr
    assert not {*HEAVY} & {*loaded}
    # the best of three: a busy machine adds to the time of the processor, too
    assert seconds < 1 or min(run(folder, arguments)[2] for _ in range(2)) < 1
    assert not (folder / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("arguments", RIGHT, ids=" ".join)
def test_verbs_without_a_network_load_none(folder, arguments):
    done, loaded, _ = run(folder, arguments)
    assert done.returncode == 0, done.stderr
    assert not {*HEAVY} & {*loaded}
