"""Folder against folder: every result with its reference, as figures, a picture and a page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from medddim import __version__
from medddim.batch.places import require_outside
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.errors import (
    GridMismatch,
    MedddimError,
    ScanError,
    ScoreError,
)
from medddim.formats.subjects import Subjects
from medddim.metrics import (
    PROTOCOLS,
    Passport,
    Spectrum,
    compare,
    meant_for,
    radial_spectrum,
    residual,
)
from medddim.metrics.protocols import require_known
from medddim.metrics.scores import FIGURES
from medddim.report.case import Case
from medddim.report.made import made, sentence
from medddim.report.matching import Scans, likely_swapped, matched, read_together, usable
from medddim.report.paired import CONFIDENCE, differences, per_subject
from medddim.report.words import HEADINGS
from medddim.volume import Mask, Volume

ALL = "all"
TERMS = tuple(term.name for term in fields(Passport))
PACKAGES = ("numpy", "scipy", "scikit-image", "nibabel", "pydicom")
"""What can change a score."""
MOST_PICTURES = 8
"""Scans shown on the page; the tables hold all of them."""
MOST_ROWS = 24
"""Of the table of subjects on the page; longer ones are in subjects.csv."""
INTERPOLATED = (
    "The input has a lower resolution: the table and the spectra measure its cubic interpolation, "
    "made to agree with it."
)
ROWS = ("input", "against", "result")
"""The order of the rows of one scan."""

Row = dict[str, Any]


@dataclass
class Evaluation:
    """What was measured: a row for each scan, result and protocol, and what follows from them.

    `subjects` are means over the scans of each subject, `differences` the paired differences
    between "result" and "input" or "against", with bootstrap intervals. `spectra` holds, by scan,
    the radial spectrum of each volume ("reference" too). `scans` rows are plain values: the
    figures, the residual measures where the input is known, and the passport. `without_result`
    names the references without a result, `not_measured` says why a result was not compared,
    `swapped` names results measured against a result of medddim that are none themselves.
    """

    scans: list[Row] = field(default_factory=list)
    subjects: list[Row] = field(default_factory=list)
    differences: list[Row] = field(default_factory=list)
    spectra: dict[str, dict[str, Spectrum]] = field(default_factory=dict)
    without_result: list[str] = field(default_factory=list)
    not_measured: dict[str, MedddimError] = field(default_factory=dict)
    swapped: list[str] = field(default_factory=list)


def evaluate(
    candidate: Path,
    reference: Path,
    destination: Path,
    *,
    noisy: Path | None = None,
    against: Path | None = None,
    protocol: str = "medddim",
) -> Evaluation:
    """Measure results against references, by file or by folder.

    Scans are matched by name, DICOM also by UID; a single one on each side needs neither. `noisy`
    are the scans before enhancement, `against` the results of another method; protocol "all" is
    every convention that has a meaning for the scan. An input with voxels larger by whole factors
    is measured as its cubic interpolation. Writes scores.csv, subjects.csv, scores.json, with more
    methods differences.csv, with `noisy` picture.png and report.html, all at the end.

    Raises RequestProblem for an unknown protocol, WriteRefused for a `destination` in what is
    measured, and, unwritten, the first problem (`matching.require_independent`) if all have one.
    """
    require_known(protocol, ALL)
    paths = {"result": candidate, "reference": reference, "input": noisy, "against": against}
    given = {kind: path for kind, path in paths.items() if path}
    require_outside(destination, given.values())
    found, cases, who = Evaluation(), list[Case](), Subjects()
    provenance: dict[str, Any] = {"versions": _versions()}
    every = {kind: usable(path) for kind, path in given.items()}
    left = dict.fromkeys(series.name for series in every["reference"])
    for name, scans in matched(every, found.not_measured):
        left.pop(scans["reference"].name, None)
        found.swapped += [name] if likely_swapped(scans) else []
        try:
            volumes, measured, rows = compared(name, scans, protocol=protocol)
        except (ScanError, ScoreError) as problem:
            found.not_measured[name] = problem
            continue
        whose = {"scan": name, "subject": who.of(scans["result"])}
        found.scans += [{**whose, **row} for row in rows]
        found.spectra[name] = _spectra(measured)
        job = made(candidate if candidate.is_dir() else candidate.parent, name)
        provenance[name] = _files(scans) | {"made by": job or None} | _passports(rows)
        if noisy is not None and len(cases) < MOST_PICTURES:
            cases.append(case_of(name, volumes, rows, done=sentence(job)))
    if found.not_measured and not found.scans:
        raise next(iter(found.not_measured.values()))
    found.without_result = list(left)
    found.subjects = per_subject(found.scans)
    found.differences = differences(found.subjects)
    _write(destination, found, cases=cases, provenance=provenance)
    return found


def compared(
    name: str, scans: Scans, *, protocol: str
) -> tuple[dict[str, Volume], dict[str, Volume], list[Row]]:
    """The volumes, as they are and as they are measured, and their rows."""
    volumes = read_together(scans)
    measured = volumes | _interpolated(volumes)
    return volumes, measured, list(_measure(name, measured, protocol=protocol))


def _versions() -> dict[str, str]:
    return {"medddim": __version__, **{name: version(name) for name in PACKAGES}}


def _interpolated(volumes: Mapping[str, Volume]) -> dict[str, Volume]:
    """An input coarser than its reference by whole factors, on the grid of the reference."""
    if "input" not in volumes:
        return {}
    coarse, fine = volumes["input"], volumes["reference"]
    factors = [max(n // m, 1) for n, m in zip(fine.shape, coarse.shape, strict=True)]
    if max(factors) == 1:
        return {}
    finer = LargerVoxels((factors[0], factors[1], factors[2])).finer(coarse)
    try:
        finer.require_same_grid(fine)
    except GridMismatch:
        return {}
    return {"input": finer}


def _measure(name: str, volumes: Mapping[str, Volume], *, protocol: str) -> Iterator[Row]:
    reference = volumes["reference"]
    taken = {kind: _taken_away(volumes, kind) for kind in ROWS if kind in volumes}
    for one in meant_for(reference) if protocol == ALL else (protocol,):
        for kind in taken:
            row: Row = {"scan": name, "result": kind}
            try:
                row |= compare(volumes[kind], reference, protocol=one).as_dict()
            except GridMismatch as error:
                grids = f"{kind}: {volumes[kind]!r}; reference: {reference!r}"
                raise GridMismatch(f"{name}: {error}. {grids}") from error
            except ScoreError as error:
                if protocol != ALL:
                    raise ScoreError(f"{name}: {error}") from error
                row |= {"protocol": one, "refused": str(error)}
            yield row | taken[kind]


def _taken_away(volumes: Mapping[str, Volume], kind: str) -> Row:
    """What the residual looks like, where the input is known and is not the scan itself."""
    before, after, reference = volumes.get("input"), volumes[kind], volumes["reference"]
    if kind == "input" or before is None or before.voxels.shape != after.voxels.shape:
        return {}
    mask, axis = _object(reference), reference.slice_axis
    if mask is not None and mask.shape != after.shape:
        return {}
    return residual(after.voxels, before.voxels, slice_axis=axis, mask=mask).as_dict()


def _object(reference: Volume) -> Mask | None:
    """The mask of our own protocol, whatever the protocol; all voxels where nothing stands out."""
    try:
        return PROTOCOLS["medddim"](reference).mask
    except ScoreError:
        return None


def _spectra(volumes: Mapping[str, Volume]) -> dict[str, Spectrum]:
    reference = volumes["reference"]
    mask, axis = _object(reference), reference.slice_axis
    return {
        kind: radial_spectrum(volume.voxels, slice_axis=axis, mask=mask)
        for kind, volume in volumes.items()
    }


def case_of(name: str, volumes: Mapping[str, Volume], rows: Sequence[Row], *, done: str) -> Case:
    """A scan of the page: "input", "result", "reference" if there is one, and its rows."""
    several = len({row["protocol"] for row in rows}) > 1
    columns = ("result", *(["protocol"] if several else []), *FIGURES)
    measured = [row for row in rows if "refused" not in row]
    return Case(
        name,
        input=volumes["input"],
        enhanced=volumes["result"],
        reference=volumes.get("reference"),
        scores=tuple({key: row.get(key) for key in columns} for row in rows),
        terms=tuple(dict.fromkeys(Passport.of(row).in_words() for row in measured)),
        notes=(INTERPOLATED,) if volumes["input"].shape != volumes["result"].shape else (),
        done=done,
    )


def _overview(found: Evaluation) -> dict[str, Sequence[Row]]:
    """The tables over all scans; none of a single scan, whose own table says it all."""
    if len(found.spectra) < 2:
        return {}
    count = len(found.spectra)
    shown = "" if count <= MOST_PICTURES else f", of which {MOST_PICTURES} are shown below"
    paired = (
        f"{count} scans{shown}: mean difference over subjects, and its {CONFIDENCE:.0%} bootstrap "
        "interval"
    )
    differences = [row | {"figure": HEADINGS[row["figure"]]} for row in found.differences]
    few = found.subjects if len(found.subjects) <= MOST_ROWS else []
    tables = {paired: differences, "Mean over the scans of each subject": few}
    return {title: rows for title, rows in tables.items() if rows}


def _files(scans: Scans) -> dict[str, Any]:
    """Where each scan lies: the file, or the folder of a series."""
    return {
        kind: str(series.files[0] if len(series.files) == 1 else series.files[0].parent)
        for kind, series in scans.items()
    }


def _passports(rows: Sequence[Row]) -> dict[str, Any]:
    return {row["protocol"]: {term: row[term] for term in TERMS if term in row} for row in rows}


def _write(
    destination: Path,
    found: Evaluation,
    *,
    cases: Sequence[Case],
    provenance: Mapping[str, Any],
) -> None:
    destination.mkdir(parents=True, exist_ok=True)
    for name, rows in (
        ("scores", found.scans),
        ("subjects", found.subjects),
        ("differences", found.differences),
    ):
        if rows:
            _replace(destination / f"{name}.csv", _table(rows))
    whole = json.dumps(asdict(found), indent=2, allow_nan=False, default=str) + "\n"
    _replace(destination / "scores.json", whole.encode())
    if cases:
        from medddim.report.page import write_report  # matplotlib, for this and the next alone
        from medddim.report.picture import picture

        _replace(destination / "picture.png", picture(cases))
        write_report(destination, cases=cases, provenance=provenance, overview=_overview(found))


def _table(rows: Sequence[Row]) -> bytes:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    table = io.StringIO()
    writer = csv.DictWriter(table, fieldnames=columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return table.getvalue().encode()


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(content)
    partial.replace(path)
