"""The wheel and the images: what is in them, who runs them; and the wheel, by itself, at work."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = (ROOT / "containers" / "Dockerfile").read_text(encoding="utf-8")
APPTAINER = (ROOT / "containers" / "medddim.def").read_text(encoding="utf-8")
INSTALL = re.compile(r"python (tools/\w+\.py) --into (\S+) --extras ([\w ]+)")


def sent() -> set[str]:
    """What of the repository an image is built from, by .dockerignore."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in lines, "all else is left out"
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def needed() -> set[str]:
    """What hatchling and tools/wheel.py read of it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    files = {"medddim", "pyproject.toml", "tools", "constraints.txt", "constraints-cpu.txt"}
    return files | {project["readme"], *project["license-files"]}


def test_the_images_are_built_from_what_is_there_and_what_is_needed() -> None:
    copied = set(re.findall(r"^    (\S+) /src/\S+$", APPTAINER, re.MULTILINE))
    assert sent() == copied == needed()
    assert all((ROOT / name).exists() for name in sent())
    for pair in re.findall(r"^    (\S+) (/src/\S+)$", APPTAINER, re.MULTILINE):
        assert pair[1] == f"/src/{pair[0]}"


def test_both_images_install_the_same_locked_environment() -> None:
    (docker,), (apptainer,) = INSTALL.findall(DOCKERFILE), INSTALL.findall(APPTAINER)
    assert docker == apptainer
    tool, place, extras = docker
    assert (ROOT / tool).is_file()
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(extras.split()) <= set(known["optional-dependencies"])
    assert f"--from=build {place} {place}" in DOCKERFILE
    assert f"    {place} {place}\n" in APPTAINER
    python = re.search(r"ARG PYTHON=(\S+)", DOCKERFILE)
    assert python
    assert re.findall(r"^From: (\S+)", APPTAINER, re.MULTILINE) == [python[1]] * 2
    lock = (ROOT / "constraints-cpu.txt").read_text()
    assert "torch==" in lock


def test_the_image_of_docker_is_not_run_by_root_and_fetches_nothing() -> None:
    final = DOCKERFILE.rsplit("\nFROM ", 1)[1]
    (user,) = re.findall(r"^USER (\S+)$", final, re.MULTILINE)
    assert re.search(rf"useradd .*\b{user}\b", final)
    assert user not in ("root", "0")
    assert 'ENTRYPOINT ["medddim"]' in final
    for fetching in ("curl", "wget", "pip ", "apt-get", "git "):
        assert fetching not in final


@pytest.mark.slow
def test_the_wheel_enhances_a_phantom_alone_without_a_network(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "tools" / "wheel.py"), "--dist", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode and re.search(r"No matching distribution|Max retries", run.stderr):
        pytest.skip("the packages that the wheel needs cannot be had here")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "enhanced a phantom with" in run.stdout
    assert len(list(tmp_path.glob("medddim-*-py3-none-any.whl"))) == 1
