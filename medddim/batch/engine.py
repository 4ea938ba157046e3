"""Where the stages of a run are carried out; the run itself is the same everywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from typing import Protocol

from medddim.batch.jobs import Always, Progress, unwatched
from medddim.batch.locks import Shard
from medddim.batch.overlap import DEPTH, Line
from medddim.batch.station import Station, Task
from medddim.record import Outcome

Keep = Callable[[Task, Outcome], None]
"""Puts the outcome of a task on record; called once for each, from the thread of the run."""


class Engine(Protocol):
    """What carries out tasks: this process, or a cluster."""

    shard: Shard | None
    """Which of the scans it does, where several runs share the folders; None: all."""

    def prepare(self, station: Station) -> None:
        """Find out what is lacking, before anything is written.

        Raises EnvironmentProblem or CheckpointError.
        """
        ...

    def outcomes(
        self, station: Station, tasks: Sequence[Task], keep: Keep
    ) -> Generator[Outcome, None, None]:
        """Every outcome, once it is kept. However it ends, what was finished is kept."""
        ...


class Here:
    """This process: no socket, no other process.

    `progress` is called with the share that is done of the scan at hand.
    """

    def __init__(self, progress: Progress = unwatched, *, shard: Shard | None = None) -> None:
        """Nothing is begun."""
        self.progress, self.shard = progress, shard

    def prepare(self, station: Station) -> None:
        """Load the one model there is; where there are several, scans will say which."""
        if isinstance(station.choose, Always):
            station.load(station.choose.job)

    def outcomes(
        self, station: Station, tasks: Sequence[Task], keep: Keep
    ) -> Generator[Outcome, None, None]:
        """Every outcome, in the order of the tasks."""
        flight: deque[tuple[Task, Future[Outcome]]] = deque()

        def first() -> Outcome:
            outcome = flight[0][1].result()
            keep(flight.popleft()[0], outcome)
            return outcome

        try:
            with Line(station, self.progress) as line:
                for task in tasks:
                    flight.append((task, line.submit(task)))
                    if len(flight) == DEPTH:
                        yield first()
                while flight:
                    yield first()
        finally:
            for task, done in flight:
                if done.done() and not done.exception():
                    keep(task, done.result())
