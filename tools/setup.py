"""Make .venv hold exactly what constraints.txt says, every file's hash checked, and medddim itself.

Run by `make setup` with any Python >= 3.11; does nothing where .venv is up to date.
"""

import fcntl
import hashlib
import re
import subprocess
import sys
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
DONE = VENV / "setup.done"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TESTS = r"/site-packages/.*/tests?/"
LOCKED = ("--require-hashes", "--constraint", "constraints.txt")


def wanted() -> list[str]:
    """Every requirement of medddim and its extras."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    names = [*project["dependencies"], *(name for extra in extras for name in extra)]
    return sorted(name for name in names if not name.startswith(f"{project['name']}["))


def fingerprint() -> str:
    """What .venv was made from: this Python, this folder and the files that say what goes in."""
    sources = ("constraints.txt", "constraints-cpu.txt", "tools/setup.py")
    content = "".join((ROOT / source).read_text() for source in sources)
    content += repr((PYPROJECT["project"], PYPROJECT["build-system"]))
    return f"{ROOT} {sys.version} {hashlib.sha256(content.encode()).hexdigest()}"


@dataclass(frozen=True)
class Environment:
    """A virtual environment for what is locked."""

    place: Path

    @property
    def python(self) -> str:
        """Its interpreter."""
        return str(self.place / "bin" / "python")

    def make(self) -> None:
        """Anew, so that nothing is in it but what is locked; and with the locked pip.

        Those that come with Python 3.11 to 3.13 check no hashes of constraints.
        """
        venv.create(self.place, clear=True, with_pip=True)
        locked = (ROOT / "constraints.txt").read_text()
        pin = re.findall(r"^pip==(?:.*\\\n)+.*\n", locked, re.MULTILINE)
        requirement = self.place / "pip.txt"
        requirement.write_text(pin[0])
        self.install("--require-hashes", "--requirement", str(requirement))
        self.compile()

    def install(self, *arguments: str) -> None:
        """Run its pip; it shows errors only, and ends this program with the first."""
        pip = [self.python, "-m", "pip", "install", "-qq", "--no-compile"]
        if subprocess.run([*pip, *arguments], check=False, cwd=ROOT).returncode:
            sys.exit(f"{Path(sys.argv[0]).name}: pip failed; its message is above")

    def install_cpu_torch(self) -> None:
        """The CPU build of torch where pip finds one, else none: another comes later."""
        pip = [self.python, "-m", "pip", "install", "-qq", "--no-compile", "--no-deps"]
        command = [*pip, "--require-hashes", "--requirement", "constraints-cpu.txt"]
        result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
        if result.returncode and "No matching distribution" not in result.stderr:
            sys.exit(f"{Path(sys.argv[0]).name}: pip failed\n{result.stderr}")

    def compile(self) -> None:
        """Bytecode of all packages but their tests, by all cores: pip does it by one.

        Some files are templates, or for another Python, and do not compile: pip lets them be, too.
        """
        command = [self.python, "-m", "compileall", "-qq", "-j", "0", "-x", TESTS]
        subprocess.run([*command, str(self.place / "lib")], capture_output=True, check=False)


def make() -> None:
    """Build .venv anew."""
    print(f"Setting up .venv with Python {sys.version.split()[0]}: some minutes, once", flush=True)
    environment = Environment(VENV)
    environment.make()
    environment.install_cpu_torch()
    environment.install(*LOCKED, *wanted())
    environment.install("--no-deps", "--no-build-isolation", "--editable", ".")
    environment.compile()
    DONE.write_text(fingerprint())


if __name__ == "__main__":
    with (ROOT / ".setup.lock").open("w") as only_one:
        fcntl.flock(only_one, fcntl.LOCK_EX)  # a second `make` waits here
        if not DONE.exists() or DONE.read_text() != fingerprint():
            make()
