"""From scans to subjects: means, and paired differences with their uncertainty."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from medddim.metrics.scores import FIGURES

RESAMPLES = 9999
CONFIDENCE = 0.95

Rows = Sequence[Mapping[str, Any]]


def per_subject(rows: Rows) -> list[dict[str, Any]]:
    """One row for each subject, result and protocol: the mean of each figure over its scans.

    A figure that one of the scans has not (perfect, or refused) is None.
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["subject"], row["result"], row["protocol"]].append(row)
    return [
        {
            "subject": subject,
            "result": result,
            "protocol": protocol,
            "scans": len(group),
            **{figure: _mean([row.get(figure) for row in group]) for figure in FIGURES},
        }
        for (subject, result, protocol), group in groups.items()
    ]


def differences(subjects: Rows) -> list[dict[str, Any]]:
    """The result minus what stands beside it, figure by figure: mean over subjects and interval.

    `low` and `high` bound the 95 % percentile bootstrap interval over subjects (Efron and
    Tibshirani 1993; 9999 resamples, always the same); None for a single subject, who shows no
    spread. Subjects without the figure are left out and `subjects` counts the rest.
    """
    values = {(row["subject"], row["result"], row["protocol"]): row for row in subjects}
    found = []
    for other in dict.fromkeys(row["result"] for row in subjects if row["result"] != "result"):
        for protocol in dict.fromkeys(row["protocol"] for row in subjects):
            pairs = [
                (row, values[subject, other, protocol])
                for (subject, result, named), row in values.items()
                if (result, named) == ("result", protocol) and (subject, other, protocol) in values
            ]
            compared = {"compared": f"result - {other}", "protocol": protocol}
            found += [
                compared | {"figure": figure, **_difference(pairs, figure)} for figure in FIGURES
            ]
    return found


def _difference(pairs: Sequence[tuple[Mapping[str, Any], ...]], figure: str) -> dict[str, Any]:
    values = [(one[figure], other[figure]) for one, other in pairs]
    gains = np.array([one - other for one, other in values if None not in (one, other)])
    low = high = None
    if gains.size > 1:
        from scipy.stats import bootstrap  # loaded late: half a second, for this alone

        interval = bootstrap(
            (gains,),
            np.mean,
            n_resamples=RESAMPLES,
            confidence_level=CONFIDENCE,
            method="percentile",
            rng=np.random.default_rng(0),
        ).confidence_interval
        low, high = float(interval.low), float(interval.high)
    mean = float(gains.mean()) if gains.size else None
    return {"mean": mean, "low": low, "high": high, "subjects": int(gains.size)}


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None and math.isfinite(value)]
    return float(np.mean(known)) if len(known) == len(values) else None
