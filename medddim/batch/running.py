"""The run over a folder of scans: read, apply, write, record; one bad scan never stops the rest."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from os.path import realpath  # unlike Path.resolve it bears links that go round in circles
from pathlib import Path
from typing import Any

from medddim import formats, record
from medddim.batch import shelf
from medddim.batch.engine import Engine, Here
from medddim.batch.jobs import Always, Choose, Job
from medddim.batch.locks import locked, manifest_locked
from medddim.batch.places import require_beside
from medddim.batch.station import Station, Task
from medddim.errors import UnreadableScan, WriteRefused
from medddim.formats import Series
from medddim.record import Outcome


def plan(paths: Iterable[Path], destination: Path, **choice: Any) -> list[Series]:
    """The scans in files and folders, when their results can go to `destination`.

    `choice` is select, exclude, filename, on_gap, on_tilt and stack_by, as in `formats.find`.
    Raises UnreadableScan if there are none, WriteRefused if `destination` is, lies in, or holds one
    of the paths: a second run would take the results for scans.
    """
    paths = list(paths)
    require_beside(destination, paths)
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
            "expected DICOM series, or NIfTI, MetaImage, NRRD or MGH files"
        )
    return scans


def run(
    scans: Sequence[Series],
    destination: Path,
    *,
    job: Job | Choose,
    resume: bool = True,
    dry_run: bool = False,
    engine: Engine | None = None,
) -> Generator[Outcome, None, None]:
    """Apply `job` to every scan and write the results below `destination`; yield each outcome.

    Where not all scans get the same, `job` says for each of them which one it gets. `engine` says
    where the work is done: `Here(progress)`, the default, does it in this process, reads one scan
    and writes another while a third is computed, and keeps their order; `Cluster` gives it to the
    workers of Dask, and outcomes come as they are ready. Of several runs that share both folders,
    each does the shard of its engine.

    With `resume`, a scan whose inputs, job and outputs are what an earlier record says is skipped,
    and one that lacks a map is done again for it; what is there but not so is never overwritten. A
    `dry_run` reads, and writes nothing. However a run ends (an exception, a closed generator, a
    killed process), what was finished is kept, and the same call goes on.

    Raises WriteRefused, before anything is written, if `destination` holds scans or another run is
    writing to it; EnvironmentProblem and CheckpointError, which the next scan would meet too, end
    the run.
    """
    _require_apart(scans, destination)
    choose = Always(job) if isinstance(job, Job) else job
    engine = engine or Here()
    shard = engine.shard
    if shard:
        scans = [series for series in scans if shard.holds(series.name)]
    station = Station(destination, choose)
    if dry_run:
        before = record.last_lines(destination) if resume else {}
        yield from (station.planned(Task(one, before.get(one.name))) for one in scans)
        return
    engine.prepare(station)  # what it lacks is said before anything is written
    with locked(destination, shard.part if shard else ""):
        yield from _recorded(
            scans,
            station,
            engine,
            described=job.described if isinstance(job, Job) else {},
            resume=resume,
        )


def _recorded(
    scans: Sequence[Series],
    station: Station,
    engine: Engine,
    *,
    described: dict[str, Any],
    resume: bool,
) -> Generator[Outcome, None, None]:
    """Every outcome, once it is on record; a manifest of them, however it ends."""
    destination, part = station.destination, engine.shard.part if engine.shard else ""
    names = {one.name for one in scans} if part else None
    shelf.recover(destination, names, part=part)
    before = record.last_lines(destination) if resume else {}
    tasks = [Task(one, before.get(one.name), number) for number, one in enumerate(scans)]
    outcomes: dict[int, Outcome] = {}

    def keep(task: Task, outcome: Outcome) -> None:
        record.append(destination, outcome, part=part)
        outcomes[task.number] = outcome

    try:
        with closing(engine.outcomes(station, tasks, keep)) as done:
            yield from done
    finally:
        with manifest_locked(destination, part):
            record.write_manifest(
                destination,
                [outcomes[number] for number in sorted(outcomes)],
                job=described,
                scans_given=len(scans),
                part=part,
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
