"""The run over a folder of scans: read, apply, write, record; one bad scan never stops the rest."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from os.path import realpath  # unlike Path.resolve it bears links that go round in circles
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from medddim import formats, record
from medddim.batch import shelf
from medddim.batch.jobs import Answer, Job, Progress, Work, unwatched
from medddim.digest import sha256_of
from medddim.errors import (
    CheckpointError,
    EnvironmentProblem,
    MedddimError,
    UnreadableScan,
    WriteRefused,
    trace,
)
from medddim.formats import Derivation, Series
from medddim.record import Outcome
from medddim.volume import Volume

log = logging.getLogger(__name__)

LOCK = "medddim.lock"


def plan(paths: Iterable[Path], destination: Path, **choice: Any) -> list[Series]:
    """The scans in files and folders, when their results can go to `destination`.

    `choice` is select, exclude, filename, on_gap, on_tilt and stack_by, as in `formats.find`.
    Raises UnreadableScan if there are none, WriteRefused if `destination` is, or lies in, one of
    the folders: a second run would take the results for scans.
    """
    target = Path(realpath(destination))
    for path in paths:
        folder = Path(realpath(path))
        if folder.is_dir() and (target == folder or folder in target.parents):
            raise WriteRefused(
                f"the output folder {destination} is, or lies in, the input folder {path}; "
                "choose one beside it"
            )
    scans = find(paths, **choice)
    _require_apart(scans, destination)
    return scans


def find(paths: Iterable[Path], **choice: Any) -> list[Series]:
    """The scans in files and folders, chosen as in `plan`.

    Raises UnreadableScan if there are none.
    """
    paths = list(paths)
    scans = formats.find(*paths, **choice)
    rules = " and ".join(f"--{one}" for one in ("select", "exclude") if choice.get(one))
    if not scans and rules and (count := len(formats.find(*paths))):
        raise UnreadableScan(
            f"{rules} chose none of the {count} series in {', '.join(map(str, paths))}; "
            "`medddim inspect` without it lists them"
        )
    if not scans:
        count = sum(1 for path in paths for file in (path, *path.rglob("*")) if file.is_file())
        looked = f"{count} file{'s' * (count != 1)} looked at"
        raise UnreadableScan(
            f"no scan in {', '.join(map(str, paths))} ({looked}): "
            "expected DICOM series or NIfTI files"
        )
    return scans


def run(
    scans: Sequence[Series],
    destination: Path,
    *,
    job: Job | Callable[[Series], Job],
    resume: bool = True,
    dry_run: bool = False,
    progress: Progress = unwatched,
) -> Generator[Outcome, None, None]:
    """Apply `job` to every scan and write the results below `destination`; yield each outcome.

    Where not all scans get the same, `job` says for each of them which one it gets. `progress` is
    told which share of the work on the scan at hand is done.

    With `resume`, a scan whose inputs, job and outputs are what an earlier record says is passed
    over, and one that lacks a map is done again for it; what is there but not so is never
    overwritten. A `dry_run` reads, and writes nothing. Raises WriteRefused, before anything is
    written, if `destination` holds scans or another run is writing to it; EnvironmentProblem and
    CheckpointError end the run.
    """
    _require_apart(scans, destination)
    if dry_run:
        before = record.last_lines(destination) if resume else {}
        for series in scans:
            its = job if isinstance(job, Job) else job(series)
            yield _Run(destination, its, None, before).outcome(series)
        return
    works = _Works(job, progress)
    with _locked(destination):
        shelf.recover(destination)
        before = record.last_lines(destination) if resume else {}
        outcomes: list[Outcome] = []
        try:
            for series in scans:
                one = _Run(destination, *works.of(series), before)
                outcomes.append(one.outcome(series))
                record.append(destination, outcomes[-1])
                yield outcomes[-1]
        finally:
            record.write_manifest(
                destination, outcomes, job=works.shared, device=works.device, scans_given=len(scans)
            )


def _require_apart(scans: Sequence[Series], destination: Path) -> None:
    target = Path(realpath(destination))
    earlier = record.last_lines(destination).values()
    places = {target / series.name for series in scans}
    results = {target / result for outcome in earlier for result in outcome.outputs}
    for file in (Path(realpath(file)) for series in scans for file in series.files):
        if file in results:
            raise WriteRefused(
                f"the scans given hold results of an earlier run in {destination}, perhaps by a "
                "link; give the scans alone"
            )
        if file.parent in places:
            raise WriteRefused(
                f"the result of {file.parent} would take its place; choose another output folder"
            )
        if file.parent == target:
            raise WriteRefused(f"the output folder {destination} holds scans; choose one beside it")


@contextmanager
def _locked(destination: Path) -> Iterator[None]:
    """Make the folder, and hold it alone. Raises WriteRefused at once if another run holds it."""
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with FileLock(destination / LOCK, timeout=0):
            yield
    except Timeout:
        raise WriteRefused(
            f"another run is writing to {destination}; wait until it ends, or choose another folder"
        ) from None
    except OSError as problem:
        raise EnvironmentProblem(
            f"{problem.filename or destination}: cannot be written: {problem.strerror}; "
            "free or choose another place"
        ) from problem


class _Works:
    """The jobs of a run and their work, made ready when first needed."""

    def __init__(self, job: Job | Callable[[Series], Job], progress: Progress) -> None:
        self.ready: dict[int, tuple[Job, Work]] = {}
        self.progress = progress
        self.choose = job if not isinstance(job, Job) else lambda series: job
        if isinstance(job, Job):  # what it lacks is said before anything is written
            self.ready[id(job)] = job, job.start(progress)

    def of(self, series: Series) -> tuple[Job, Work]:
        """What to do to this scan."""
        job = self.choose(series)
        if id(job) not in self.ready:
            self.ready[id(job)] = job, job.start(self.progress)
        return self.ready[id(job)]

    @property
    def device(self) -> str:
        """Where the jobs so far were done."""
        return ", ".join(sorted({job.device for job, _ in self.ready.values()}))

    @property
    def shared(self) -> dict[str, Any]:
        """What the jobs so far have in common."""
        described = [job.described for job, _ in self.ready.values()]
        first = described[0] if described else {}
        alike = (key for key in first if all(key in one for one in described))
        return {
            key: first[key] for key in alike if all(one[key] == first[key] for one in described)
        }


@dataclass(frozen=True)
class _Run:
    """What a run does to one scan; without `work`, nothing is done."""

    destination: Path
    job: Job
    work: Work | None
    before: dict[str, Outcome]

    def outcome(self, series: Series) -> Outcome:
        """What becomes of one scan; a problem of its own becomes its reason."""
        began = time.monotonic()
        status: record.Status = "skipped" if series.skip else "refused"
        reason = series.skip or series.refusal
        try:
            if not reason:
                done = self._settled(series)
                return replace(done, seconds=round(time.monotonic() - began, 2))
        except (EnvironmentProblem, CheckpointError):
            raise
        except MedddimError as error:
            reason = str(error)
        except OSError as error:
            reason = f"{error.filename or series.files[0]}: {error.strerror}"
        except Exception as error:
            # The boundary of one scan: a bug met here must not cost the other scans. Its own
            # message may quote the file's header, so only the class goes into the record.
            log.debug("%s failed\n%s", series.name, trace(error))
            status = "failed"
            reason = (
                f"unexpected {type(error).__name__}; `medddim --debug` with this scan shows more"
            )
        return Outcome(series.name, status, reason, len(series.files))

    def _settled(self, series: Series) -> Outcome:
        inputs = {series.told(file): sha256_of(file) for file in series.files}
        earlier = self.before.get(series.name)
        kept: shelf.Kept = {}
        if earlier and record.same_work(earlier, inputs=inputs, job=self.job.described):
            kept = shelf.unaltered(earlier, self.destination)
        self._require_room(series, earlier, inputs=inputs, kept=kept)
        wanted: tuple[shelf.Part, ...] = ("result", *self.job.maps)
        missing = [part for part in wanted if part not in kept]
        outputs = {file: sha256 for files in kept.values() for file, sha256 in files.items()}
        if earlier and not missing:
            return replace(earlier, status="done before", reason="", outputs=outputs)
        kept_result = earlier if earlier and "result" in kept else None
        volume = _read(series)
        plan = self.job.plan(volume)
        told = _with_repairs(plan.facts, series)
        outcome = Outcome(
            series.name,
            "ok",
            files=len(series.files),
            inputs=inputs,
            job=self.job.described,
            facts=told,
            reading={"format": series.format, "part": series.part, **asdict(series.repair)},
            outputs=outputs,
            versions=kept_result.versions if kept_result else record.versions(),
            clipped=kept_result.clipped if kept_result else 0,
            notes=kept_result.notes if kept_result else [],
        )
        if self.work is None:
            return replace(outcome, status="planned", facts=dict(series.facts) | told)
        answer = self.work(volume, plan)
        outcome = replace(outcome, facts=told | _found(answer, known=self.job.described | told))
        told = self.job.described | outcome.facts
        derivation = Derivation(self.job.kind, self.job.summary, told)
        return shelf.write(
            answer, self.destination, outcome=outcome, missing=missing, derivation=derivation
        )

    def _require_room(
        self, series: Series, earlier: Outcome | None, *, inputs: dict[str, str], kept: shelf.Kept
    ) -> None:
        """Raise WriteRefused if there is what would have to be overwritten."""
        there = [
            place
            for part in shelf.PARTS
            if part not in kept
            for place in shelf.places(self.destination, series.name, part)
        ]
        if not there:
            return
        why = ""
        if earlier and earlier.job != self.job.described:
            why = f", made with {record.other_settings(earlier.job, self.job.described)}"
        elif earlier and list(earlier.inputs.values()) != list(inputs.values()):
            why = ", made from other files"
        elif earlier:
            why = ", altered since it was made"
        raise WriteRefused(f"{there[0]} is there already{why}; remove it or choose another folder")


def _found(answer: Answer, *, known: dict[str, Any]) -> dict[str, Any]:
    """What only the answer itself could say of its making: facts that no plan has."""
    made = answer[0].derivation
    parameters = made.parameters if made else {}
    return {key: value for key, value in parameters.items() if key not in known}


def _with_repairs(facts: dict[str, Any], series: Series) -> dict[str, Any]:
    """The facts of a scan whose geometry was mended say so, as a warning too, and its notes."""
    repairs, notes = (series.facts.get(key, []) for key in ("repairs", "notes"))
    if not repairs and not notes:
        return facts
    warnings = [facts["warning"]] if "warning" in facts else []
    told = {"repairs": repairs} if repairs else {}
    return facts | told | {"warning": "; ".join([*warnings, *repairs, *notes])}


def _read(series: Series) -> Volume:
    """The scan; what the machine lacks for it (a decoder, memory) concerns this scan alone."""
    try:
        return formats.read(series)
    except EnvironmentProblem as problem:
        raise UnreadableScan(str(problem)) from problem
