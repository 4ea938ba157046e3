"""Do results break the standard where their sources do not? dciodvfy and dcentvfy on results.

    python benchmarks/conformance.py FOLDER... [--apart] [--each] [--files N] [-o table.md]

Each series found in the folders is copied unchanged, smoothed as a denoiser would, resampled (every
slice into four, then every pixel into four), made worse, and given a map of what was removed. It is
the writer that is judged, so no network runs. A series that a repair makes readable is judged as
repaired. The table counts, for each kind of result, the errors of dciodvfy (one for each file and
kind) in source and result, the kinds that the source lacks, which are named below it, and the lines
of dcentvfy on a result alone. `--each` has a row for each series and result. Exit code 1 if a
result has a kind of error that its source lacks.
Needs dicom3tools.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.batch import validators
from medddim.errors import MedddimError
from medddim.formats import Derivation, Series
from medddim.volume import Volume

COUNTS = ("files", "errors in the source", "in the result", "new kinds", "dcentvfy lines")
TITLES = ("result", "series", *COUNTS)
EACH = ("series", "result", *COUNTS)
REPAIR = {"on_gap": "split", "on_tilt": "resample"}


@dataclass(frozen=True)
class Judged:
    """One result: how many files, errors by kind in source and result, what dcentvfy says."""

    series: str
    result: str
    files: int
    source: Counter[str]
    wrong: Counter[str]
    entities: int

    @property
    def new(self) -> list[str]:
        """The kinds of error that the source lacks."""
        return sorted(set(self.wrong) - set(self.source))

    def counts(self) -> tuple[str, ...]:
        """The cells behind the name of the result."""
        errors = (self.source.total(), self.wrong.total(), len(self.new))
        return tuple(map(str, (self.files, *errors, self.entities)))


def main() -> None:
    """Write every result, judge it, print the table."""
    arguments = parse()
    if lacking := validators.missing():
        sys.exit(f"{', '.join(lacking)}: not installed (Debian: dicom3tools)")
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")  # pydicom's, on the sources
    with tempfile.TemporaryDirectory() as folder:
        every = [
            one
            for number, root in enumerate(arguments.folders)
            for one in judged(root, Path(folder, str(number)), arguments)
        ]
    rows = [(one.series, one.result, *one.counts()) for one in every]
    text = table(EACH, rows) if arguments.each else table(TITLES, summed(every))
    new = [f"- {one.series}, {one.result}: {'; '.join(one.new)}" for one in every if one.new]
    count = len({one.series for one in every})
    text += f"\n\n{len(new)} of {len(every)} results of {count} series have a kind of error that "
    text += "their source lacks."
    text = "\n".join([text, "", *new]) if new else text
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")
    sys.exit(1 if new else 0)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--apart", action="store_true", help="take every file for itself")
    parser.add_argument("--each", action="store_true", help="a row for each series and result")
    parser.add_argument("--files", type=int, default=10**6, help="judge so many of each, evenly")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    return parser.parse_args()


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """In Markdown."""
    lines = (titles, ["---"] * len(titles), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def summed(every: Sequence[Judged]) -> list[tuple[str, ...]]:
    """One row for each kind of result."""
    kinds: dict[str, list[Judged]] = defaultdict(list)
    for one in every:
        kinds[one.result].append(one)
    return [
        (name, str(len(group)), *(str(sum(int(n) for n in column)) for column in zip(
            *(one.counts() for one in group), strict=True)))
        for name, group in kinds.items()
    ]  # fmt: skip


def judged(root: Path, out: Path, asked: argparse.Namespace) -> Iterator[Judged]:
    """Every result of every DICOM series of MR or CT that can be read."""
    for number, series in enumerate(readable(root, apart=asked.apart)):
        place = series.files[0] if asked.apart else series.files[0].parent
        name = place.relative_to(root.parent).as_posix()
        try:
            scan = formats.read(series)
        except MedddimError:
            continue
        before = validators.kinds_of(some(series.files, asked.files))
        for result, files in results(scan, out / str(number)):
            lines = [one for one in validators.dcentvfy(files).split("; ") if one]
            chosen = some(files, asked.files)
            wrong = validators.kinds_of(chosen)
            one = Judged(name, result, len(chosen), before, wrong, len(lines))
            print(name, result, *one.counts(), *one.new, sep="  ", file=sys.stderr, flush=True)
            yield one


def readable(root: Path, *, apart: bool) -> Iterator[Series]:
    """The series as they are, and those that a repair makes a volume of."""
    places = sorted(path for path in root.rglob("*") if path.is_file()) if apart else [root]
    for series in (one for place in places for one in formats.find(place, **REPAIR)):
        if series.format == "dicom" and not series.refusal:
            yield series


def some(files: Sequence[Path], most: int) -> list[Path]:
    """At most so many, evenly spread, the first and the last among them."""
    chosen = np.linspace(0, len(files) - 1, min(most, len(files))).round().astype(int)
    return [files[place] for place in chosen]


def results(scan: Volume, out: Path) -> Iterator[tuple[str, Sequence[Path]]]:
    """What a result is, and its files."""
    for name, kind, make in MAKERS:
        made = make(scan)
        derivation = Derivation(kind, f"For judgement: {name}", {"model": name})
        files = formats.write(made, out / name.replace(" ", "-"), name="x", derivation=derivation)
        yield name, files
        if kind == "denoise":
            removed = replace(made, voxels=scan.voxels - made.voxels)
            yield "map", formats.write_map(removed, out / "map", of=files, quantity="residual")


def smoothed(volume: Volume) -> Volume:
    """Along the rows, a little; a denoiser changes no more of a header."""
    return volume.with_voxels((volume.voxels + np.roll(volume.voxels, 1, axis=1)) / 2)


def finer(volume: Volume, factors: tuple[int, int, int]) -> Volume:
    """Each voxel cut in so many, on a grid of the same extent."""
    voxels = volume.voxels
    for axis, factor in enumerate(factors, 1):
        voxels = np.repeat(voxels, factor, axis=axis)
    shares = 1 / np.array(factors)
    affine = volume.affine @ np.diag([*shares, 1])
    affine[:3, 3] = (volume.affine @ [*((shares - 1) / 2), 1])[:3]
    return replace(volume, voxels=voxels, affine=affine)


MAKERS: tuple[tuple[str, str, Callable[[Volume], Volume]], ...] = (
    ("identity", "identity", lambda volume: volume),
    ("denoised", "denoise", smoothed),
    ("slices x 4", "superresolve", lambda volume: finer(volume, (1, 1, 4))),
    ("pixels x 2", "superresolve", lambda volume: finer(volume, (2, 2, 1))),
    ("degraded", "degrade", smoothed),
)


if __name__ == "__main__":
    main()
