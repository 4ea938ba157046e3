"""One scan is read and another written while the network computes a third."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

from medddim.batch.jobs import Progress, unwatched
from medddim.batch.station import Station, Task
from medddim.record import Outcome

DEPTH = 3
"""Scans on their way at once: one read, one computed, one written. Bounds the memory."""


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
        names = ("read", "compute", "write")
        self.threads = [ThreadPoolExecutor(1, thread_name_prefix=name) for name in names]
        self.watched = watched
        station.progress = self._progress

    def __enter__(self) -> Line:
        """Nothing to do."""
        return self

    def __exit__(self, *problem: object) -> None:
        """Stop; returns when all threads have ended."""
        self.stopping.set()
        for thread in self.threads:
            thread.shutdown(wait=True, cancel_futures=False)

    def _progress(self, share: float) -> None:
        if self.stopping.is_set():
            raise Stopped
        self.watched(share)

    def submit(self, task: Task) -> Future[Outcome]:
        """Send a scan down the line."""
        done: Future[Outcome] = Future()
        self.threads[0].submit(self._stage, 0, task, done)
        return done

    def _stage(self, number: int, scan: Any, done: Future[Outcome]) -> None:
        stages: list[Any] = [self.station.read, self.station.compute, self.station.write]
        writing = number == len(stages) - 1
        try:
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
