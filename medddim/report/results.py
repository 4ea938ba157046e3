"""The page of a run, made after it: every result on record, beside the scan it was made from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from medddim import formats, record
from medddim.batch.verify import source_of
from medddim.errors import MedddimError, ScanError, UnreadableScan, UnsupportedScan
from medddim.formats import Series
from medddim.formats.beside import quantity_of
from medddim.formats.contract import Quantity
from medddim.record import Outcome
from medddim.report.case import Case
from medddim.report.evaluation import MOST_PICTURES, Row, case_of, compared
from medddim.report.made import sentence
from medddim.report.matching import matched, usable
from medddim.volume import Volume

SHOWN = ("denoise", "superresolve", "identity")
"""Kinds of jobs whose result is the better scan, as a page shows it."""


@dataclass
class Page:
    """What a page of results holds.

    `shown` names the scans with pictures, `not_shown` says why others have none, `unmatched` why
    a scan is shown without the reference that was asked for.
    """

    path: Path = Path()
    shown: list[str] = field(default_factory=list)
    not_shown: dict[str, MedddimError] = field(default_factory=dict)
    unmatched: dict[str, MedddimError] = field(default_factory=dict)


def report_results(
    results: Path,
    destination: Path | None = None,
    *,
    names: Sequence[str] = (),
    reference: Path | None = None,
) -> Page:
    """Write the page of the results in the output folder of a run, by default into that folder.

    A folder of such folders, as a BIDS derivative is, gets one page of all.

    `names` are names of scans, or patterns, to show; of more than a few the first are shown, and
    the tables hold all. `reference` is a file or folder of clean scans, matched as `evaluate` does.
    Scans and results are read where the record says that they lie.

    Raises UnreadableScan if no result is on record, or no reference is found; where nothing can be
    shown, nothing is written and the first problem raised.
    """
    every = [
        _placed(one, folder.relative_to(results))
        for folder in record.folders(results)
        for one in record.last_lines(folder).values()
    ]
    outcomes = [one for one in every if _named(one, names)]
    if not outcomes:
        raise UnreadableScan(_nothing(results, every, names))
    page, references = Page(), usable(reference) if reference else []
    partners = _partners(results, outcomes, references, page.unmatched)
    cases: list[Case] = []
    for outcome in outcomes:
        if len(cases) == MOST_PICTURES:
            break
        try:
            cases.append(_case(results, outcome, partners))
            page.shown.append(outcome.name)
        except (MedddimError, OSError) as problem:
            page.not_shown[outcome.name] = _in_words(problem)
    if not cases:
        raise next(iter(page.not_shown.values()))
    from medddim.report.page import write_report  # matplotlib, which a wrong request does not need

    page.path = write_report(
        destination or results,
        cases=cases,
        provenance={one.name: _provenance(one) for one in outcomes if one.name in page.shown},
        overview=_overview(results, outcomes, shown=len(cases)),
    )
    return page


def _placed(outcome: Outcome, folder: Path) -> Outcome:
    """An outcome as a run would have it whose output folder holds `folder`."""
    outputs = {(folder / name).as_posix(): digest for name, digest in outcome.outputs.items()}
    return replace(outcome, name=(folder / outcome.name).as_posix(), outputs=outputs)


def _named(outcome: Outcome, names: Sequence[str]) -> bool:
    return not names or any(fnmatch(outcome.name, name) for name in names)


def _nothing(results: Path, every: Sequence[Outcome], names: Sequence[str]) -> str:
    if every:
        return (
            f"{results} holds no result that {' or '.join(names)} names; it holds "
            f"{', '.join(one.name for one in every[:5])}{', ...' if len(every) > 5 else ''}"
        )
    return (
        f"{results}: expected the output folder of `medddim enhance`, found no result on record "
        f"({record.RECORD}) there"
    )


def _partners(
    results: Path,
    outcomes: Sequence[Outcome],
    references: Sequence[Series],
    unmatched: dict[str, MedddimError],
) -> dict[str, Series]:
    """The reference of each result, by the name of the scan."""
    if not references:
        return {}
    found = [_result(results, one) for one in outcomes if one.job.get("kind") in SHOWN]
    pairs = matched({"result": found, "reference": references}, unmatched)
    return {name: scans["reference"] for name, scans in pairs}


def _result(results: Path, outcome: Outcome) -> Series:
    files = tuple(results / file for file in outcome.outputs if not quantity_of(file))
    return Series(str(outcome.reading.get("format")), outcome.name, files)


def _case(results: Path, outcome: Outcome, partners: Mapping[str, Series]) -> Case:
    """The scan, its result, the maps beside it, and what is measured if there is a reference."""
    if (kind := outcome.job.get("kind")) not in SHOWN:
        raise UnsupportedScan(
            f"{outcome.name} was made worse on purpose ({kind}): enhance it, then name that folder"
        )
    scans = {"result": _result(results, outcome), "input": source_of(outcome, results)}
    if partner := partners.get(outcome.name):
        scans["reference"] = partner
        volumes, _, rows = compared(outcome.name, scans, protocol="medddim")
    else:
        volumes, rows = {key: formats.read(one).recognised() for key, one in scans.items()}, []
    if taken_for := str(outcome.facts.get("taken_for", "")):
        volumes = {key: one.taken_for(taken_for) for key, one in volumes.items()}
    case = case_of(outcome.name, volumes, rows, done=sentence(outcome.job))
    notes = (*case.notes, *_remarks(outcome))
    return replace(case, notes=notes, maps=dict(_maps(results, outcome)))


def _remarks(outcome: Outcome) -> Iterator[str]:
    """What the run has put on record of this scan, for people."""
    facts = outcome.facts
    if warning := facts.get("warning"):
        yield f"Warning of the run: {warning}."
    if outcome.noise:
        of = "" if "noise_hu" in facts else " (of the bright end)"
        yield f"What the model was given of the scan: {outcome.noise}{of}."
    if receipt := facts.get("receipt"):
        yield f"Measured with small structures put into this scan: {receipt}."
    if found := facts.get("invented"):
        yield f"Structure that the scan does not hold: {found}."
    if outcome.clipped:
        yield f"{outcome.clipped} voxels were clipped to what the stored type can hold."
    yield from outcome.notes


def _maps(results: Path, outcome: Outcome) -> Iterator[tuple[Quantity, Volume]]:
    """The maps beside a result; of the residual the page makes its own."""
    for file in outcome.outputs:
        quantity = quantity_of(file)
        if quantity is None or quantity == "residual":
            continue
        try:
            series = formats.find(results / file)
            yield quantity, formats.read(series[0])
        except (ScanError, IndexError, OSError):  # a map of parameters in DICOM is not read here
            continue


def _overview(
    results: Path, outcomes: Sequence[Outcome], *, shown: int
) -> dict[str, Sequence[Row]]:
    """All results and, if the manifest tells of some, what was refused."""
    beside = f", of which {shown} are shown below" if shown < len(outcomes) else ""
    done = [
        {
            "scan": one.name,
            "noise": one.noise.removeprefix("noise ") or "–",
            # of one done before these are of the look at it
            "seconds": one.seconds if one.status == "ok" else "–",
            "to know": one.facts.get("warning", "") or "; ".join(one.notes) or "–",
        }
        for one in outcomes
    ]
    tables: dict[str, Sequence[Row]] = (
        {f"{len(outcomes)} results{beside}": done} if len(done) > 1 else {}
    )
    if lost := _lost(results):
        tables[f"{len(lost)} without a result"] = lost
    return tables


def _lost(results: Path) -> list[Row]:
    return [
        {"scan": (folder.relative_to(results) / str(one["name"])).as_posix(),
         "status": str(one["status"]), "why": str(one["reason"])}
        for folder in record.folders(results)
        for one in _without_result(folder)
    ]  # fmt: skip


def _without_result(folder: Path) -> list[dict[str, Any]]:
    try:
        scans: Any = json.loads((folder / record.MANIFEST).read_bytes())["scans"]
        return [
            {key: one[key] for key in ("name", "status", "reason")}
            for one in scans
            if not one["outputs"]
        ]
    except (OSError, ValueError, KeyError, TypeError):  # the record alone tells of the results
        return []


def _provenance(outcome: Outcome) -> dict[str, Any]:
    return {
        "made by": outcome.job,
        "found": {key: value for key, value in outcome.facts.items() if key != "receipt"},
        "device": outcome.device,
        "versions": outcome.versions,
        "inputs": outcome.inputs if len(outcome.inputs) == 1 else f"{len(outcome.inputs)} files",
    }


def _in_words(problem: MedddimError | OSError) -> MedddimError:
    if isinstance(problem, MedddimError):
        return problem
    return UnreadableScan(f"{problem.filename}: {problem.strerror}")
