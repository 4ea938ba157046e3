"""`medddim degrade`: make scans worse on purpose, to train on them or to test with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medddim.cli import batches

if TYPE_CHECKING:
    from medddim.batch import Job


@click.command()
@batches.scans_argument
@batches.output_option
@click.option(
    "--as",
    "kind",
    required=True,
    type=click.Choice(["rician", "thick-slices"]),
    help="What a worse acquisition would have done.",
)
@click.option(
    "--level",
    default=0.05,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="rician: noise as a share of the scan's 99.5th percentile.",
)
@click.option(
    "--thickness",
    type=click.FloatRange(0, min_open=True),
    help="thick-slices: the new slice thickness and spacing, in mm.",
)
@batches.choice_options
@batches.seed_option
@batches.resume_option
@batches.dry_run_option
@batches.json_option
def degrade(
    scans: tuple[Path, ...],
    output: Path,
    kind: str,
    level: float,
    thickness: float | None,
    seed: int,
    as_json: bool,
    **run: Any,
) -> None:
    """Degrade SCANS into the folder OUTPUT, as a worse acquisition would have."""
    from medddim import batch

    if kind == "thick-slices" and thickness is None:
        raise click.UsageError("--as thick-slices needs --thickness, in mm")
    choice = {key: run.pop(key) for key in batches.CHOICE}
    series = batch.plan(scans, output, **choice)
    job = _job(kind, level=level, thickness_mm=thickness, seed=seed)
    sys.exit(batches.run_batch(job, series, output=output, as_json=as_json, **run))


def _job(kind: str, *, level: float, thickness_mm: float | None, seed: int) -> Job:
    from medddim import batch
    from medddim.degradation import Degradation, RicianNoise, ThickSlices

    degradation: Degradation = RicianNoise(level)
    parameters = {"level": level}
    if thickness_mm is not None and kind == "thick-slices":
        degradation, parameters = ThickSlices(thickness_mm), {"thickness_mm": thickness_mm}
    return batch.degrade_job(degradation, name=kind, parameters=parameters, seed=seed)
