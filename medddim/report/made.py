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
    of_no_use = {"model_sha256", "recipe_sha256"}
    if plain.get("steps") == 1:
        of_no_use.add("fidelity")  # one step has nothing to be blended with
    terms = ", ".join(
        f"{key.removesuffix('_asked').replace('_', ' ')} {_in_words(value)}"
        for key, value in plain.items()
        if value is not None and key not in of_no_use
    )
    return f"The record beside the result says: {kind}, {terms}."


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
