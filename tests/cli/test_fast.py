"""Requests are judged before heavy packages are loaded, and each verb loads what it needs alone."""

import json
import os
import subprocess
import sys

import pytest

from medddim import cli
from tests.cli import wrong_requests

HEAVY = ("monai", "torch")
SCIPY = "scipy.fft"  # of it nibabel loads no more than the top
MEASURES = ("evaluate", "report")
"""Verbs that begin with what compares scans, and so with SCIPY."""
RIGHT = [
    ["--help"],
    ["inspect", "study"],
    ["models", "list"],
    ["models", "show", "mr-denoise"],
    ["evaluate", "study/head.nii.gz", "study/head.nii.gz", "-o", "scores"],
]


def run(folder, arguments):
    """A new process that has ended, and the packages it had loaded."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print(json.dumps(sorted({n.partition('.')[0] for n in "
        "sys.modules})), file=sys.stderr))\n"
        "from medddim.cli import main\n"
        "main(prog_name='medddim')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": ""},  # compiled, as what is installed
    )  # fmt: skip
    return done, json.loads(done.stderr.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the requests are made."""
    place = tmp_path_factory.mktemp("fast")
    wrong_requests.place(place)
    return place


@pytest.fixture(scope="module")
def answers(folder):
    """What each wrong request printed, its exit code, and the packages that one process had then.

    One after the other, those that measure last: what the first ones load is seen in all.
    """
    code = (
        "import json, sys\n"
        "from click.testing import CliRunner\n"
        "from medddim.cli import main\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    done = CliRunner().invoke(main, arguments)\n"
        f"    heavy = [name for name in {(*HEAVY, SCIPY)} if name in sys.modules]\n"
        "    print(json.dumps([done.exit_code, done.output, heavy]))\n"
    )
    ordered = sorted(wrong_requests.ALL, key=lambda request: request[0][0] in MEASURES)
    requests = json.dumps([arguments for arguments, _ in ordered])
    done = subprocess.run(
        [sys.executable, "-c", code, requests],
        cwd=folder, capture_output=True, text=True, check=True, env=os.environ,
    )  # fmt: skip
    lines = map(json.loads, done.stdout.splitlines())
    return dict(zip(map(as_typed, ordered), lines, strict=True))


def as_typed(request):
    """A request in one line."""
    return " ".join(request[0])


@pytest.mark.parametrize("request_", wrong_requests.ALL, ids=as_typed)
def test_a_wrong_request_is_answered_before_torch_is_loaded(answers, folder, request_):
    code, printed, heavy = answers[as_typed(request_)]
    assert code == wrong_requests.code_of(request_[1]), printed
    assert request_[1] in " ".join(printed.replace("│", " ").split())
    assert "Errno" not in printed
    assert set(heavy) <= ({SCIPY} if request_[0][0] in MEASURES else set())
    assert not (folder / "out").exists()
    assert not (folder / "run").exists()


def test_every_verb_has_its_wrong_requests():
    assert set(wrong_requests.WRONG) == set(cli.main.commands)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", RIGHT, ids=" ".join)
def test_verbs_without_a_network_load_none(folder, arguments):
    done, loaded = run(folder, arguments)
    assert done.returncode == 0, done.stderr
    assert not {*HEAVY} & {*loaded}
