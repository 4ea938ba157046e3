"""Write constraints.txt: one exact version of everything, with the hashes of all its files.

Run by `make lock`; `make lock UPGRADE=1` also moves to newer versions. See docs/decisions/0001.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "constraints.txt"
HEADER = """\
# One exact version of everything medddim may install, with the hashes of its files: `make lock`
# writes it from pyproject.toml, `make setup` installs from it. Not edited by hand.
"""
RESOLVE = (
    *("-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--quiet"),
    *("--universal", "--python-version", "3.11", "--generate-hashes"),
    *("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"),
)


def resolve(current: str, *, options: list[str]) -> str:
    """Pins and hashes for `pyproject.toml`, asked of the index pip is configured for.

    The versions of `current` are kept where they still fit; its hashes are asked for anew.
    """
    pip = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    index = subprocess.run(pip, capture_output=True, text=True, check=False).stdout.strip()
    environment = os.environ | ({"UV_DEFAULT_INDEX": index} if index else {})
    with tempfile.TemporaryDirectory() as folder:
        lock = Path(folder) / LOCK.name
        lock.write_text(re.sub(r" \\\n +--hash=\S+", "", current))
        command = [sys.executable, *RESOLVE, "--output-file", str(lock), *options]
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        return lock.read_text()


if __name__ == "__main__":
    current = LOCK.read_text() if LOCK.exists() else ""
    LOCK.write_text(HEADER + resolve(current, options=sys.argv[1:]))
