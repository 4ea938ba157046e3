"""Scans on the workers of Dask distributed: a cluster made here, or one that runs already.

A worker does to a scan what this process would do, with the same stages, into the same folder.
The record and the manifest are written by this process alone.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from medddim import record
from medddim.batch import shelf
from medddim.batch.engine import Keep
from medddim.batch.locks import Shard
from medddim.batch.overlap import DEPTH, Line, Stopped
from medddim.batch.station import Always, Choose, Station, Task
from medddim.errors import CheckpointError, EnvironmentProblem, MedddimError
from medddim.record import Outcome

AHEAD = 2
"""Scans given out for each that the workers can have on their way: none waits for the next."""
DEATHS = 5
"""Workers that one scan may outlast; then it is the scan that kills them."""
SECONDS = 30
"""How long a scheduler may take to answer, and workers to come up."""
DIED = f"{DEATHS + 1} workers died over this scan, perhaps for want of memory"


@dataclass(frozen=True)
class _Order:
    """All that the workers of one run need to know; small enough to go with every scan."""

    run: str
    destination: Path
    choose: Choose
    versions: dict[str, str]


class Cluster:
    """Workers of Dask: `workers` processes on this machine, or those of a running `scheduler`.

    The scheduler and the workers made here listen on the loopback interface alone. Those of an
    address (`tcp://host:8786`) need the same folders under the same names.
    """

    def __init__(
        self, *, workers: int | None = None, scheduler: str = "", shard: Shard | None = None
    ) -> None:
        """Nothing is started. Raises EnvironmentProblem if Dask is not installed."""
        self.workers, self.scheduler, self.shard = workers, scheduler, shard
        try:
            import distributed  # noqa: F401 - looked for, before anything is begun
        except ImportError:
            raise EnvironmentProblem(
                "workers need Dask distributed; pip install 'medddim[cluster]'"
            ) from None

    def prepare(self, station: Station) -> None:
        """Nothing: a model is loaded by the workers, which are there when the run has begun."""

    def outcomes(
        self, station: Station, tasks: Sequence[Task], keep: Keep
    ) -> Generator[Outcome, None, None]:
        """Every outcome as it is ready.

        Raises EnvironmentProblem or CheckpointError, naming the worker, if one has other versions
        or other weights, and EnvironmentProblem if the scheduler is gone.
        """
        folder = station.destination.resolve()
        order = _Order(uuid4().hex, folder, station.choose, _versions())
        if self.scheduler:
            tasks = [replace(one, series=_absolute(one.series)) for one in tasks]
        waiting = {task.number: task.series.name for task in tasks}
        try:
            with self._client() as client:
                _require_alike(client, order)
                try:
                    for task, outcome in _done(client, order, tasks):
                        keep(task, outcome)
                        del waiting[task.number]
                        yield outcome
                finally:
                    _dismiss(client, order)
        finally:
            shelf.clear(folder, waiting.values())

    @contextmanager
    def _client(self) -> Iterator[Any]:
        import dask
        from distributed import Client, LocalCluster

        with ExitStack() as end:
            address: Any = self.scheduler
            if not address:
                settings = {
                    "distributed.scheduler.allowed-failures": DEATHS,
                    "distributed.nanny.pre-spawn-environ": _threads(self.workers or 1),
                }
                end.enter_context(dask.config.set(settings))
                address = end.enter_context(
                    LocalCluster(
                        n_workers=self.workers,
                        threads_per_worker=DEPTH,
                        host="127.0.0.1",
                        dashboard_address=None,
                        worker_dashboard_address=None,
                        memory_limit=0,  # the scans are what takes memory, and they are bounded
                        silence_logs=50,
                    )
                )
            try:
                client = end.enter_context(Client(address, timeout=SECONDS, set_as_default=False))
            except (OSError, TimeoutError) as problem:
                raise EnvironmentProblem(
                    f"no scheduler answers at {self.scheduler}; is it running, and its address "
                    "right?"
                ) from problem
            yield client


def _versions() -> dict[str, str]:
    """What the workers must have too."""
    return record.versions()


def _threads(workers: int) -> dict[str, int]:
    """The cores of this machine, shared out among the networks of so many workers."""
    share = max((os.cpu_count() or 1) // workers, 1)
    share = min(share, int(os.environ.get("OMP_NUM_THREADS") or share))
    return dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), share)


def _absolute(series: Any) -> Any:
    return replace(series, files=tuple(path.absolute() for path in series.files))


def _done(client: Any, order: _Order, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
    """Every outcome as it is ready; so many tasks are given out that no worker waits."""
    from distributed import as_completed

    left, names = iter(tasks), dict[Any, Task]()

    def give() -> list[Any]:
        threads = sum(client.nthreads().values()) or DEPTH
        room = max(AHEAD * threads - len(names), 0)
        futures = []
        for task in [one for one, _ in zip(left, range(room), strict=False)]:
            future = client.submit(_work, order, task, pure=False)
            names[future] = task
            futures.append(future)
        return futures

    ready = as_completed(give(), loop=client.loop)
    for future in ready:
        task = names.pop(future)
        yield task, _outcome(future, task)
        for another in give():
            ready.add(another)


def _outcome(future: Any, task: Task) -> Outcome:
    from distributed import CancelledError, KilledWorker

    try:
        outcome: Outcome = future.result()
        return outcome
    except KilledWorker:
        return Outcome(task.series.name, "failed", DIED, len(task.series.files))
    except (CancelledError, OSError, TimeoutError) as problem:
        raise EnvironmentProblem(
            "the scheduler is gone; what was finished is kept, and the same command goes on"
        ) from problem


def _require_alike(client: Any, order: _Order) -> None:
    """Raise, naming the worker, unless all have the versions and the weights of this process."""
    client.wait_for_workers(1, timeout=SECONDS)
    for worker, complaint in sorted(client.run(_complaint, order).items()):
        if complaint:
            raise complaint.__class__(f"the worker {worker}: {complaint}")


def _complaint(order: _Order) -> MedddimError | None:
    try:
        _line(order)
    except (EnvironmentProblem, CheckpointError) as problem:
        return problem
    return None


def _dismiss(client: Any, order: _Order) -> None:
    """Have the workers end what they are writing and forget the run, if they can be reached."""
    if client.status == "running":
        client.run(_forget, order.run, on_error="ignore")


# --- on the worker --------------------------------------------------------------------------------

_lines: dict[str, Line | None] = {}
"""The runs that this process works for; None for those that are over."""
_lock = Lock()


def _work(order: _Order, task: Task) -> Outcome:
    """One scan, on a worker; as many threads do this at once as there are stages."""
    return _line(order).submit(task).result()


def _line(order: _Order) -> Line:
    with _lock:
        if order.run not in _lines:
            _require_versions(order)
            station = Station(order.destination, order.choose)
            if isinstance(order.choose, Always):
                station.load(order.choose.job)
            _lines[order.run] = Line(station)
        line = _lines[order.run]
    if line is None:
        raise Stopped
    return line


def _require_versions(order: _Order) -> None:
    here = record.versions()
    for name, wanted in order.versions.items():
        if here.get(name) != wanted:
            raise EnvironmentProblem(
                f"expected {name} {wanted}, as where the run was started, found {here.get(name)}; "
                "install the same version there"
            )


def _forget(run: str) -> None:
    with _lock:
        line, _lines[run] = _lines.get(run), None
    if line:
        line.__exit__()
