"""How a result was made, as the record beside it tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from medddim.record import RECORD, last_lines

UNKNOWN = f"How the result was made is not known here: no {RECORD} lies beside it."


def made(folder: Path, name: str) -> dict[str, Any]:
    """The job that made the scan `name` of `folder`; empty where no readable record tells."""
    try:
        job: Any = last_lines(folder)[name].job
    except (OSError, KeyError):
        return {}
    return dict(job) if isinstance(job, dict) else {}


def sentence(job: dict[str, Any]) -> str:
    """One sentence on a job; the hash of its model is for the provenance."""
    if not job:
        return UNKNOWN
    plain = {key: value for key, value in job.items() if not isinstance(value, dict | list)}
    kind = plain.pop("kind", "enhance")
    for digest in ("model_sha256", "recipe_sha256"):
        plain.pop(digest, None)
    terms = ", ".join(f"{key} {value}" for key, value in plain.items() if value is not None)
    return f"The record beside the result says: {kind}, {terms}."
