"""Results of medddim that lie among the scans given: by their header, or by the record of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from medddim import record
from medddim.digest import sha256_of
from medddim.errors import EnvironmentProblem, ScanError
from medddim.formats import Series
from medddim.formats.table import named
from medddim.record import Outcome

ENHANCED = ("denoise", "superresolve")
LEVELS = 12
"""So far above a scan the record of a run is looked for."""


def skipping_own(scans: Sequence[Series]) -> list[Series]:
    """The same scans; those that medddim has enhanced before are to be skipped."""
    return [
        replace(one, skip=f"it is a result of medddim ({kind}); --again enhances it all the same")
        if (kind := enhanced(one))
        else one
        for one in scans
    ]


def enhanced(series: Series) -> str:
    """How medddim has enhanced this scan: "denoise", "superresolve"; "" for any other scan."""
    kind = "" if series.refusal else made(series)
    return kind if kind in ENHANCED else ""


def made(series: Series) -> str:
    """What medddim did to make this scan ("denoise", ...); "" for one that it has not made."""
    try:
        said = named(series.format).made(series)
        return said if said in ENHANCED else _kind(outcome_of(series)) or said
    except (ScanError, EnvironmentProblem):  # reading it says what is wrong
        return ""


def outcome_of(series: Series) -> Outcome | None:
    """What is on record of the run that has written this scan; None where no record is found."""
    file = series.files[0].absolute()
    for folder in list(file.parents)[:LEVELS]:
        path = folder / record.RECORD
        if path.is_file():
            outcomes = _outcomes(folder, path.stat().st_mtime_ns)
            if outcome := outcomes.get(file.relative_to(folder).as_posix()):
                return outcome
    return None


def is_source(scan: Series, outcome: Outcome) -> bool:
    """Whether this scan is what the result on record was made from, by its content."""
    inputs = set(outcome.inputs.values())
    return any(sha256_of(file) in inputs for file in scan.files if file.is_file())


def _kind(outcome: Outcome | None) -> str:
    job: Any = outcome.job if outcome else None
    return str(job.get("kind", "")) if isinstance(job, dict) else ""


@lru_cache(maxsize=64)
def _outcomes(folder: Path, changed: int) -> dict[str, Outcome]:
    """What is on record of each file that a run has written below `folder`."""
    return {
        output: outcome
        for outcome in record.last_lines(folder).values()
        for output in outcome.outputs
    }
