"""Is a scan like those that a model learnt from? In range, near or out, before it is computed.

A model's folder may hold RANGE, a small JSON file made by `tools/measure_range.py`: the traits
(`medddim.inference.traits`) of the scans it was trained on, with and without noise added. A scan is
as far out as its furthest trait, counted in the spreads of training, or as it lies from the
nearest scans of training in all traits together, whichever is more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from medddim.errors import UnsupportedScan
from medddim.inference import measured
from medddim.inference.traits import traits
from medddim.volume import Volume

RANGE = "range.json"
Verdict = Literal["in", "near", "out"]
Traits = Mapping[str, float]

NEAREST = 3
"""So many scans of training are looked at for whether a scan is like any."""
LEAST_SPREAD = {"pixel": 0.25, "slice": 0.25, "noise": 0.15, "below zero": 0.01, "symmetry": 0.1}
"""The least that a trait counts as spread over, where the scans of training hardly differ."""
ANY_SPREAD = 0.1

WORDS = {
    "pixel": ("smaller pixels", "larger pixels"),
    "slice": ("thinner slices", "thicker slices"),
    "noise": ("less noise", "more noise"),
    "below zero": ("fewer voxels below 0", "more voxels below 0"),
    "object": ("less of the field of view filled", "more of the field of view filled"),
    "dark end": ("darker dark tissue", "brighter dark tissue"),
    "median": ("darker tissue", "brighter tissue"),
    "bright end": ("darker bright tissue", "brighter bright tissue"),
    "fine": (
        "fainter fine detail, as after denoising or interpolation,",
        "stronger fine detail",
    ),
    "less fine": ("fainter detail of a few pixels", "stronger detail of a few pixels"),
    "row spectrum": ("less fine detail along the rows", "more fine detail along the rows"),
    "column spectrum": ("less fine detail along the columns", "more fine detail along the columns"),
    "contrast": ("less contrast", "more contrast"),
    "width": ("a subject narrower from left to right", "a subject wider from left to right"),
    "depth": ("a subject thinner from front to back", "a subject thicker from front to back"),
    "symmetry": ("left and right less alike", "left and right more alike"),
}
"""A trait below that of the scans of training, and above it: "... than in the scans"."""


@dataclass(frozen=True)
class Judgement:
    """How far a scan is from those of training: a verdict, its score, and the reason in words.

    The `score` is 1 where "near" begins.
    """

    verdict: Verdict
    score: float
    reason: str

    def facts(self, known: dict[str, Any], *, force: bool) -> dict[str, Any]:
        """What goes on record, beside the facts known; a scan near or out has a warning.

        Raises UnsupportedScan for one that is out, unless it is forced.
        """
        if self.verdict == "in":
            return {"range": "in"}
        where = {"near": "near the end of the model's range", "out": "out of range"}[self.verdict]
        words = f"{where}: {self.reason}"
        if self.verdict == "out" and not force:
            raise UnsupportedScan(
                f"out of range of the model: {self.reason}; --force enhances it all the same, and "
                "the result will say so"
            )
        warnings = [known["warning"]] if "warning" in known else []
        return {"range": self.verdict, "warning": "; ".join([*warnings, words])}


def judged(folder: Path, scan: Volume, *, scale: float) -> Judgement | None:
    """Whether a scan is like those of the model in a folder; None where not on file.

    `scale` is that of `traits`. Raises CheckpointError for a file that cannot be read.
    """
    known = TrainingRange.load(folder)
    return known.judge(traits(scan, scale=scale)) if known else None


@dataclass(frozen=True)
class TrainingRange:
    """The traits of the scans a model learnt from.

    `names` are the traits, `scans` their values, one row a scan; of one `subject` each. `near` and
    `out` are the scores where these verdicts begin. `source` says which scans they were.
    """

    source: str
    names: tuple[str, ...]
    subjects: tuple[str, ...]
    scans: tuple[tuple[float, ...], ...]
    near: float = 1.0
    out: float = 2.0

    @classmethod
    def load(cls, folder: Path) -> TrainingRange | None:
        """That of the model in a folder; None if it has none. Raises CheckpointError."""
        return measured.read(folder / RANGE, cls, by="tools/measure_range.py")

    @classmethod
    def of(cls, found: Sequence[Traits], *, subjects: Sequence[str], source: str) -> TrainingRange:
        """From the traits of scans, several of a subject where there are; sets `near` and `out`.

        "near" begins where 1 in 5 scans of training lies, each judged by the other subjects; "out"
        at ten times that: a scan that is refused in vain is worse than a warning.
        """
        names = tuple(sorted(set.intersection(*(set(one) for one in found))))
        scans = tuple(tuple(round(one[name], 4) for name in names) for one in found)
        made = cls(source, names, tuple(subjects), scans)
        scores = [
            made.without(subject).score(dict(zip(names, scan, strict=True)))[0]
            for subject, scan in zip(subjects, scans, strict=True)
        ]
        near = round(float(np.quantile(scores, 0.8)), 3)
        return cls(source, names, tuple(subjects), scans, near=near, out=round(10 * near, 3))

    def without(self, subject: str) -> TrainingRange:
        """The same without the scans of one subject."""
        kept = [number for number, one in enumerate(self.subjects) if one != subject]
        scans = tuple(self.scans[number] for number in kept)
        return TrainingRange(self.source, self.names, tuple(self.subjects[k] for k in kept), scans)

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        (folder / RANGE).write_text(json.dumps(asdict(self)) + "\n", encoding="utf-8")

    def judge(self, found: Traits) -> Judgement:
        """Whether a scan with these traits is in range."""
        score, furthest = self.score(found)
        score = score / self.near
        verdict: Verdict = "in"
        if score > 1:
            verdict = "out" if score > self.out / self.near else "near"
        return Judgement(verdict, round(score, 2), self._reason(found, furthest))

    def score(self, found: Traits) -> tuple[float, str]:
        """How far out a scan lies, in spreads of training, and the trait that is furthest out."""
        known = [name for name in self.names if name in found]
        columns = [self.names.index(name) for name in known]
        table = np.array(self.scans, dtype=np.float64)[:, columns]
        spread = self._spread(table, known)
        scan = (np.array([found[name] for name in known]) - np.median(table, axis=0)) / spread
        table = (table - np.median(table, axis=0)) / spread
        beyond = np.maximum(scan - table.max(0), table.min(0) - scan).clip(min=0)
        apart = np.sqrt(np.square(table - scan).mean(1))
        nearest = float(np.sort(apart)[: min(NEAREST, len(apart))].mean())
        worst = int(np.argmax(beyond)) if beyond.any() else int(np.argmax(np.abs(scan)))
        return nearest + float(beyond.max()), known[worst]

    def _spread(self, table: npt.NDArray[np.float64], names: Sequence[str]) -> Any:
        low, high = np.quantile(table, (0.1, 0.9), axis=0)
        least = [LEAST_SPREAD.get(name, ANY_SPREAD) for name in names]
        return np.maximum((high - low) / 2.56, least)  # of a normal variable: its deviation

    def _reason(self, found: Traits, name: str) -> str:
        values = [scan[self.names.index(name)] for scan in self.scans]
        larger = found[name] > float(np.median(values))
        lower, higher = WORDS.get(name, (f"less {name}", f"more {name}"))
        return f"{higher if larger else lower} than in the scans it was trained on"
