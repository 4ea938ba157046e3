"""How many faults do the tests find? mutmut on a random sample of mutants of some folders.

    python tools/mutation.py [FOLDER...] [--sample 80] [--seed 0] [--processes 2]

mutmut plants one fault at a time (another operator, number, argument, keyword, text) in a FOLDER of
the package and runs those tests of its mirror in tests/ that reach it, until one fails. Of all
mutants, `--sample` are drawn with `--seed`. Prints for each folder the share that was found, with
its 95 % interval (Wilson 1927), and the mutants that lived or came to no end: `mutmut show NAME` in
build/mutation/ shows one. Results are kept there: an interrupted run goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
from contextlib import chdir
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("medddim/diffusion", "medddim/formats/dicom", "medddim/batch")
FOUND = ("killed", "segfault")
"""Not what came to no end: after a fork tests of Dask wait for ever, whatever the mutant."""
COPIED = ("benchmarks", "data_samples", "medddim", "tests", "tools")
SETTINGS = """
[tool.mutmut]
source_paths = ["medddim"]
only_mutate = ["{folder}/*"]
also_copy = ["benchmarks", "data_samples", "tools"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-m", "not slow and not pacs and not browser"]
pytest_add_cli_args_test_selection = ["{tests}"]
track_dependencies = false
"""


def main() -> None:
    """Draw, run, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", default=FOLDERS, metavar="FOLDER")
    parser.add_argument("--sample", type=int, default=80)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", default="2")
    asked = parser.parse_args()
    for name in asked.folders:
        folder = Path(name)
        with chdir(staged(folder)):
            names = mutants(folder)
            drawn = random.Random(asked.seed).sample(names, min(asked.sample, len(names)))
            if left := [name for name in drawn if name not in results(folder)]:
                mutmut = Path(sys.executable).with_name("mutmut")
                command = [mutmut, "run", "--max-children", asked.processes, *left]
                subprocess.run(command, check=True)
            status = results(folder)
        print(score(name, {one: status[one] for one in drawn}, of=len(names)), flush=True)


def staged(folder: Path) -> Path:
    """A copy of what the tests need, where mutmut is set to one folder and its tests."""
    place = ROOT / "build" / "mutation" / "-".join(folder.parts)
    for name in COPIED:
        shutil.copytree(ROOT / name, place / name, dirs_exist_ok=True)  # as old as the original
    settings = SETTINGS.format(folder=folder, tests=Path("tests", *folder.parts[1:]))
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (place / "pyproject.toml").write_text(project + settings, encoding="utf-8")
    return place


def mutants(folder: Path) -> list[str]:
    """The names of all mutants of a folder, as mutmut gives them."""
    return [name for path in sorted(folder.rglob("*.py")) for name in mutants_of(path)]


def mutants_of(path: Path) -> list[str]:
    """Those of a file; made anew only where mutmut has not made them before."""
    made = Path("mutants") / f"{path}.meta"
    if made.is_file() and made.stat().st_mtime > path.stat().st_mtime:
        return list(json.loads(made.read_text(encoding="utf-8"))["exit_code_by_key"])
    source = path.read_text(encoding="utf-8")
    return [
        get_mutant_name(path, name) for name in mutate_file_contents(str(path), source).mutant_names
    ]


def results(folder: Path) -> dict[str, str]:
    """What became of the mutants that were run, by name."""
    found: dict[str, str] = {}
    for path in ("mutants" / folder).rglob("*.meta"):
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        run = {name: code for name, code in codes.items() if code is not None}
        found |= {name: status_by_exit_code[code] for name, code in run.items()}
    return found


def score(folder: str, status: dict[str, str], *, of: int) -> str:
    """A line for the folder, and one for each mutant that lived."""
    found = sum(one in FOUND for one in status.values())
    low, high = binomtest(found, len(status)).proportion_ci(method="wilson")
    lived = [f"  {one}: {name}" for name, one in sorted(status.items()) if one not in FOUND]
    share = f"{found / len(status):.1%} ({low:.1%} to {high:.1%})"
    first = f"{folder}: {found} of {len(status)} found, {share}; drawn from {of}"
    return "\n".join([first, *lived])


if __name__ == "__main__":
    sys.exit(main())
