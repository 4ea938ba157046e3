"""How far a run is: a bar for people, lines of JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click


@contextmanager
def events(total: int) -> Iterator[Callable[[float], None]]:
    """Lines of JSON on stderr, one a second at most, with how many scans of all are done."""
    before = time.monotonic()

    def tell(scans: float) -> None:
        nonlocal before
        if (now := time.monotonic()) - before >= 1:
            before = now
            click.echo(json.dumps({"progress": round(scans, 3), "scans": total}), err=True)

    yield tell


@contextmanager
def bar(total: int, *, hidden: bool = False) -> Iterator[Callable[[float], None]]:
    """A bar on stderr where a person is watching; yields what takes the number of scans done."""
    if hidden or not sys.stderr.isatty():
        yield lambda scans: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    # Lines for a file or a pipe must not be caught and shown above the bar instead.
    shown = Progress(
        *("{task.description}", BarColumn(), TaskProgressColumn(), TimeRemainingColumn()),
        console=Console(stderr=True),
        redirect_stdout=sys.stdout.isatty(),
        speed_estimate_period=600,  # a slice may take seconds
        transient=True,
    )
    with shown:
        task = shown.add_task(f"scan 1 of {total}", total=total)

        def tell(scans: float) -> None:
            scan = min(int(scans) + 1, total)
            shown.update(task, completed=scans, description=f"scan {scan} of {total}")

        yield tell
