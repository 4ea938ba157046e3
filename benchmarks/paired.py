"""One method against others on the same scans: differences by subject and their intervals.

Rows are those of quality.py: a scan, its subject, the method, and its figures. Scans of one subject
are not independent, so their figures are averaged first and subjects are what is resampled; with
few subjects, such an interval is somewhat too narrow (docs/decisions/0024).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medddim.report.paired import differences, per_subject

FIGURES = ("psnr_db", "ssim")
"""What is compared; the first says which subjects are better."""

Rows = Sequence[Mapping[str, Any]]


def subject_of(scan: str) -> str:
    """What a file's name says before its first underscore: ljulong04 of ljulong04_1_t1w."""
    return scan.partition("_")[0]


def best(rows: Rows, methods: Sequence[str]) -> str:
    """The method with the highest mean PSNR over scans, the first of equals."""
    scores = {
        name: float(np.mean([row["psnr_db"] for row in rows if row["method"] == name]))
        for name in methods
    }
    return max(scores, key=scores.__getitem__)


def against(rows: Rows, ours: str, other: str) -> list[str]:
    """Ours minus the other: each of FIGURES with its 95 % interval, and "better of subjects"."""
    named = {ours: "result", other: other}
    subjects = per_subject(
        [
            {**row, "result": named[row["method"]], "protocol": ""}
            for row in rows
            if row["method"] in named
        ]
    )
    found = {row["figure"]: row for row in differences(subjects)}
    scores = {(row["subject"], row["result"]): row[FIGURES[0]] for row in subjects}
    names = dict.fromkeys(row["subject"] for row in subjects)
    pairs = [(scores[name, "result"], scores[name, other]) for name in names]
    better = sum(one > other for one, other in pairs if None not in (one, other))
    return [*(interval(found[figure]) for figure in FIGURES), f"{better} of {len(names)}"]


def interval(difference: Mapping[str, Any]) -> str:
    """A mean and its interval, which a single subject has not; none where a scan was perfect."""
    mean, low, high = (difference[key] for key in ("mean", "low", "high"))
    if mean is None:
        return "none"
    return f"{mean:+.3f}" if low is None else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
