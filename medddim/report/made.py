"""How a result was made, as the record beside it tells."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RECORD = "medddim.json"
"""The manifest that every run leaves in its output folder."""
UNKNOWN = f"How the result was made is not known here: no {RECORD} lies beside it."


def made(folder: Path, name: str) -> dict[str, Any]:
    """The job that made the scan `name` of `folder`; empty where no readable record tells."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        scans = {scan["name"]: scan for scan in record["scans"]}
        job = scans[name]["job"] if name in scans else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(job) if isinstance(job, dict) else {}


def told(job: dict[str, Any]) -> str:
    """One sentence on a job; the hash of its model is for the provenance."""
    if not job:
        return UNKNOWN
    plain = {key: value for key, value in job.items() if not isinstance(value, dict | list)}
    kind = plain.pop("kind", "enhance")
    plain.pop("model_sha256", None)
    terms = ", ".join(f"{key} {value}" for key, value in plain.items() if value is not None)
    return f"The record beside the result says: {kind}, {terms}."
