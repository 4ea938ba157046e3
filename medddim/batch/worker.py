"""What a worker of a cluster does: one scan after the other, by the stages of its own line.

This is imported by the workers, and run by those that `--workers` starts.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from medddim import record
from medddim.batch import shelf
from medddim.batch.jobs import Always, Choose
from medddim.batch.overlap import DEPTH, Line, Stopped
from medddim.batch.station import Station, Task
from medddim.errors import CheckpointError, EnvironmentProblem
from medddim.record import Outcome

SECONDS = 60
"""How long a worker looks for its scheduler before it ends."""

_lines: dict[str, Line | None] = {}
"""The runs that this process works for; None for those that are over."""
_lock = Lock()


@dataclass(frozen=True)
class Order:
    """All that the workers of one run need to know; small enough to go with every scan."""

    run: str
    destination: Path
    choose: Choose
    versions: dict[str, str]


def work(order: Order, task: Task) -> Outcome | None:
    """One scan; as many threads do this at once as there are stages.

    None where this worker has given it up: a neighbour has met what ends the run. Raises
    EnvironmentProblem or CheckpointError, naming this worker, if it has other versions or weights
    than the run, or meets what the next scan would meet too.
    """
    try:
        line = _line(order)
        outcome = line.submit(task).result()
        if outcome.status == "refused" and shelf.adopted(order.destination, task.series.name):
            # a worker taken for dead has written it meanwhile: its result is taken
            outcome = line.submit(task).result()
        return outcome
    except Stopped:
        return None
    except (EnvironmentProblem, CheckpointError) as problem:
        raise problem.__class__(f"the worker {_address()}: {problem}") from None


def forget(run: str) -> None:
    """Give up what is computed, end what is being written, and take no more of this run."""
    with _lock:
        line, _lines[run] = _lines.get(run), None
    if line:
        line.__exit__()


def _line(order: Order) -> Line:
    with _lock:
        if order.run not in _lines:
            _require_versions(order)
            station = Station(order.destination, order.choose)
            if isinstance(order.choose, Always):
                station.load(order.choose.job)  # which compares the weights
            _lines[order.run] = Line(station)
        line = _lines[order.run]
    if line is None:
        raise Stopped
    return line


def _require_versions(order: Order) -> None:
    here = record.versions()
    for name, wanted in order.versions.items():
        if here.get(name) != wanted:
            raise EnvironmentProblem(
                f"expected {name} {wanted}, as where the run was started, found {here.get(name)}; "
                "install the same version there"
            )


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


# --- the process of a worker on this machine ------------------------------------------------------


def serve(scheduler: str, folder: str) -> None:
    """Work for a scheduler on this machine until it is gone, or whoever started this process is."""
    import asyncio

    Thread(target=_end_with_the_starter, args=(folder,), daemon=True).start()
    asyncio.run(_serving(scheduler, folder))


async def _serving(scheduler: str, folder: str) -> None:
    from distributed import Worker

    worker = Worker(
        scheduler,
        nthreads=DEPTH,
        host="127.0.0.1",
        memory_limit=0,  # the scans are what takes memory, and they are bounded
        local_directory=folder,
        death_timeout=SECONDS,
    )
    async with worker:
        await worker.finished()


def _end_with_the_starter(folder: str) -> None:
    """However the run ends, its pipe closes: no worker may outlive it and go on writing.

    A run that was killed cannot remove the folder of its workers.
    """
    sys.stdin.buffer.read()
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(0)
