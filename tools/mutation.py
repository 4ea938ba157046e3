"""How many faults do the tests find? mutmut on a random sample of mutants of some folders.

    python tools/mutation.py [FOLDER...] [--sample 80] [--seed 0] [--processes 2]

mutmut plants one fault at a time (another operator, number, argument, keyword, text) and runs the
tests that reach it until one fails; `[tool.mutmut]` of pyproject.toml says which code and which
tests. Of all mutants of a FOLDER, `--sample` are drawn with `--seed`. Prints for each folder the
share that was found, with its 95 % interval (Wilson 1927), and the mutants that lived:
`mutmut show NAME` shows one. Results are kept in `mutants/`: an interrupted run goes on there.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

from mutmut.mutation.file_mutation import mutate_file_contents
from mutmut.stats import status_by_exit_code
from mutmut.utils.format_utils import get_mutant_name
from scipy.stats import binomtest

FOLDERS = ("medddim/diffusion", "medddim/formats/dicom", "medddim/batch")
FOUND = ("killed", "timeout", "segfault")


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
    names = {folder: mutants(Path(folder)) for folder in asked.folders}
    drawn = {
        folder: random.Random(asked.seed).sample(all_, min(asked.sample, len(all_)))
        for folder, all_ in names.items()
    }
    done = {name for folder in drawn for name in results(Path(folder))}
    if left := [name for some in drawn.values() for name in some if name not in done]:
        mutmut = Path(sys.executable).with_name("mutmut")
        subprocess.run([mutmut, "run", "--max-children", asked.processes, *left], check=True)
    for folder, some in drawn.items():
        status = results(Path(folder))
        print(score(folder, {name: status[name] for name in some}, of=len(names[folder])))


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
