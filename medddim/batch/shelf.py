"""The files of one scan in the output folder: its result, and the maps beside it.

A part is the result, or one map, named by its quantity. A result appears whole or not at all,
so does each file of a map; a scan is done when all its parts are there and on record.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from glob import escape
from os.path import realpath  # unlike Path.resolve it bears links that go round in circles
from pathlib import Path
from typing import Literal

from medddim import formats, record
from medddim.batch.jobs import Answer
from medddim.digest import sha256_of
from medddim.errors import WriteRefused
from medddim.formats import Derivation
from medddim.formats.beside import QUANTITIES, map_files, quantity_of, result_files
from medddim.formats.contract import Quantity
from medddim.formats.guard import quiet
from medddim.record import Outcome

Part = Literal["result"] | Quantity
PARTS: tuple[Part, ...] = ("result", *QUANTITIES)
KILLED = "the run was killed before all maps were written; the same command writes them"

Kept = dict[Part, dict[str, str]]
"""The parts that need not be written again: for each the sha256 of its files."""


def unaltered(outcome: Outcome, destination: Path) -> Kept:
    """The parts of an earlier outcome that are there as they were written."""
    parts: Kept = defaultdict(dict)
    for file, sha256 in outcome.outputs.items():
        parts[quantity_of(file) or "result"][file] = sha256
    return {part: files for part, files in parts.items() if _all_there(files, destination)}


def places(destination: Path, name: str, part: Part) -> list[Path]:
    """The files of one part of the scan `name` that are there; of a DICOM result, the folder."""
    return (
        result_files(destination, name) if part == "result" else map_files(destination, name, part)
    )


def write(
    answer: Answer,
    destination: Path,
    *,
    outcome: Outcome,
    missing: Sequence[Part],
    derivation: Derivation,
) -> Outcome:
    """Write the parts of the scan that are missing; the outcome, with all its files.

    `outcome.outputs` are the files kept. If a map fails, what this call has written goes again.
    """
    result, maps = answer
    beside = (destination / outcome.name).parent
    _require_below(destination, beside)
    killed = replace(outcome, status="failed", reason=KILLED)
    record.announce(destination, killed if any(map_ in missing for map_ in maps) else outcome)
    files = [destination / file for file in outcome.outputs if not quantity_of(file)]
    clipped, notes = outcome.clipped, outcome.notes
    if "result" in missing:
        with quiet():  # what was clipped goes into the record
            written = formats.write(result, destination, name=outcome.name, derivation=derivation)
        files, clipped, notes = list(written), written.clipped, list(written.notes)
    try:
        maps_written = [
            file
            for quantity, values in maps.items()
            if quantity in missing
            for file in formats.write_map(values, beside, of=files, quantity=quantity)
        ]
    except BaseException:
        _remove(path for part in missing for path in places(destination, outcome.name, part))
        raise
    outputs = outcome.outputs | _digests(destination, [*files, *maps_written])
    return replace(outcome, outputs=outputs, clipped=clipped, notes=notes)


def adopted(destination: Path, name: str) -> Outcome | None:
    """What a killed process had put in its place of the scan `name`, whole, but not recorded.

    Its maps are not known to be complete: those that are not on record go.
    """
    outcome = record.announced(destination, name)
    if outcome is None:
        return None
    maps = [file for one in QUANTITIES for file in map_files(destination, name, one)]
    kept = {destination / file for file in outcome.outputs}
    place = destination / name
    torn = sorted(place.parent.glob(f".{escape(place.name)}+*.partial"))
    _remove([*torn, *(file for file in maps if file not in kept)])
    there = places(destination, name, "result")
    files = [
        file for place in there for file in (sorted(place.iterdir()) if place.is_dir() else [place])
    ]
    return (
        replace(outcome, outputs=outcome.outputs | _digests(destination, files)) if there else None
    )


def recover(destination: Path, names: Container[str] | None = None, *, part: str = "") -> None:
    """Record the results that killed processes left unrecorded: all, or those of scans `names`."""
    record.repair(destination, part=part)
    announced = [one.name for one in record.all_announced(destination)]
    for name in [one for one in announced if names is None or one in names]:
        outcome = adopted(destination, name)
        if outcome:
            record.append(destination, outcome, part=part)
        record.forget_announced(destination, name)


def clear(destination: Path, names: Iterable[str]) -> None:
    """Remove what killed processes have left half-written of these scans."""
    for place in (destination / name for name in names):
        begun = (f".{escape(place.name)}{end}.partial" for end in ("~*", ".*", "+*"))
        _remove(path for pattern in begun for path in place.parent.glob(pattern))


def _require_below(destination: Path, place: Path) -> None:
    """Raise WriteRefused where a link leads out of the folder of the results."""
    if not Path(realpath(place)).is_relative_to(realpath(destination)):
        raise WriteRefused(f"{place} leads out of {destination} by a link; remove the link")


def _remove(there: Iterable[Path]) -> None:
    for path in there:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _all_there(files: dict[str, str], destination: Path) -> bool:
    there = ((destination / name, sha256) for name, sha256 in files.items())
    return all(file.is_file() and sha256_of(file) == sha256 for file, sha256 in there)


def _digests(destination: Path, files: Iterable[Path]) -> dict[str, str]:
    return {file.relative_to(destination).as_posix(): sha256_of(file) for file in files}
