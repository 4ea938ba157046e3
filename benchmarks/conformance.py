"""Do results conform to DICOM? dciodvfy and dcentvfy on results of real series of every vendor.

    python benchmarks/conformance.py SERIES [-o table.md]

SERIES is a folder of DICOM series. Each is copied unchanged, denoised by the model for its
modality, and resampled: every slice into four, then every pixel into four, cubic, for it is the
writer that is judged here. The table counts the errors of dciodvfy in all files of a result, those
in the files of the source, and the lines of dcentvfy on the result alone and beside its source.
Needs dicom3tools.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.ndimage import map_coordinates

from medddim import formats
from medddim.batch import validators
from medddim.formats import Derivation
from medddim.inference.enhancer import Enhancer
from medddim.volume import Volume

TITLES = (
    *("series", "result", "files", "dciodvfy errors", "in the source"),
    *("dcentvfy lines", "beside the source"),
)
MODELS = {"MR": "mr-denoise", "CT": "ct-denoise"}


def main() -> None:
    """Write every result, judge it, print the table."""
    arguments = parse()
    if lacking := validators.missing():
        sys.exit(f"{', '.join(lacking)}: not installed (Debian: dicom3tools)")
    rows, counts = [], Counter()
    with tempfile.TemporaryDirectory() as folder:
        for row, complaints in judged(arguments.series, Path(folder)):
            print(*row, sep="  ", flush=True)
            rows.append(row)
            counts.update(complaints)
    text = "\n".join(
        "| " + " | ".join(row) + " |" for row in (TITLES, ["---"] * len(TITLES), *rows)
    )
    text += "".join(f"\n\n{count} × {complaint}" for complaint, count in counts.items())
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("series", type=Path)
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    return parser.parse_args()


def judged(root: Path, out: Path) -> Iterator[tuple[tuple[str, ...], Counter[str]]]:
    """One row for each series and result, and what dcentvfy says of them."""
    enhancers = {modality: Enhancer.load(model) for modality, model in MODELS.items()}
    for series in formats.find(root):
        if series.format != "dicom" or series.refusal:
            continue
        scan = formats.read(series)
        before = sum(errors(series.files).values())
        for name, kind, make in results(scan, enhancers[scan.modality]):
            derivation = Derivation(kind, f"For judgement: {name}", {"model": name})
            label = f"{series.name}_{kind}_{name.partition(' ')[0]}"
            files = formats.write(make(scan), out, name=label, derivation=derivation)
            alone = said("dcentvfy", files)
            lines = said("dcentvfy", [*files, *series.files])
            wrong = errors(files)
            counts = (len(files), sum(wrong.values()), before, len(alone), len(lines))
            yield (series.name, name, *map(str, counts)), wrong + Counter(map(plain, lines))


def results(
    scan: Volume, enhancer: Enhancer
) -> Iterator[tuple[str, str, Callable[[Volume], Volume]]]:
    """Name, kind and maker of each result."""
    yield "identity", "identity", lambda volume: volume
    yield enhancer.name, "denoise", enhancer
    yield "slices ×4", "superresolve", lambda volume: finer(volume, (1, 1, 4))
    yield "pixels ×2", "superresolve", lambda volume: finer(volume, (2, 2, 1))


def finer(volume: Volume, factors: tuple[int, int, int]) -> Volume:
    """Cubic, on a grid so many times finer, of the same extent."""
    shares = 1 / np.array(factors)
    centres = [
        (np.arange(n * f) + 0.5) / f - 0.5 for n, f in zip(volume.shape, factors, strict=True)
    ]
    grid = np.meshgrid(*centres, indexing="ij")
    voxels = [map_coordinates(image, grid, order=3, mode="nearest") for image in volume.voxels]
    affine = volume.affine @ np.diag([*shares, 1])
    affine[:3, 3] = (volume.affine @ [*((shares - 1) / 2), 1])[:3]
    return replace(volume, voxels=np.stack(voxels), affine=affine)


def errors(files: Sequence[Path]) -> Counter[str]:
    """The errors dciodvfy finds in these files."""
    lines = [line for file in files for line in said("dciodvfy", [file])]
    return Counter(plain(line) for line in lines if line.startswith("Error"))


def said(program: str, files: Sequence[Path]) -> list[str]:
    """Every complaint of one call."""
    done = subprocess.run([program, *files], capture_output=True, check=False)
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.startswith(("Error", "Warning"))]


def plain(line: str) -> str:
    """A complaint without the file and value it is about."""
    return line.partition(" for file")[0].partition(" = <")[0]


if __name__ == "__main__":
    main()
