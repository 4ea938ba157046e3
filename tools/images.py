"""Build the images of containers/ and try them, by whichever builders work on this machine.

    python tools/images.py

Each image is asked, without a network and not as root, whether its weights are those of the
package, and to enhance a phantom. A builder that is not installed, or whose service does not run,
is named and skipped; run by `make images`.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PHANTOM = ROOT / "data_samples" / "phantom_mr.nii.gz"
NAME = "medddim"
ENHANCE = ["enhance", PHANTOM.name, "-o", "better", "--quality", "fast"]


def run(*command: str, cwd: Path = ROOT) -> None:
    """A command whose failure ends this program; its output is shown."""
    print("$", *command, flush=True)
    subprocess.run(command, check=True, cwd=cwd)


def works(*command: str) -> bool:
    """Whether a program is there and answers."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def by_docker(program: str, folder: Path) -> None:
    """Docker, or podman, which takes the same options."""
    run(program, "build", "--file", "containers/Dockerfile", "--tag", NAME, ".")
    alone = (program, "run", "--rm", "--network", "none")
    run(*alone, "--entrypoint", "sh", NAME, "-c", 'test "$(id -u)" != 0')
    run(*alone, NAME, "models", "verify")
    folder.chmod(0o777)  # the user of the image is another than we
    run(*alone, "--volume", f"{folder}:/data", NAME, *ENHANCE)


def by_buildah(program: str, folder: Path) -> None:
    """Buildah, which runs a command in a container it made of the image."""
    run(program, "build", "--file", "containers/Dockerfile", "--tag", NAME, ".")
    made = subprocess.run([program, "from", NAME], check=True, capture_output=True, text=True)
    container = made.stdout.strip()
    folder.chmod(0o777)
    run(program, "run", "--network", "none", container, "--", "medddim", "models", "verify")
    place = f"{folder}:/data"
    run(program, "run", "--network", "none", "--volume", place, container, "--", NAME, *ENHANCE)


def by_apptainer(program: str, folder: Path) -> None:
    """Apptainer, or singularity, its older name."""
    image = str(folder / f"{NAME}.sif")
    run(program, "build", image, "containers/medddim.def")
    run(program, "test", image)
    run(program, "run", "--net", "--network", "none", image, *ENHANCE, cwd=folder)


BUILDERS: dict[str, Callable[[str, Path], None]] = {
    "docker": by_docker,
    "podman": by_docker,
    "buildah": by_buildah,
    "apptainer": by_apptainer,
    "singularity": by_apptainer,
}


def main() -> None:
    """Build and try with each builder that works."""
    tried = 0
    for program, build in BUILDERS.items():
        if not works(program, "--version"):
            print(f"skipped {program}: not installed")
        elif program in ("docker", "podman") and not works(program, "info"):
            print(f"skipped {program}: installed, but its service does not answer")
        else:
            tried += 1
            with tempfile.TemporaryDirectory() as folder:
                shutil.copy(PHANTOM, folder)
                build(program, Path(folder))
                if not (Path(folder) / "better" / PHANTOM.name).is_file():
                    sys.exit(f"make images: the image of {program} did not enhance the phantom")
            print(f"{program}: built, and enhanced a phantom without a network")
    print(f"{tried} of {len(BUILDERS)} builders")


if __name__ == "__main__":
    main()
