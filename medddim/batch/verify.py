"""The results of a run against their sources and against what the run has put on record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from medddim import formats, record
from medddim.batch import validators
from medddim.batch.parts import PARTS
from medddim.digest import sha256_of
from medddim.errors import MedddimError, UnreadableScan
from medddim.formats import Derivation, Series
from medddim.formats.beside import quantity_of
from medddim.formats.contract import Repair
from medddim.formats.table import FORMATS
from medddim.record import Outcome
from medddim.volume import Volume

TOPICS = (
    "record", "files", "source", "geometry", "values", "order", "identity", "provenance",
    *validators.VALIDATORS,
)  # fmt: skip
"""Record and files: nothing lost, left over or altered. The others compare result and source."""


@dataclass(frozen=True)
class Verdict:
    """What was checked of one result, or of the manifest of a run.

    `topics` holds what is wrong, "" where nothing is; one that does not apply, or could not be
    judged because of another, is left out. `inherited` is what the validators find in the result
    and in its source alike: no fault of the result.
    """

    name: str
    files: int
    topics: dict[str, str]
    inherited: dict[str, str] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self.topics.values())

    @property
    def of_record(self) -> bool:
        """Whether it is about the manifest of a run, not about a result."""
        return Path(self.name).name == record.MANIFEST

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self) | {"good": self.good})


def verify(destination: Path) -> Iterator[Verdict]:
    """Check every result on record in the output folder of a run, and the record itself.

    Of a folder of such folders, as a BIDS derivative is, all. Raises UnreadableScan if a folder
    holds no manifest, or no result.
    """
    for folder in record.folders(destination) or [destination]:
        for verdict in _of_run(folder):
            place = folder.relative_to(destination) / verdict.name
            yield replace(verdict, name=place.as_posix())


def _of_run(destination: Path) -> Iterator[Verdict]:
    manifest = _manifest(destination)
    named = [_outcome(scan) for scan in manifest["scans"]]
    lines = record.last_lines(destination)
    written = {one.name: one for one in named if one and one.outputs}
    results = lines | written
    if not results:
        raise UnreadableScan(f"{destination}: {record.MANIFEST} tells of no result")
    yield Verdict(record.MANIFEST, 1, {"record": next(_unsound(manifest, named, destination), "")})
    for outcome in results.values():
        topics = {"record": _against_line(outcome, lines.get(outcome.name), manifest)}
        yield _verdict(outcome, destination, topics)


def _manifest(destination: Path) -> dict[str, Any]:
    path = destination / record.MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        return manifest | {"scans": list(manifest["scans"]), "job": dict(manifest["job"])}
    except (OSError, ValueError, KeyError, TypeError):
        raise UnreadableScan(
            f"{path}: expected the manifest of a run, found none or a broken one; name the folder "
            "that was the output of `medddim enhance` or `medddim degrade`"
        ) from None


def _outcome(scan: Any) -> Outcome | None:
    try:
        return Outcome(**scan)
    except TypeError:
        return None


def _unsound(
    manifest: dict[str, Any], named: Sequence[Outcome | None], destination: Path
) -> Iterator[str]:
    if None in named:
        yield "an entry of the manifest is broken"
    if manifest.get("scans_given") != len(named):
        yield f"the run was interrupted after {len(named)} of {manifest.get('scans_given')} scans"
    partial = [
        *destination.rglob(".*.partial"),
        *destination.glob(f"{record.ANNOUNCED}.*"),
        *destination.glob(f"{PARTS}.*"),
    ]
    left = [path.relative_to(destination).as_posix() for path in partial]
    if left:
        yield f"a killed run left {', '.join(left[:3])}; run the same command again"


def _against_line(outcome: Outcome, line: Outcome | None, manifest: dict[str, Any]) -> str:
    """Manifest and record are written apart: an edit of one shows in the other."""
    if line is None:
        return f"{record.RECORD} does not tell of this result"
    if line.status == "failed":
        return line.reason
    if _timeless(outcome) != _timeless(line):
        return f"{record.MANIFEST} and {record.RECORD} differ: one of them was altered"
    listed = any(
        scan.get("name") == outcome.name and scan.get("outputs") for scan in manifest["scans"]
    )
    if listed and not manifest["job"].items() <= outcome.job.items():
        return f"{record.MANIFEST} tells of another job for this scan than for the run"
    return ""


def _timeless(outcome: Outcome) -> Outcome:
    """What two runs say alike of one result, the second of which found it done."""
    return replace(outcome, status="ok", seconds=0.0)


def _verdict(outcome: Outcome, destination: Path, topics: dict[str, str]) -> Verdict:
    topics["files"] = next(_altered(outcome, destination), "")
    files = [destination / name for name in outcome.outputs if not quantity_of(name)]
    there = [file for file in files if file.is_file()]
    try:
        series = source_of(outcome, destination)
        source = formats.read(series)
        topics["source"] = ""
    except (MedddimError, OSError) as problem:
        topics["source"] = str(problem)
        return Verdict(outcome.name, len(outcome.outputs), topics)
    if files and there == files:
        topics |= _against_source(files, source, outcome)
    inherited: dict[str, str] = {}
    if _is_judged(outcome) and not validators.missing():
        sound = [file for name in outcome.outputs if (file := destination / name).is_file()]
        topics |= {
            "dciodvfy": validators.dciodvfy(sound),
            "dcentvfy": validators.dcentvfy([*sound, *series.files]),
        }
        for name in (name for name in validators.VALIDATORS if topics[name]):
            in_source = getattr(validators, name)(series.files)
            topics[name], theirs = validators.set_apart(topics[name], in_source)
            inherited |= {name: theirs} if theirs else {}
    return Verdict(outcome.name, len(outcome.outputs), topics, inherited)


def _is_judged(outcome: Outcome) -> bool:
    """Whether the validators know the format of the result."""
    form = outcome.reading.get("format")
    return any(format.name == form and format.validators for format in FORMATS)


def _altered(outcome: Outcome, destination: Path) -> Iterator[str]:
    for name, sha256 in outcome.outputs.items():
        file = destination / name
        if not file.resolve().is_relative_to(destination.resolve()):
            yield f"{name} lies outside the output folder"
        elif not file.is_file():
            yield f"{name} is missing"
        elif sha256_of(file) != sha256:
            yield f"{name} was altered since it was written (sha256)"
    folder = destination / outcome.name
    known = {destination / name for name in outcome.outputs}
    if any(file.parent == folder for file in known):
        strangers = sorted(path.name for path in folder.iterdir() if path not in known)
        if strangers:
            yield f"{outcome.name}/{strangers[0]} was not written by the run"


def _against_source(files: Sequence[Path], source: Volume, outcome: Outcome) -> dict[str, str]:
    derivation = Derivation(str(outcome.job.get("kind")), "", outcome.job | outcome.facts)
    form = str(outcome.reading.get("format"))
    try:
        return formats.check(files, source, derivation=derivation, format=form)
    except (MedddimError, OSError) as problem:
        return {"geometry": str(problem)}


def source_of(outcome: Outcome, destination: Path) -> Series:
    """The scan a result was made from, as it was read then. Raises UnreadableScan."""
    said = {one.name: outcome.reading.get(one.name, one.default) for one in fields(Repair)}
    repair = Repair(**said)
    part = int(outcome.reading.get("part", 0))
    files = [_there(Path(name), destination) for name in outcome.inputs]
    if files and None not in files:
        form = str(outcome.reading.get("format"))
        found = [
            Series(form, outcome.name, tuple(filter(None, files)), repair=repair, part=part)
        ]  # fmt: skip
    else:
        found = [
            series
            for archive in _archives(outcome, destination)
            for series in formats.find(archive, **said)
            if series.part == part
        ]
    wanted = list(outcome.inputs.values())
    for series in found:
        if [sha256_of(file) for file in series.files] == wanted:
            return series
    first = next(iter(outcome.inputs), "nothing on record")
    raise UnreadableScan(
        f"{first}: the scan is no longer there, or no longer what it was when the result was made"
    )


def _archives(outcome: Outcome, destination: Path) -> set[Path]:
    """Zip files that stand where the record has a folder."""
    places = {place for name in outcome.inputs for place in Path(name).parents}
    found = (_there(place, destination) for place in places)
    return {place for place in found if place is not None}


def _there(path: Path, destination: Path) -> Path | None:
    """The file, relative to here or, if its name is relative, from a folder around the results."""
    places = [path, *(folder / path for folder in destination.resolve().parents)]
    return next((place for place in places if place.is_file()), None)
