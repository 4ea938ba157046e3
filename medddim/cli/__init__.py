"""The command line: one file a verb; each parses, calls one function, prints.

Exit codes: 0 all done, 1 there are scans that were refused or failed, or none at all, 2 the request
is wrong and nothing was begun, 3 environment (a package, a device, weights, disk), 130 interrupted;
docs/reference/exit-codes.md has the table. Heavy packages are imported inside the verbs, so that
`medddim --help` answers at once.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from medddim import __version__
from medddim.cli.bids import bids
from medddim.cli.degrade import degrade
from medddim.cli.demo import demo
from medddim.cli.enhance import enhance
from medddim.cli.evaluate import evaluate
from medddim.cli.examples import Group
from medddim.cli.export import export
from medddim.cli.inspect import inspect
from medddim.cli.models import models
from medddim.cli.pacs import fetch, listen, send
from medddim.cli.report import report
from medddim.cli.selftest import selftest
from medddim.cli.train import Interrupted, train
from medddim.cli.verify import verify
from medddim.errors import (
    CheckpointError,
    EnvironmentProblem,
    MedddimError,
    RecipeError,
    RequestProblem,
    UnknownModel,
    WriteRefused,
    trace,
)

EXIT_REFUSED, EXIT_USAGE, EXIT_ENVIRONMENT, EXIT_INTERRUPTED = 1, 2, 3, 130
GOES_ON = {
    "enhance": "; the same command goes on",
    "degrade": "; the same command goes on",
}

log = logging.getLogger(__name__)


class _Verbs(Group):
    """A group in which every problem ends in one line on stderr and an exit code."""

    def invoke(self, context: click.Context) -> Any:
        try:
            with _stopped_as_by_a_person():
                return super().invoke(context)
        except (click.ClickException, click.exceptions.Exit, BrokenPipeError):
            raise
        except (Exception, KeyboardInterrupt) as problem:
            log.debug("stopped\n%s", trace(problem))
            stated, code = _verdict(problem, verb=str(context.invoked_subcommand))
            line = " ".join(part.strip() for part in stated.splitlines())
            click.echo(f"medddim: {line}", err=True)
            raise click.exceptions.Exit(code) from None


@contextmanager
def _stopped_as_by_a_person() -> Iterator[None]:
    """SIGTERM, by which schedulers and PACS end a process, is taken as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _verdict(problem: BaseException, *, verb: str) -> tuple[str, int]:
    match problem:
        case click.Abort() | KeyboardInterrupt():
            kept = f"what was finished is kept{GOES_ON.get(verb, '')}"
            left = str(problem) if isinstance(problem, Interrupted) else kept
            return f"interrupted; {left}", EXIT_INTERRUPTED
        case RequestProblem() | UnknownModel() | RecipeError() | WriteRefused():
            return str(problem), EXIT_USAGE
        case EnvironmentProblem() | CheckpointError():
            return str(problem), EXIT_ENVIRONMENT
        case MedddimError():
            return str(problem), EXIT_REFUSED
        case OSError(filename=str() as file, strerror=why):
            return f"{file}: {why}", EXIT_ENVIRONMENT
        case MemoryError() | ImportError() | RuntimeError() if stated := _too_small(problem):
            return stated, EXIT_ENVIRONMENT
        case _:  # a bug; its own message may quote a file's header
            bug = type(problem).__name__
            stated = f"unexpected {bug}; `medddim --debug {verb} ...` shows where"
            return stated, EXIT_REFUSED


def _too_small(problem: BaseException) -> str:
    """What to say where memory ran out; "" where something else did.

    Under a limit of the address space, packages and threads are what does not fit first.
    """
    from medddim import memory

    if not isinstance(problem, MemoryError) and not memory.limited():
        return ""
    held, left = memory.held() / 1e9, memory.available() / 1e9
    return (
        f"not enough memory: this process holds {held:.2f} GB, and {left:.2f} GB are left to it; "
        "end other programs, or allow it more (ulimit -v, or the job scheduler)"
    )


@click.group(
    "medddim",
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="medddim")
@click.option("--debug", is_flag=True, help="Log what happens, with tracebacks.")
def main(debug: bool) -> None:
    """Enhance medical scans: a folder of noisy or coarse MR and CT in, one of better ones out.

    Same format, same geometry, same units. Not a medical device: never for diagnosis.
    """
    level = logging.DEBUG if debug else logging.ERROR
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s: %(message)s")
    logging.getLogger("medddim").setLevel(logging.DEBUG if debug else logging.WARNING)


for verb in (
    *(demo, inspect, enhance, report, verify, evaluate, degrade, train, models),
    *(bids, listen, fetch, send, export, selftest),
):
    main.add_command(verb)
