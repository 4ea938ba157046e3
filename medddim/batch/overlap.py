"""One scan is read and another written while the network computes a third."""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Condition, Event
from typing import Any

from medddim.batch.jobs import Progress, unwatched
from medddim.batch.station import Station, Task
from medddim.record import Outcome

DEPTH = 3
"""Scans on their way at once: one read, one computed, one written. Bounds the memory."""
LARGE = 2**26
"""Voxels of a scan that goes its way alone: as float32 it takes a quarter of a gigabyte, twice."""


class Stopped(BaseException):
    """The run has ended before this scan was done; never seen outside."""


class Line:
    """The three stages of a station, each in a thread of its own: scans stay in their order.

    Used as a context manager: at its end, what is being written is written, what is being computed
    is given up at its next tile, and nothing else is begun. A stage that raises stops the line.
    """

    def __init__(self, station: Station, watched: Progress = unwatched) -> None:
        """`watched` is called with the share done of the scan being computed."""
        self.station, self.stopping = station, Event()
        self.threads = [ThreadPoolExecutor(1) for _ in range(DEPTH)]  # read, compute, write
        self.watched, self.free = watched, Condition()
        self.under_way: list[Task] = []
        station.progress = self._progress

    def __enter__(self) -> Line:
        """Nothing to do."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Stop; returns when all threads have ended."""
        self.stopping.set()
        self._leave(None)
        for thread in self.threads:
            thread.shutdown(wait=True, cancel_futures=False)

    def _progress(self, share: float) -> None:
        if self.stopping.is_set():
            raise Stopped
        self.watched(share)

    def submit(self, task: Task) -> Future[Outcome]:
        """Send a scan down the line."""
        done: Future[Outcome] = Future()
        done.add_done_callback(lambda _: self._leave(task))
        self.threads[0].submit(self._stage, 0, task, done)
        return done

    def _enter(self, task: Task) -> None:
        """Wait until there is room: a large scan and others are not in memory at once."""
        with self.free:
            self.free.wait_for(lambda: self.stopping.is_set() or self._fits(task))
            self.under_way.append(task)

    def _fits(self, task: Task) -> bool:
        return not (self.under_way and any(map(_is_large, (task, *self.under_way))))

    def _leave(self, task: Task | None) -> None:
        with self.free:
            if task in self.under_way:
                self.under_way.remove(task)
            self.free.notify_all()

    def _stage(self, number: int, scan: Any, done: Future[Outcome]) -> None:
        stages: list[Any] = [self.station.read, self.station.compute, self.station.write]
        writing = number == len(stages) - 1
        try:
            if number == 0:
                self._enter(scan)
            if self.stopping.is_set() and not writing:
                raise Stopped
            scan = stages[number](scan)
            if writing:
                done.set_result(scan)
            else:
                self.threads[number + 1].submit(self._stage, number + 1, scan, done)
        except BaseException as problem:  # also what ends a program: it goes to whoever waits
            self.stopping.set()
            done.set_exception(problem)


def _is_large(task: Task) -> bool:
    """By the header: nothing is read yet."""
    shape: tuple[int, ...] = task.series.facts.get("shape", ())
    return math.prod(shape) > LARGE
