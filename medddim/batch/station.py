"""What one process does to one scan: read, compute, write. It keeps the models it has loaded."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

from medddim import formats, memory, record
from medddim.batch import parts, shelf
from medddim.batch.facts import found, with_repairs
from medddim.batch.jobs import (
    Choose,
    Forecasts,
    InTwo,
    Job,
    KeepsParts,
    Plan,
    Progress,
    Rest,
    Work,
    chosen,
    unwatched,
)
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
from medddim.formats.beside import result_place
from medddim.record import Outcome
from medddim.volume import Volume

log = logging.getLogger(__name__)

Done = TypeVar("Done", bound="Ready | Computed | Outcome")


@dataclass(frozen=True)
class Task:
    """One scan to be done, and what is on record of it; goes from process to process."""

    series: Series
    earlier: Outcome | None = None
    number: int = 0
    """Its place among the scans of the run: scans that are refused may share a name."""


@dataclass
class Ready:
    """A scan that is read and planned: what to do to it, and the outcome if that succeeds."""

    task: Task
    job: Job
    volume: Volume
    plan: Plan
    outcome: Outcome
    missing: list[shelf.Part]
    seconds: float = 0.0
    worked: float = 0.0  # by the thread that read it


@dataclass
class Computed:
    """A scan whose answer waits to be finished and written."""

    job: Job
    finish: Rest
    outcome: Outcome
    missing: list[shelf.Part]
    seconds: float = 0.0


class Station:
    """The work on scans, stage by stage; each stage may run in a thread of its own.

    A problem of a scan becomes its outcome, and the stages behind pass it on.
    EnvironmentProblem and CheckpointError, which the next scan would meet too, are raised.
    """

    def __init__(self, destination: Path, choose: Choose) -> None:
        """Results go below `destination`; nothing is loaded yet."""
        memory.return_what_is_freed()
        self.destination, self.choose = destination, choose
        self.progress: Progress = unwatched
        self.loaded: dict[int, tuple[Job, Work]] = {}

    def load(self, job: Job) -> Work:
        """The work of a job, made ready when first needed."""
        if id(job) not in self.loaded:  # with the job, so that no other gets its id
            self.loaded[id(job)] = job, job.start(self._progress)
        return self.loaded[id(job)][1]

    def _progress(self, share: float) -> None:
        self.progress(share)

    def read(self, task: Task, *, adopt: bool = True) -> Ready | Outcome:
        """Look for what is done; read and plan what is not.

        `adopt` takes the result that a killed process has left unrecorded.
        """

        def read() -> Ready | Outcome:
            if task.series.skip:
                files = len(task.series.files)
                return Outcome(task.series.name, "skipped", task.series.skip, files)
            if task.series.refusal:
                raise UnreadableScan(task.series.refusal)
            left = shelf.adopted(self.destination, task.series.name) if adopt else None
            scan = self._settled(replace(task, earlier=left or task.earlier))
            if isinstance(scan, Outcome) and adopt:  # of a process killed before it forgot them
                parts.forget(self.destination, task.series.name)
            if left and isinstance(scan, Outcome) and scan.status == "done before":
                return replace(scan, status="ok")
            return scan

        return _timed(task.series, read)

    def compute(self, scan: Ready | Outcome) -> Computed | Outcome:
        """Do the work."""
        if isinstance(scan, Outcome):
            return scan
        work = self.load(scan.job)

        def compute() -> Computed:
            outcome = _with_forecast(work, scan)
            return Computed(scan.job, self._begun(work, scan), outcome, scan.missing)

        return _timed(scan.task.series, compute, before=scan.seconds)

    def _begun(self, work: Work, scan: Ready) -> Rest:
        if not isinstance(work, KeepsParts):
            return _in_two(work, scan)
        work.parts = kept = parts.Saved(self.destination, scan.outcome)
        try:
            return _in_two(work, scan)
        except BaseException:  # whatever ends it, the next run goes on from here
            kept.flush()
            raise

    def write(self, scan: Computed | Outcome) -> Outcome:
        """Finish the work, write what is missing; the outcome, which is not on record yet."""
        if isinstance(scan, Outcome):
            return scan
        job, planned = scan.job, scan.outcome

        def write() -> Outcome:
            answer, stated = scan.finish(), planned.facts
            facts = stated | found(answer, known=job.described | stated)
            done = shelf.write(
                answer,
                self.destination,
                outcome=replace(planned, facts=facts),
                missing=scan.missing,
                derivation=Derivation(job.kind, job.summary, job.described | facts),
            )
            parts.forget(self.destination, planned.name)
            return replace(done, peak_mb=round(memory.peak() / 1e6))

        return _timed(planned, write, before=scan.seconds)

    def planned(self, task: Task) -> Outcome:
        """The outcome of a scan that is read and planned; nothing is written."""
        scan = self.read(task, adopt=False)
        if isinstance(scan, Outcome):
            return scan
        ready, place = scan, f"{self.destination}/{result_place(task.series.name, scan.volume)}"
        facts = task.series.facts | scan.outcome.facts | {"place": place}
        outcome = _attempted(task.series, lambda: _with_forecast(self.load(ready.job), ready))
        if outcome.status == "refused":
            return outcome
        return replace(outcome, status="planned", facts=facts)

    def _settled(self, task: Task) -> Ready | Outcome:
        series, earlier = task.series, task.earlier
        reader = cache(partial(_read, series))
        job = chosen(self.choose, series, reader)
        began = time.thread_time()
        inputs = {series.shown(file): sha256_of(file) for file in series.files}
        kept: shelf.Kept = {}
        if earlier and record.same_work(earlier, inputs=inputs, job=job.described):
            kept = shelf.unaltered(earlier, self.destination)
        self._require_room(task, job, inputs=inputs, kept=kept)
        wanted: tuple[shelf.Part, ...] = ("result", *job.maps)
        missing = [part for part in wanted if part not in kept]
        outputs = {file: sha256 for files in kept.values() for file, sha256 in files.items()}
        if earlier and not missing:
            return replace(earlier, status="done before", reason="", outputs=outputs)
        kept_result = earlier if earlier and "result" in kept else None
        volume = reader()
        plan = job.plan(volume)
        outcome = Outcome(
            series.name,
            "ok",
            files=len(series.files),
            inputs=inputs,
            job=job.described,
            facts=with_repairs(plan.facts, series),
            reading={"format": series.format, "part": series.part, **asdict(series.repair)},
            outputs=outputs,
            versions=kept_result.versions if kept_result else record.versions(),
            device=kept_result.device if kept_result else job.device,
            clipped=kept_result.clipped if kept_result else 0,
            notes=kept_result.notes if kept_result else [],
        )
        return Ready(task, job, volume, plan, outcome, missing, worked=time.thread_time() - began)

    def _require_room(
        self, task: Task, job: Job, *, inputs: dict[str, str], kept: shelf.Kept
    ) -> None:
        """Raise WriteRefused if there is what would have to be overwritten."""
        earlier = task.earlier
        there = [
            place
            for part in shelf.PARTS
            if part not in kept
            for place in shelf.places(self.destination, task.series.name, part)
        ]
        if not there:
            return
        why = ""
        if earlier and earlier.job != job.described:
            why = f", made with {record.other_settings(earlier.job, job.described)}"
        elif earlier and list(earlier.inputs.values()) != list(inputs.values()):
            why = ", made from other files"
        elif earlier:
            why = ", altered since it was made"
        raise WriteRefused(f"{there[0]} is there already{why}; remove it or choose another folder")


def _timed(of: Series | Outcome, stage: Callable[[], Done], *, before: float = 0) -> Done | Outcome:
    """What a stage gives, with its seconds added to those before; or the problem of the scan."""
    began = time.monotonic()
    done = _attempted(of, stage)
    seconds = round(before + time.monotonic() - began, 3)
    if isinstance(done, Outcome):
        return replace(done, seconds=seconds)
    done.seconds = seconds
    return done


def _attempted(of: Series | Outcome, stage: Callable[[], Done]) -> Done | Outcome:
    files = len(of.files) if isinstance(of, Series) else of.files
    status: record.Status = "refused"
    try:
        return stage()
    except (EnvironmentProblem, CheckpointError):
        raise
    except MedddimError as error:
        reason = str(error)
    except OSError as error:
        reason = f"{error.filename or of.name}: {error.strerror}"
    except Exception as error:
        # The boundary of one scan: a bug met here must not cost the other scans. Its own
        # message may quote the file's header, so only the class goes into the record.
        log.debug("%s failed\n%s", of.name, trace(error))
        status = "failed"
        reason = f"unexpected {type(error).__name__}; `medddim --debug` with this scan shows more"
    return Outcome(of.name, status, reason, files)


def _in_two(work: Work, scan: Ready) -> Rest:
    """The work begun, where it can be; else all of it done."""
    if isinstance(work, InTwo):
        return work.begun(scan.volume, scan.plan)
    answer = work(scan.volume, scan.plan)
    return lambda: answer


def _with_forecast(work: Work, scan: Ready) -> Outcome:
    """The outcome with what the scan will take; UnsupportedScan where there is not so much."""
    if not isinstance(work, Forecasts):
        return scan.outcome
    return replace(scan.outcome, planned=work.forecast(scan.plan).facts(reading_s=scan.worked))


def _read(series: Series) -> Volume:
    """The scan; what the machine lacks for it (a decoder, memory) concerns this scan alone."""
    try:
        return formats.read(series)
    except EnvironmentProblem as problem:
        raise UnreadableScan(str(problem)) from problem
