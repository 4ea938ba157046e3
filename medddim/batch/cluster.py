"""Scans on the workers of Dask distributed: a cluster made here, or one that runs already.

A worker does to a scan what this process would do, with the same stages, into the same folder.
The record and the manifest are written by this process alone.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import Any, Literal
from uuid import uuid4

from medddim import record
from medddim.batch import shelf
from medddim.batch.crew import Crew
from medddim.batch.engine import Keep
from medddim.batch.locks import Shard
from medddim.batch.overlap import DEPTH
from medddim.batch.station import Station, Task
from medddim.batch.worker import Order, forget, work
from medddim.errors import EnvironmentProblem
from medddim.record import Outcome

AHEAD = 2
"""Scans given out for each that the workers can have on their way: none waits for the next."""
DEATHS = 5
"""Workers that one scan may outlast beside others, and once more alone; then it kills them."""
SECONDS = 30
"""How long a scheduler may take to answer."""
NONE_S, ALONE_S = 120, 3600
"""How long a scheduler may be without a worker: at first, and when it has had some."""
LANDING_S = 2
"""How long scans that are being written may take to be reported when the run ends early."""
LOOK_S = 0.5
"""So often it is looked whether a worker has ended."""
Unfinished = Literal["killed", "given up"]
"""Why there is no outcome: workers died over the scan, or its worker takes no more of them."""
DIED = "workers died over this scan, again when it was alone, perhaps for want of memory"


class Cluster:
    """Workers of Dask: `workers` processes on this machine, or those of a running `scheduler`.

    The scheduler and the workers made here listen on the loopback interface alone; a worker that
    dies, from its first moment to its last, is replaced, and its scans are given to others. Those
    of an address (`tcp://host:8786`) need the same folders under the same names.
    """

    def __init__(
        self, *, workers: int | None = None, scheduler: str = "", shard: Shard | None = None
    ) -> None:
        """Nothing is started. Raises EnvironmentProblem if Dask is not installed."""
        self.workers, self.scheduler, self.shard = workers or 1, scheduler, shard
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
        or other weights, and EnvironmentProblem if the scheduler is gone, or all workers.
        """
        folder = station.destination.resolve()
        order = Order(uuid4().hex, folder, station.choose, _versions())
        if self.scheduler:
            tasks = [replace(one, series=_absolute(one.series)) for one in tasks]
        waiting = {task.number: task.series.name for task in tasks}
        try:
            with ExitStack() as end:
                client = end.enter_context(self._client())
                crew = None
                if not self.scheduler:
                    crew = end.enter_context(Crew(self.workers, client.scheduler.address))
                flight = _Flight(client, order, crew)
                end.callback(flight.land, keep)
                for task, outcome in flight.outcomes(tasks):
                    keep(task, outcome)
                    del waiting[task.number]
                    yield outcome
        finally:
            shelf.clear(folder, waiting.values())

    @contextmanager
    def _client(self) -> Iterator[Any]:
        import dask
        from distributed import Client, LocalCluster

        with ExitStack() as end:
            address: Any = self.scheduler
            if not address:
                settings = {"distributed.scheduler.allowed-failures": DEATHS}
                end.enter_context(dask.config.set(settings))
                end.enter_context(_quiet())
                address = end.enter_context(
                    LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0")
                )
            with _answering(self.scheduler):
                client = Client(address, timeout=SECONDS, set_as_default=False)
            yield end.enter_context(client)


@contextmanager
def _quiet() -> Iterator[None]:
    """Dask tells of each process that comes and goes; people hear what it means for their scans."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    loggers = [logging.getLogger(name) for name in ("distributed", *names)]
    before = [one.level for one in loggers]
    if not logging.getLogger(__name__).isEnabledFor(logging.DEBUG):
        for one in loggers:
            one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for one, level in zip(loggers, before, strict=True):
            one.setLevel(level)


@contextmanager
def _answering(scheduler: str) -> Iterator[None]:
    """Say it for people where the scheduler does not answer, or not any more."""
    from distributed import CancelledError

    try:
        yield
    except (CancelledError, OSError, TimeoutError) as problem:
        where = f" at {scheduler}" if scheduler else ""
        raise EnvironmentProblem(
            f"no scheduler answers{where}; is it running, and its address "
            "right? What was finished is kept, and the same command goes on"
        ) from problem


def _versions() -> dict[str, str]:
    """What the workers must have too."""
    return record.versions()


def _absolute(series: Any) -> Any:
    return replace(series, files=tuple(path.absolute() for path in series.files))


class _Flight:
    """The scans that are given out; so many that no worker waits."""

    def __init__(self, client: Any, order: Order, crew: Crew | None) -> None:
        self.client, self.order, self.crew = client, order, crew
        self.given: dict[Any, Task] = {}
        self.seen, self.patience_s = time.monotonic(), NONE_S
        self.address = "" if crew else str(client.scheduler.address)

    def outcomes(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Every outcome as it is ready.

        Scans over which workers have died come last, one by one: who of those that were on a
        worker together has killed it cannot be seen, and none may suffer for its neighbours.
        """
        left, doubtful, doubted = deque(tasks), deque[Task](), set[int]()
        while left or doubtful or self.given:
            room = AHEAD * self._threads() - len(self.given)
            self._give(left.popleft() for _ in range(min(room, len(left))))
            if not left and not self.given:
                self._give([doubtful.popleft()])
            for future in self._ready():
                outcome, task = self._outcome(future), self.given.pop(future)
                if outcome == "given up":
                    left.append(task)
                elif outcome == "killed" and task.number not in doubted:
                    doubted.add(task.number)
                    doubtful.append(task)
                elif outcome == "killed":
                    yield task, Outcome(task.series.name, "failed", DIED, len(task.series.files))
                else:
                    yield task, outcome

    def land(self, keep: Keep) -> None:
        """Have the workers end what they are writing, and put that on record; forget the rest."""
        from distributed import CancelledError, wait

        if self.client.status != "running":
            return
        gone = (CancelledError, OSError, TimeoutError)
        with suppress(*gone), self.client.as_current():
            self.client.run(forget, self.order.run, on_error="ignore")
            if self.given:
                wait(list(self.given), timeout=LANDING_S)
        for future, task in self.given.items():
            if future.status == "finished" and isinstance(
                outcome := self._outcome(future), Outcome
            ):
                keep(task, outcome)

    def _give(self, tasks: Any) -> None:
        with _answering(self.address):
            for task in tasks:
                self.given[self.client.submit(work, self.order, task, pure=False)] = task

    def _threads(self) -> int:
        """How many scans the workers can have on their way; a worker that has ended is replaced.

        Raises EnvironmentProblem if there have been none for too long.
        """
        if self.crew:
            self.crew.keep_up()
        with _answering(self.address):
            threads = sum(self.client.nthreads().values())
        if threads or self.crew:
            self.seen, self.patience_s = time.monotonic(), ALONE_S
        elif time.monotonic() - self.seen > self.patience_s:
            raise EnvironmentProblem(
                f"the scheduler {self.address} has had no worker for {self.patience_s} s; what was "
                "finished is kept, and the same command goes on when there are some"
            )
        return threads or DEPTH

    def _ready(self) -> set[Any]:
        """Those of the scans given out that are done now, or soon."""
        from distributed import wait

        with _answering(self.address), self.client.as_current():
            try:
                done = wait(list(self.given), timeout=LOOK_S, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                return set()
        if done and self.crew:
            self.crew.scan_done()
        return set(done)

    def _outcome(self, future: Any) -> Outcome | Unfinished:
        from distributed import KilledWorker

        with _answering(self.address):
            try:
                outcome: Outcome | None = future.result()
            except KilledWorker:
                return "killed"
            except ImportError as problem:  # Dask says so of what it cannot unpickle
                raise EnvironmentProblem(
                    f"a worker, or its scheduler, lacks the package {problem.name}; install "
                    "medddim there, as where the run was started"
                ) from problem
        return outcome or "given up"
