"""Do other tools find the same b-values and directions in a result as in its source?

    python benchmarks/b_tables.py FOLDER... [-o table.md]

Every diffusion series in the folders (DICOM, more than one b-value or direction) is written as a
copy and as a denoised series, without a network, for it is the writer that is judged. dcm2niix and
dicom2nifti, those of the two that are installed, make .bval and .bvec of source and results. A
table `differs` if a number is further off than TOLERANCE. What the record
says could not be kept stands in the last column; a b0 that is missing although the record says so
is `the same but b0`. Exit code 1 if a table differs.

    pip install dcm2niix==1.0.20260724 dicom2nifti==2.6.2
"""

from __future__ import annotations

import argparse
import importlib.util
import logging
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from medddim import formats
from medddim.formats import Derivation

D2N = "import sys, dicom2nifti; dicom2nifti.convert_directory(*sys.argv[1:])"
TOOLS = {
    "dcm2niix": ["dcm2niix", "-z", "n", "-f", "x", "-o", "{out}", "{series}"],
    "dicom2nifti": [sys.executable, "-c", D2N, "{series}", "{out}"],
}
TITLES = ("series", "result", "tool", "b-table of the source", "of the result", "notes")
KINDS = ("identity", "denoise")
TOLERANCE = 1e-4

Table = npt.NDArray[np.float64]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    asked = parser.parse_args()
    if not any(map(is_installed, TOOLS)):
        sys.exit(f"none of {', '.join(TOOLS)} is installed")
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")  # pydicom's, on the sources
    rows = [row for folder in asked.folders for row in rows_of(folder)]
    lines = (TITLES, ["---"] * len(TITLES), *rows)
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
    sys.exit(any(row[4] == "differs" for row in rows))


def rows_of(folder: Path) -> Iterator[tuple[str, ...]]:
    """A row for each diffusion series below the folder, kind of result and tool."""
    for series in formats.find(folder):
        by = series.facts.get("stacked_by", "")
        if series.format != "dicom" or not ("Diffusion" in by or series.facts.get("notes")):
            continue
        scan = formats.read(series)
        for kind in KINDS:
            with tempfile.TemporaryDirectory() as out:
                derivation = Derivation(kind, "For judgement.", {"model": "none"})
                formats.write(scan, out, name="x", derivation=derivation)
                for tool in filter(is_installed, TOOLS):
                    before, after = (
                        tables(tool, place) for place in (series.files[0].parent, Path(out, "x"))
                    )
                    name = f"{folder.name}/{series.name}"
                    notes = "; ".join(series.facts.get("notes", ()))
                    yield name, kind, tool, shown(before), verdict(before, after, notes), notes


def is_installed(tool: str) -> bool:
    """Whether the program is on the PATH, or the package can be imported."""
    return bool(shutil.which(tool) if tool == "dcm2niix" else importlib.util.find_spec(tool))


def tables(tool: str, series: Path) -> Table:
    """b-value and direction of each volume, in the order of the tool's files; none without any."""
    with tempfile.TemporaryDirectory() as out:
        command = [part.format(series=series, out=out) for part in TOOLS[tool]]
        subprocess.run(command, capture_output=True, check=False)
        found = sorted(Path(out).rglob("*.bval"))
        each = [
            np.vstack([np.loadtxt(path, ndmin=2), np.loadtxt(path.with_suffix(".bvec"), ndmin=2)])
            for path in found
        ]
    return np.hstack(each) if any(one.any() for one in each) else np.zeros((4, 0))


def shown(found: Table) -> str:
    """How many volumes, and how many of them have a direction."""
    count = found.shape[1]
    return f"{count} volumes, {int(found[1:].any(axis=0).sum())} directions" if count else "none"


def verdict(before: Table, after: Table, notes: str = "") -> str:
    """The same, none in either, more than the source's, the same but b0, or differs."""
    if not before.size:
        return "more than the source" if after.size else "none"
    if _alike(before, after):
        return "the same"
    weighted = before[:, before[0] > 0]
    return "the same but b0" if "b0" in notes and _alike(weighted, after) else "differs"


def _alike(one: Table, other: Table) -> bool:
    return one.shape == other.shape and bool(np.abs(one - other).max() < TOLERANCE)


if __name__ == "__main__":
    main()
