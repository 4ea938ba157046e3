"""The record of a run: one line of JSON a scan as it ends, and a manifest when all have ended."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from medddim import __version__
from medddim.errors import EnvironmentProblem
from medddim.record.prov import PROV, prov_document

Status = Literal["ok", "done before", "skipped", "refused", "failed", "planned"]

RECORD = "medddim.jsonl"
MANIFEST = "medddim.json"
ANNOUNCED = ".medddim.announced"
"""What the names of announcements begin with; each scan has one of its own."""
PACKAGES = ("torch", "monai", "numpy", "nibabel", "pydicom", "highdicom")


@dataclass(frozen=True)
class Outcome:
    """What became of one scan.

    `inputs` and `outputs` give the sha256 of each file; outputs, maps among them, are relative to
    their folder. `reading` tells what of the inputs was read: the format, repairs, the part of a
    split series. `clipped` is how many voxels of the result the stored type could not hold.
    `notes` describe what of the source is stored otherwise, or not at all. `versions` are the
    packages the result was made with, which a later run may not have; `device` is where.
    `planned` says what the scan was expected to take: seconds, megabytes of the process, the edge
    of a tile; `seconds` and `peak_mb`, the most memory of the process until then, are what it took.
    """

    name: str
    status: Status
    reason: str = ""
    files: int = 0
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    job: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    reading: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    device: str = ""
    clipped: int = 0
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    planned: dict[str, Any] = field(default_factory=dict)
    peak_mb: int = 0

    @property
    def good(self) -> bool:
        """Whether there is nothing to complain of."""
        return self.status in ("ok", "done before", "skipped", "planned")

    @property
    def noise(self) -> str:
        """The noise of the scan as the model was given it, in words; "" of a job without."""
        level, hu = self.facts.get("noise_level"), self.facts.get("noise_hu")
        if level is None:
            return ""
        amount = f"noise {level:.1%}" if hu is None else f"noise {hu:g} HU"
        if "noise_in_unit" in self.job or isinstance(self.job.get("noise"), float):
            return f"{amount} as given"
        read_as_it_lies = hu is not None or "noise_correlation" in self.facts
        return amount if read_as_it_lies else f"{amount}, taken for white"

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def announce(destination: Path, outcome: Outcome) -> None:
    """Say what is on record if the process is killed between a result and its line.

    Raises EnvironmentProblem: a record that cannot be written is no fault of the scan.
    """
    with _kept(destination):
        _announcement(destination, outcome.name).write_text(outcome.line(), encoding="utf-8")


def announced(destination: Path, name: str) -> Outcome | None:
    """What a killed process has announced of the scan `name` and nobody recorded."""
    path = _announcement(destination, name)
    return _parsed(path.read_bytes()) if path.is_file() else None


def all_announced(destination: Path) -> Iterator[Outcome]:
    """What killed processes have announced and nobody recorded; torn announcements go."""
    for path in sorted(destination.glob(f"{ANNOUNCED}.*")):
        outcome = _parsed(path.read_bytes())
        if outcome:
            yield outcome
        else:
            path.unlink(missing_ok=True)


def forget_announced(destination: Path, name: str) -> None:
    """Nothing is announced of the scan `name` any more."""
    _announcement(destination, name).unlink(missing_ok=True)


def append(destination: Path, outcome: Outcome, *, part: str = "") -> None:
    """Add one line to the record, on disk before this returns; its announcement goes.

    `part` names the record of one of several runs that share the folder. Raises EnvironmentProblem
    if the disk does not take it; what it took of the line is then a torn line, skipped later.
    """
    with _kept(destination), _record(destination, part).open("a", encoding="utf-8") as file:
        file.write(outcome.line() + "\n")
        file.flush()
        os.fsync(file.fileno())
    forget_announced(destination, outcome.name)


def repair(destination: Path, *, part: str = "") -> None:
    """End a last line that a killed run left torn, so that the next one starts on its own."""
    path = _record(destination, part)
    if path.is_file() and not path.read_bytes().endswith(b"\n"):
        with _kept(destination), path.open("a", encoding="utf-8") as file:
            file.write("\n")


def last_lines(destination: Path) -> dict[str, Outcome]:
    """The last line of each name that has outputs; torn lines are skipped."""
    return {outcome.name: outcome for outcome in _lines(destination) if outcome.outputs}


def folders(destination: Path) -> list[Path]:
    """The folders of runs: `destination`, or else those below it, as a BIDS derivative has them."""
    names = MANIFEST, RECORD
    if any((destination / name).is_file() for name in names):
        return [destination]
    return sorted({path.parent for name in names for path in destination.rglob(name)})


def same_work(outcome: Outcome, *, inputs: dict[str, str], job: dict[str, Any]) -> bool:
    """Whether an earlier outcome was of this content and this job."""
    return list(outcome.inputs.values()) == list(inputs.values()) and outcome.job == job


def other_settings(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Which settings differ, and what they were; a hash is named alone."""
    differing = [key for key in before | now if before.get(key) != now.get(key)]
    stated = (
        f"another {key}" if key.endswith("sha256") else f"{key} {before.get(key, 'not given')}"
        for key in differing
    )
    return f"other settings ({', '.join(stated)})"


def write_manifest(
    destination: Path,
    outcomes: Sequence[Outcome],
    *,
    job: dict[str, Any],
    scans_given: int,
    part: str = "",
) -> None:
    """Write what was run, with what, on what; replaces the manifest of an earlier run.

    The same stands as PROV-JSON beside it.

    `job` is the job if all scans get the same, else what theirs have in common goes down; `part`
    is the shard that writes. An interrupted run has fewer `scans` than
    `scans_given`. Results of earlier runs that this one has not made or skipped stand as
    `earlier`, so that the manifest tells of every result in the folder.
    """
    stated = {outcome.name for outcome in outcomes if outcome.outputs}
    earlier = [one for name, one in last_lines(destination).items() if name not in stated]
    manifest = {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": ", ".join(sorted({one.device for one in outcomes if one.device})),
        "job": job or _shared([one.job for one in outcomes if one.job]),
        **({"shard": part} if part else {}),
        "scans_given": scans_given,
        "planned_and_taken": _planned_and_taken(outcomes),
        "scans": [asdict(outcome) for outcome in outcomes],
        "earlier": [asdict(outcome) for outcome in earlier],
    }
    _replace(destination, MANIFEST, manifest)
    _replace(destination, PROV, prov_document([*outcomes, *earlier]))


def _replace(destination: Path, name: str, said: dict[str, Any]) -> None:
    partial = destination / f".{name}"
    try:
        with _kept(destination):
            partial.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
            partial.replace(destination / name)
    finally:
        partial.unlink(missing_ok=True)


def _planned_and_taken(outcomes: Sequence[Outcome]) -> dict[str, tuple[float, float]]:
    """What the scans that were done were expected to take, and what they took."""
    done = [one for one in outcomes if one.status == "ok" and one.planned]
    seconds = (sum(one.planned["seconds"] for one in done), sum(one.seconds for one in done))
    planned = max((one.planned["memory_mb"] for one in done), default=0)
    return {
        "seconds": (round(seconds[0], 1), round(seconds[1], 1)),
        "memory_mb": (planned, max((one.peak_mb for one in done), default=0)),
    }


def versions() -> dict[str, str]:
    """The installed version of every package that can change a result."""
    return {"medddim": __version__, **_installed()}


@cache  # a file is read for each, and a run asks for every scan
def _installed() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES}


def _shared(jobs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    first = jobs[0] if jobs else {}
    return {
        key: value
        for key, value in first.items()
        if all(key in job and job[key] == value for job in jobs)
    }


def _lines(destination: Path) -> Iterator[Outcome]:
    """Every line of the record and of its parts; of parts the one written last comes last."""
    parts = [*destination.glob(RECORD), *destination.glob(RECORD.replace(".", ".*.", 1))]
    for path in sorted(parts, key=lambda path: path.stat().st_mtime_ns):
        for line in path.read_bytes().splitlines():
            if outcome := _parsed(line):
                yield outcome


def _record(destination: Path, part: str) -> Path:
    return destination / (RECORD.replace(".", f".{part}.", 1) if part else RECORD)


def _announcement(destination: Path, name: str) -> Path:
    return destination / f"{ANNOUNCED}.{hashlib.sha256(name.encode()).hexdigest()[:16]}"


@contextmanager
def _kept(destination: Path) -> Iterator[None]:
    """Raise EnvironmentProblem where the disk does not take what is written."""
    try:
        yield
    except OSError as problem:
        raise EnvironmentProblem(
            f"{destination}: cannot be written: {problem.strerror}; free or choose another place"
        ) from problem


def _parsed(line: bytes) -> Outcome | None:
    """The outcome of one line of the record, None if it is torn or of another version."""
    try:
        return Outcome(**json.loads(line))
    except (ValueError, TypeError):
        return None
