"""The run over a BIDS data set, and what lies beside each image it makes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from medddim import batch, formats
from medddim.batch import Job, Outcome
from medddim.errors import UnreadableScan, WriteRefused
from medddim.formats import Series
from medddim.integrations.bids.choice import Choice, images, layout_of
from medddim.integrations.bids.dataset import as_json, describe, write_beside

DESC = {"denoise": "denoised", "superresolve": "superres", "identity": "copied"}
PERSONAL = ("Patient", "Subject", "Physician", "Operator", "Accession", "BirthDate", "InstanceUID")
"""What keys of a sidecar contain that tell who was scanned, by whom, or when."""


def participants(
    root: Path,
    output: Path,
    *,
    job: Job | Callable[[Series], Job],
    choice: Choice | None = None,
    resume: bool = True,
    dry_run: bool = False,
) -> Iterator[Outcome]:
    """Apply `job` to the chosen images of the BIDS data set `root`; yield what becomes of each.

    Results have the place and the entities of their source below `output`, and a `desc`. Beside
    each: a sidecar (Sources, SkullStripped, the model and its settings, what was found of the
    noise), b-values and vectors, events. Several runs may write different participants into one
    `output` at once. Raises UnreadableScan if no image is chosen, WriteRefused if `output` holds
    another data set or is `root`, and what `batch.run` raises.
    """
    choice = choice or Choice()
    if os.path.realpath(root) == os.path.realpath(output):
        raise WriteRefused(
            f"the output folder {output} is the data set itself; choose one beside it, or "
            f"{root / 'derivatives' / 'medddim'}"
        )
    layout = layout_of(root, choice)
    files = images(layout, choice)
    if not files:
        raise UnreadableScan(
            f"{root}: no image was chosen; expected magnitudes with the suffix T1w, T2w, FLAIR, "
            "dwi or bold, or what --bids-filter-file asks for"
        )
    if not dry_run:
        describe(output, root)
    for folder, together in groupby(files, key=lambda file: Path(file.path).parent):
        place = output / folder.relative_to(layout.root)
        yield from _folder(layout, list(together), place, job=job, resume=resume, dry_run=dry_run)


def _folder(
    layout: Any, files: list[Any], place: Path, *, job: Job | Callable[[Series], Job], **how: Any
) -> Iterator[Outcome]:
    """The images of one folder, whose results share a folder and its record."""
    choose = (lambda series: job) if isinstance(job, Job) else job
    named: dict[str, Any] = {}
    scans: list[Series] = []
    jobs: dict[str, Job] = {}
    for file in files:
        (series,) = formats.find(file.path)
        its = choose(series)
        name = described(Path(file.path), DESC[its.kind])
        series = replace(series, name=name, beside=False)  # a sidecar of BIDS derivatives, below
        named[series.name], jobs[series.name] = file, its
        scans.append(series)
    for outcome in batch.run(scans, place, job=lambda series: jobs[series.name], **how):
        if outcome.status in ("ok", "done before"):
            _beside(layout, named[outcome.name], place / outcome.name, outcome)
        yield outcome


def described(path: Path, label: str) -> str:
    """The name of a result: the entities of its source, `desc` behind them, the suffix."""
    stem = path.name.removesuffix(".gz").removesuffix(".nii")
    entities, suffix = stem.rsplit("_", 1)
    kept = [part for part in entities.split("_") if not part.startswith("desc-")]
    return "_".join([*kept, f"desc-{label}", suffix])


def _beside(layout: Any, file: Any, result: Path, outcome: Outcome) -> None:
    source = Path(file.path)
    said = {key: value for key, value in file.get_metadata().items() if _impersonal(key)}
    said |= {
        "Sources": [f"bids:raw:{source.relative_to(layout.root).as_posix()}"],
        "SkullStripped": bool(said.get("SkullStripped", False)),
        "medddim": outcome.job | outcome.facts | {"versions": outcome.versions},
    }
    write_beside(result.with_name(f"{result.name}.json"), as_json(said))
    for there in _companions(layout, source):
        # without desc, which BIDS knows for the image alone: they belong to every image whose
        # entities include theirs
        _copy(there, result.with_name(f"{_stem(source, there)}{there.suffix}"))


def _companions(layout: Any, source: Path) -> Iterator[Path]:
    """The b-values and b-vectors of a diffusion image, inherited or not; the events of a run."""
    if _suffix(source) == "dwi":
        found = (layout.get_bval(source), layout.get_bvec(source))
        yield from (Path(there) for there in found if there)
    for events in sorted(source.parent.glob("*_events.tsv")) if _suffix(source) == "bold" else ():
        if set(events.name.split("_")[:-1]) <= set(source.name.split("_")[:-1]):
            yield events


def _stem(source: Path, companion: Path) -> str:
    """The name of a companion: its own, or, of one that is inherited, that of its image."""
    name = companion.name if companion.parent == source.parent else source.name
    return name.split(".")[0]


def _suffix(path: Path) -> str:
    return path.name.split(".")[0].rsplit("_", 1)[-1]


def _impersonal(key: str) -> bool:
    return not any(word in key for word in PERSONAL)


def _copy(source: Path, target: Path) -> None:
    if not target.is_file() or target.read_bytes() != source.read_bytes():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".medddim.{target.name}")
        shutil.copyfile(source, partial)
        os.replace(partial, target)
