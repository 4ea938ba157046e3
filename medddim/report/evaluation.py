"""Folder against folder: every result with its reference, as figures, a picture and a page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medddim import __version__, formats
from medddim.errors import GridMismatch, UnreadableScan, WriteRefused
from medddim.formats import Series
from medddim.metrics import Scores, compare
from medddim.report.case import Case
from medddim.report.page import write_report
from medddim.report.picture import picture
from medddim.volume import Volume

COLUMNS = ("scan", "result", "psnr_db", "ssim", "rmse", "hf_power")
TERMS = ("protocol", "data_range", "unit", "window", "mask", "voxels", "dimensions", "slice_axis")
PACKAGES = ("numpy", "scipy", "scikit-image", "nibabel", "pydicom")
"""What can change a score."""
MOST_PICTURES = 8
"""Scans shown on the page; the tables hold all of them."""

Scans = dict[str, Series]
"""The scans to compare: "result", "reference" and, where there is one, "input"."""


def evaluate(
    candidate: Path,
    reference: Path,
    destination: Path,
    *,
    noisy: Path | None = None,
    protocol: str = "medddim",
) -> list[dict[str, Any]]:
    """Measure results against references, by file or by folder; return one row a result.

    Scans are matched by name; a single one on each side needs no matching name. Writes scores.csv,
    scores.json (with range, window and mask) and, with `noisy`, picture.png and report.html below
    `destination`, all at the end: a problem leaves nothing.

    Raises UnreadableScan for a result that is broken or has no reference, GridMismatch naming the
    scan, WriteRefused if `destination` is one of the folders measured.
    """
    given = {"result": candidate, "reference": reference} | ({"input": noisy} if noisy else {})
    if destination.resolve() in {path.resolve() for path in given.values()}:
        raise WriteRefused(f"the output folder {destination} holds the scans; choose another")
    rows: list[dict[str, Any]] = []
    cases: list[Case] = []
    provenance: dict[str, Any] = {}
    for name, scans in _matched({kind: _usable(path) for kind, path in given.items()}):
        volumes = {kind: formats.read(series) for kind, series in scans.items()}
        measured = _measure(name, volumes, protocol=protocol)
        rows += measured
        provenance[name] = _files(scans) | {term: measured[0][term] for term in TERMS}
        if noisy is not None and len(cases) < MOST_PICTURES:
            cases.append(_case(name, volumes, measured))
    packages = {package: version(package) for package in PACKAGES}
    provenance["versions"] = {"medddim": __version__, **packages}
    _write(destination, rows, cases=cases, provenance=provenance)
    return rows


def _usable(path: Path) -> list[Series]:
    found = formats.find(path)
    if not found:
        raise UnreadableScan(f"no scan in {path}: expected DICOM series or NIfTI files")
    return found


def _matched(found: Mapping[str, Sequence[Series]]) -> Iterator[tuple[str, Scans]]:
    """Every result with the scans to compare it with."""
    results = found["result"]
    for series in results:
        others = {kind: among for kind, among in found.items() if kind != "result"}
        scans = {"result": _sound(series)}
        scans |= {kind: _sound(_partner(series, among, results)) for kind, among in others.items()}
        yield series.name, scans


def _sound(series: Series) -> Series:
    if series.refusal:
        raise UnreadableScan(f"{series.name}: {series.refusal}")
    return series


def _partner(series: Series, among: Sequence[Series], results: Sequence[Series]) -> Series:
    if len(among) == len(results) == 1:
        return among[0]
    by_name = {other.name: other for other in among}
    if series.name not in by_name:
        there = ", ".join(sorted(by_name)[:10])
        raise UnreadableScan(f"{series.name}: no scan of this name to compare with; there: {there}")
    return by_name[series.name]


def _measure(name: str, volumes: Mapping[str, Volume], *, protocol: str) -> list[dict[str, Any]]:
    reference = volumes["reference"]
    try:
        measured = {
            kind: compare(volumes[kind], reference, protocol=protocol)
            for kind in ("input", "result")
            if kind in volumes
        }
    except GridMismatch as error:
        raise GridMismatch(f"{name}: {error}") from error
    return [_row(name, kind, scores) for kind, scores in measured.items()]


def _row(name: str, kind: str, scores: Scores) -> dict[str, Any]:
    return {"scan": name, "result": kind, **scores.as_dict()}


def _case(name: str, volumes: Mapping[str, Volume], measured: Sequence[Mapping[str, Any]]) -> Case:
    return Case(
        name,
        input=volumes["input"],
        enhanced=volumes["result"],
        reference=volumes["reference"],
        scores=tuple({key: row[key] for key in COLUMNS} for row in measured),
    )


def _files(scans: Scans) -> dict[str, Any]:
    """Where each scan lies: the file, or the folder of a series."""
    return {
        kind: str(series.files[0] if len(series.files) == 1 else series.files[0].parent)
        for kind, series in scans.items()
    }


def _write(
    destination: Path,
    rows: Sequence[Mapping[str, Any]],
    *,
    cases: Sequence[Case],
    provenance: Mapping[str, Any],
) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _replace(destination / "scores.csv", table.getvalue().encode())
    _replace(destination / "scores.json", (json.dumps(rows, indent=2) + "\n").encode())
    if cases:
        _replace(destination / "picture.png", picture(cases))
        write_report(destination, cases=cases, provenance=provenance)


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)
