"""Build the wheel, and install it with its locked dependencies into a new environment.

    python tools/wheel.py [--into DIR] [--extras NAME...] [--dist DIR]

Run by `make wheel`, which then tries it: the environment, empty before, enhances a phantom without
a network. With --into the environment is kept, for the images of containers/. Every hash is
checked.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setup import LOCKED, PYPROJECT, ROOT, Environment

PHANTOM = ROOT / "data_samples" / "phantom_mr.nii.gz"
OFFLINE = ("unshare", "--map-root-user", "--net")
"""A namespace of its own without a network; where there is none, a proxy that does not answer."""


def build(dist: Path) -> Path:
    """The wheel, made by the locked hatchling in an environment of its own."""
    with tempfile.TemporaryDirectory() as folder:
        tools = Environment(Path(folder) / "tools")
        tools.make()
        tools.install(*LOCKED, "hatchling")
        command = [tools.python, "-m", "hatchling", "build", "--target", "wheel", "-d", str(dist)]
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return max(dist.glob("medddim-*.whl"), key=lambda path: path.stat().st_mtime)


def install(wheel: Path, place: Path, extras: list[str]) -> Environment:
    """A new environment with the wheel, its dependencies, those of the extras, and nothing else."""
    project = PYPROJECT["project"]
    wanted = [*project["dependencies"]]
    for extra in extras:
        wanted += project["optional-dependencies"][extra]
    environment = Environment(place)
    environment.make()
    environment.install_cpu_torch()
    environment.install(*LOCKED, *wanted)
    environment.install("--no-deps", "--no-index", str(wheel))
    environment.compile()
    return environment


def try_out(environment: Environment) -> None:
    """Enhance a phantom, far from the repository, where nothing can be reached."""
    offline = OFFLINE if _unshares() else ()
    proxy = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(PHANTOM, folder)
        command = [
            *offline, str(environment.place / "bin" / "medddim"), "enhance",
            PHANTOM.name, "-o", "better", "--quality", "fast", "--threads", "1",
        ]  # fmt: skip
        clean = {"PATH": "/usr/bin:/bin", "HOME": folder, **proxy}
        subprocess.run(command, check=True, cwd=folder, env=clean)
        if not (Path(folder) / "better" / PHANTOM.name).is_file():
            sys.exit("make wheel: the phantom was not enhanced")
    print(f"enhanced a phantom {'without a network' if offline else 'with a dead proxy'}")


def _unshares() -> bool:
    if shutil.which(OFFLINE[0]) is None:
        return False
    return subprocess.run([*OFFLINE, "true"], check=False, capture_output=True).returncode == 0


def main() -> None:
    """Build, install, try."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path)
    parser.add_argument("--extras", nargs="*", default=[])
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    asked = parser.parse_args()
    wheel = build(asked.dist)
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB", flush=True)
    if asked.into:
        install(wheel, asked.into, asked.extras)
        return
    with tempfile.TemporaryDirectory() as folder:
        try_out(install(wheel, Path(folder) / "empty", asked.extras))


if __name__ == "__main__":
    main()
