"""How far a run is: a bar for people, lines of JSON for programs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

MINUTE = 60
"""Seconds."""


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
def lines(total: int) -> Iterator[Callable[[float], None]]:
    """Lines for people on stderr, one a minute at most: a log, or a pipe, shows that it goes on."""
    before = time.monotonic()

    def tell(scans: float) -> None:
        nonlocal before
        if (now := time.monotonic()) - before >= MINUTE:
            before = now
            click.echo(f"scan {min(int(scans) + 1, total)} of {total}", err=True)

    yield tell


@contextmanager
def bar(total: int, *, hidden: bool = False) -> Iterator[Callable[[float], None]]:
    """A bar on stderr, lines where it is no terminal; yields what takes the scans done."""
    if hidden:
        yield lambda scans: None
        return
    if not sys.stderr.isatty():
        with lines(total) as tell:
            yield tell
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
