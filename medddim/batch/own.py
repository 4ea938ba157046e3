"""Results of medddim that lie among the scans given: by their header, or by the record of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from medddim import record
from medddim.errors import EnvironmentProblem, ScanError
from medddim.formats import Series
from medddim.formats.table import named

ENHANCED = ("denoise", "superresolve")
LEVELS = 12
"""So far above a scan the record of a run is looked for."""


def skipping_own(scans: Sequence[Series]) -> list[Series]:
    """The same scans; those that medddim has enhanced before are to be skipped."""
    return [
        replace(one, skip=f"it is a result of medddim ({kind}); --again enhances it all the same")
        if not one.refusal and (kind := made(one)) in ENHANCED
        else one
        for one in scans
    ]


def made(series: Series) -> str:
    """What medddim did to make this scan ("denoise", ...); "" for one that it has not made."""
    try:
        said = named(series.format).made(series)
        return said if said in ENHANCED else _by_record(series) or said
    except (ScanError, EnvironmentProblem):  # reading it says what is wrong
        return ""


def _by_record(series: Series) -> str:
    file = series.files[0].absolute()
    for folder in list(file.parents)[:LEVELS]:
        path = folder / record.RECORD
        if path.is_file():
            kinds = _kinds(folder, path.stat().st_mtime_ns)
            if kind := kinds.get(file.relative_to(folder).as_posix()):
                return kind
    return ""


@lru_cache(maxsize=64)
def _kinds(folder: Path, changed: int) -> dict[str, str]:
    """The kind of job of each file that a run has written below `folder`."""
    return {
        output: str(outcome.job.get("kind", ""))
        for outcome in record.last_lines(folder).values()
        for output in outcome.outputs
    }
