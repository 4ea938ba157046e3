"""What medddim makes of every series in a folder of scans, as a table in Markdown.

    python benchmarks/verdicts.py PATH... [--apart]

Each series is read, and written as `--model identity` writes it. What is `right` has the same
voxels and grid when read again, and the same stored integers at the same positions when pydicom
compares the files. All else was refused, with the reason; `WRONG` must not occur (exit code 1).
`--apart` takes every file for itself, where the files of a folder are variants of each other.
"""

from __future__ import annotations

import logging
import re
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pydicom

from medddim import formats
from medddim.errors import MedddimError
from medddim.formats import Derivation, Series
from medddim.volume import Volume

IDENTITY = Derivation("identity", "Copied unchanged by medddim")
POSITION_MM = 1e-4
LONGEST_REASON = 160


def main() -> None:
    """Print the table and, below it, how many of each verdict."""
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")  # pydicom's, on the sources
    apart = "--apart" in sys.argv
    paths = [Path(argument) for argument in sys.argv[1:] if argument != "--apart"]
    counts: Counter[str] = Counter()
    print("| scan | files | kind | verdict |\n|---|---|---|---|")
    for path in paths:
        for scanned in files_of(path) if apart else [path]:
            for series in formats.find(scanned):
                verdict = verdict_on(series)
                counts[verdict.split(":")[0]] += 1
                name = place(series, path)
                kind = series.facts.get("kind", "-")
                by = series.facts.get("stacked_by")
                print(f"| {name} | {len(series.files)} | {f'{kind} by {by}' if by else kind} | "
                      f"{cleaned(verdict, path)} |")  # fmt: skip
    print("\n" + ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) + ".")
    sys.exit(1 if counts["WRONG"] else 0)


def verdict_on(series: Series) -> str:
    """Right, refused with the reason, or WRONG with what differs."""
    try:
        volume = formats.read(series)
        with tempfile.TemporaryDirectory() as folder:
            written = formats.write(volume, folder, name="x", derivation=IDENTITY)
            again = formats.read(Path(folder))
            wrong = _differs(volume, again) or _stored_differs(series, written)
    except MedddimError as refusal:
        return f"refused: {refusal}"
    return f"WRONG: {wrong}" if wrong else "right"


def _differs(volume: Volume, again: Volume) -> str:
    """What is not the same when the result is read by medddim itself."""
    scales = getattr(again.source, "scales", ((0.0, 0.0),))
    # where the slope differed from slice to slice, one of its kind takes their place
    allowed = 0.51 * abs(scales[0][0]) if len(set(volume_scales(volume))) > 1 else 0.0
    worst = float(np.abs(again.voxels - volume.voxels).max())
    moved_mm = float(np.abs(again.affine - volume.affine).max())
    if worst > allowed:
        return f"voxels differ by up to {worst:.4g}"
    return f"the grid moved by {moved_mm:.2g}" if moved_mm > POSITION_MM else ""


def volume_scales(volume: Volume) -> tuple[tuple[float, float], ...]:
    """Slope and intercept of each image of a DICOM source; none for NIfTI."""
    return getattr(volume.source, "scales", ())


def _stored_differs(series: Series, written: Sequence[Path]) -> str:
    """What pydicom alone finds different between classic source files and those written.

    Files are paired by position; a series with several images at a place is left to `_differs`.
    """
    if series.format != "dicom" or series.facts["kind"] != "volume":
        return ""
    sources = [pydicom.dcmread(file) for file in series.files]
    if len(sources) != len(written):
        return ""  # multi-frame: its frames are compared in tests/formats/dicom/test_enhanced.py
    for result in (pydicom.dcmread(file) for file in written):
        place = np.array(result.ImagePositionPatient, dtype=float)
        source = min(sources, key=lambda one: np.abs(_position(one) - place).max())
        if np.abs(_position(source) - place).max() > POSITION_MM:
            return "a slice lies where no source lies"
        same_scale = source.get("RescaleSlope") == result.get("RescaleSlope")
        if same_scale and not np.array_equal(source.pixel_array, result.pixel_array):
            return "stored integers differ"
    return ""


def _position(dataset: pydicom.Dataset) -> npt.NDArray[np.float64]:
    return np.array(dataset.ImagePositionPatient, dtype=float)


def files_of(path: Path) -> Iterator[Path]:
    """Every file below a folder, in order."""
    yield from (file for file in sorted(path.rglob("*")) if file.is_file())


def place(series: Series, root: Path) -> str:
    """Where the series lies, relative to the folder asked about."""
    first = series.files[0]
    place = first if len(series.files) == 1 else first.parent
    return place.relative_to(root if root.is_dir() else root.parent).as_posix()


def cleaned(text: str, root: Path) -> str:
    """One short line without the places of this machine."""
    text = re.sub(r"\s+", " ", text.replace(f"{root}/", "").replace("|", "/"))
    return text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]} ..."


if __name__ == "__main__":
    main()
