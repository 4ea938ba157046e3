"""The options that say where a batch is done: here, on a cluster, in parts by a job array."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from medddim.batch import Engine, Shard

ENGINE = ("workers", "scheduler", "shard")
"""The arguments that `engine_options` adds to a verb, as `run_batch` takes them."""


def _shard(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    from medddim.batch import Shard

    return None if text is None else Shard.parse(text)


UNITS = ("", "k", "m", "g", "t")
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?", re.IGNORECASE)


def _size(context: click.Context, parameter: click.Parameter, text: str | None) -> int | None:
    """Bytes of a size such as 2GB, 800 MB or 1.5GiB."""
    if text is None:
        return None
    found = SIZE.fullmatch(text.strip())
    if not found or not float(found[1]):
        raise click.BadParameter(f"expected a size such as 2GB or 800MB, found {text!r}")
    number, unit, binary = found.groups()
    power = UNITS.index(unit.lower())
    base = 1024 if binary else 1000
    return round(float(number) * float(base) ** power)


memory_option = click.option(
    "--memory",
    metavar="SIZE",
    callback=_size,
    show_default="2GB, or what a larger scan needs and the machine has",
    help="The most memory the run may take, such as 2GB: shared among --workers; with --scheduler "
    "or --shard, for each process.",
)


def share_of(memory: int | None, workers: int | None) -> int | None:
    """The memory of each process."""
    return memory // (workers or 1) if memory else None


def _one_engine(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Judged by whichever of the two is looked at last."""
    if value and any(context.params.get(name) for name in ("workers", "scheduler")):
        raise click.UsageError("--workers starts a cluster, --scheduler names one; give one")
    return value


_ENGINE_OPTIONS = (
    click.option(
        "--workers",
        callback=_one_engine,
        type=click.IntRange(min=1),
        help="Share the scans among so many processes on this machine (Dask).",
    ),
    click.option(
        "--scheduler",
        default="",
        callback=_one_engine,
        metavar="ADDRESS",
        help="Share the scans among the workers of this scheduler of Dask, such as "
        "tcp://host:8786.",
    ),
    click.option(
        "--shard",
        metavar="I/N",
        callback=_shard,
        help="Do only the I-th of N parts of the scans, beside N-1 other runs (a job array).",
    ),
    click.option(
        "--exit-zero",
        is_flag=True,
        help="Exit with 0, not 1, if scans were refused or failed: for workflow engines that throw "
        "the results away on 1.",
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the work is done, and what a workflow engine wants to hear."""
    for option in reversed(_ENGINE_OPTIONS):
        command = option(command)
    return command


def engine_of(
    progress: Callable[[float], None],
    *,
    workers: int | None = None,
    scheduler: str = "",
    shard: Shard | None = None,
) -> Engine:
    """Where the options say that the work is to be done."""
    from medddim import batch

    if workers or scheduler:
        return batch.Cluster(workers=workers, scheduler=scheduler, shard=shard)
    return batch.Here(progress, shard=shard)
