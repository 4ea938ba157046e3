"""The record of a run: one line of JSON a scan as it ends, and a manifest when all have ended."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from medddim import __version__
from medddim.errors import EnvironmentProblem

Status = Literal["ok", "done before", "skipped", "refused", "failed", "planned"]

RECORD = "medddim.jsonl"
MANIFEST = "medddim.json"
ANNOUNCED = ".medddim.announced"
PACKAGES = ("torch", "monai", "numpy", "nibabel", "pydicom", "highdicom")


@dataclass(frozen=True)
class Outcome:
    """What became of one scan.

    `inputs` and `outputs` give the sha256 of each file; outputs, maps among them, are relative to
    their folder. `reading` tells what of the inputs was read: the format, repairs, the part of a
    split series. `clipped` is how many voxels of the result the stored type could not hold.
    `notes` describe what of the source is stored otherwise, or not at all. `versions` are the
    packages the result was made with, which a later run may not have.
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
    clipped: int = 0
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Whether there is nothing to complain of."""
        return self.status in ("ok", "done before", "skipped", "planned")

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


def announce(destination: Path, outcome: Outcome) -> None:
    """Say what is on record if the run is killed between a result and its line.

    Raises EnvironmentProblem: a record that cannot be written is no fault of the scan.
    """
    try:
        (destination / ANNOUNCED).write_text(outcome.line(), encoding="utf-8")
    except OSError as problem:
        raise EnvironmentProblem(
            f"{destination}: cannot be written: {problem.strerror}; free or choose another place"
        ) from problem


def announced(destination: Path) -> Outcome | None:
    """What a killed run has announced and not recorded, if there was one."""
    path = destination / ANNOUNCED
    return _parsed(path.read_bytes()) if path.is_file() else None


def forget_announced(destination: Path) -> None:
    """Nothing is announced any more."""
    (destination / ANNOUNCED).unlink(missing_ok=True)


def append(destination: Path, outcome: Outcome) -> None:
    """Add one line to the record, on disk before this returns; nothing is announced any more."""
    with (destination / RECORD).open("a", encoding="utf-8") as file:
        file.write(outcome.line() + "\n")
        file.flush()
        os.fsync(file.fileno())
    forget_announced(destination)


def mend(destination: Path) -> None:
    """End a last line that a killed run left torn, so that the next one starts on its own."""
    path = destination / RECORD
    if path.is_file() and not path.read_bytes().endswith(b"\n"):
        with path.open("a", encoding="utf-8") as file:
            file.write("\n")


def last_lines(destination: Path) -> dict[str, Outcome]:
    """The last line of each name that has outputs; torn lines are passed over."""
    return {outcome.name: outcome for outcome in _lines(destination) if outcome.outputs}


def same_work(outcome: Outcome, *, inputs: dict[str, str], job: dict[str, Any]) -> bool:
    """Whether an earlier outcome was of this content and this job."""
    return list(outcome.inputs.values()) == list(inputs.values()) and outcome.job == job


def other_settings(before: dict[str, Any], now: dict[str, Any]) -> str:
    """Which settings differ, and what they were; a hash is told by its name alone."""
    differing = [key for key in before | now if before.get(key) != now.get(key)]
    told = (
        f"another {key}" if key.endswith("sha256") else f"{key} {before.get(key, 'not given')}"
        for key in differing
    )
    return f"other settings ({', '.join(told)})"


def write_manifest(
    destination: Path,
    outcomes: Sequence[Outcome],
    *,
    job: dict[str, Any],
    device: str,
    scans_given: int,
) -> None:
    """Write what was run, with what, on what; replaces the manifest of an earlier run.

    `job` is what the jobs of all scans have in common. An interrupted run has fewer `scans` than
    `scans_given`. Results of earlier runs that this one has not made or passed over stand as
    `earlier`, so that the manifest tells of every result in the folder.
    """
    told = {outcome.name for outcome in outcomes if outcome.outputs}
    earlier = [one for name, one in last_lines(destination).items() if name not in told]
    manifest = {
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "device": device,
        "job": job,
        "scans_given": scans_given,
        "scans": [asdict(outcome) for outcome in outcomes],
        "earlier": [asdict(outcome) for outcome in earlier],
    }
    partial = destination / f".{MANIFEST}"
    partial.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    partial.replace(destination / MANIFEST)


def versions() -> dict[str, str]:
    """The installed version of every package that can change a result."""
    return {"medddim": __version__, **{name: version(name) for name in PACKAGES}}


def _lines(destination: Path) -> list[Outcome]:
    path = destination / RECORD
    lines = path.read_bytes().splitlines() if path.is_file() else []
    return [outcome for line in lines if (outcome := _parsed(line))]


def _parsed(line: bytes) -> Outcome | None:
    """The outcome of one line of the record, None if it is torn or of another version."""
    try:
        return Outcome(**json.loads(line))
    except (ValueError, TypeError):
        return None
