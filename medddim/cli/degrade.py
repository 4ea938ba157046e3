"""`medddim degrade`: make scans worse on purpose, to train on them or to test with them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medddim.cli import batches, shares
from medddim.cli.choices import Choice
from medddim.cli.examples import examples

if TYPE_CHECKING:
    from medddim.batch import Job

KINDS = {
    "rician": ("RicianNoise", ("level",)),
    "chi": ("ChiNoise", ("level", "coils", "g_factor")),
    "mr-scanner": ("MrScanner", ("level", "coils", "g_factor", "preset")),
    "low-matrix": ("LowMatrix", ("fraction", "taper", "zero_filled")),
    "thick-slices": ("ThickSlices", ("thickness_mm", "gap_mm", "profile")),
    "low-dose": ("LowDose", ("fraction", "kernel", "noise_hu")),
    "kernel": ("KernelChange", ("kernel", "source")),
}
"""What `--as` offers: a class in `medddim.degradation`, and its fields that have an option."""

FIELDS = sorted({field for _, fields in KINDS.values() for field in fields})

PRESETS = (
    "white",
    "zero-filled",
    "filtered",
    "clinical-2d",
    "partial-fourier",
    "parallel-imaging",
    "multi-coil",
    "volumetric",
)
"""Of `medddim.degradation.mr_scanner`, which takes numpy and scipy to import; a test compares."""

KERNELS = Choice(["soft", "standard", "sharp"])
OPTIONS = (
    click.option(
        "--level",
        type=shares.Share(),
        help="rician, chi, mr-scanner: noise as a share of the scan's 99.5th percentile.  [0.05]",
    ),
    click.option(
        "--coils", type=click.IntRange(1), help="chi, mr-scanner: receiver coils.  [4; 1]"
    ),
    click.option(
        "--g-factor",
        type=click.FloatRange(1),
        help="chi, mr-scanner: how many times louder the noise is in the middle.  [1]",
    ),
    click.option(
        "--preset",
        type=Choice(PRESETS),
        help="mr-scanner: what is done to k-space and so to the noise.  [clinical-2d]",
    ),
    click.option(
        "--fraction",
        type=shares.Share(min_open=True),
        help="low-matrix: share of k-space kept along each in-plane axis.  [0.5]  "
        "low-dose: share of the tube current.  [0.25]",
    ),
    click.option(
        "--taper",
        type=shares.Share(),
        help="low-matrix: outer share of k-space faded out; 0 rings, 1 does not.  [0]",
    ),
    click.option(
        "--zero-filled",
        is_flag=True,
        default=None,
        help="low-matrix: interpolate back to the scan's matrix.",
    ),
    click.option(
        "--thickness",
        "thickness_mm",
        type=click.FloatRange(0, min_open=True),
        help="thick-slices: the new slice thickness, in mm.",
    ),
    click.option(
        "--gap",
        "gap_mm",
        type=click.FloatRange(0),
        help="thick-slices: what is left out between slices, in mm.  [0]",
    ),
    click.option(
        "--profile",
        type=Choice(["box", "gaussian"]),
        help="thick-slices: the slice profile.  [box]",
    ),
    click.option(
        "--kernel",
        type=KERNELS,
        help="low-dose: the kernel of the scan.  [standard]  kernel: the new one.  [soft]",
    ),
    click.option("--from-kernel", "source", type=KERNELS, help="kernel: the scan's.  [standard]"),
    click.option(
        "--noise",
        "noise_hu",
        type=click.FloatRange(0, min_open=True),
        help="low-dose: the scan's own noise in soft tissue, in HU; else a typical dose is taken.",
    ),
)


def physical_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The parameters of all the degradations, each None where it was not given."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command(
    epilog=examples(
        "degrade clean/ -o noisy/ --as rician --level 0.05",
        "degrade thin/ -o thick/ --as thick-slices --thickness 5",
    )
)
@batches.scans_argument
@batches.output_option
@click.option(
    "--as",
    "kind",
    required=True,
    type=Choice(list(KINDS)),
    help="What a worse acquisition would have done.",
)
@physical_options
@batches.choice_options
@batches.seed_option
@batches.resume_option
@batches.dry_run_option
@batches.threads_option
@batches.quiet_option
@batches.json_option
def degrade(
    scans: tuple[Path, ...], output: Path, kind: str, seed: int, as_json: bool, **run: Any
) -> None:
    """Degrade SCANS into the folder OUTPUT, as a worse acquisition would have."""
    from medddim import batch

    batches.require_beside(output, scans)
    choice = {key: run.pop(key) for key in batches.CHOICE}
    asked = {name: run.pop(name) for name in FIELDS}
    job = _job(kind, {name: value for name, value in asked.items() if value is not None}, seed)
    series = batch.plan(scans, output, **choice)
    sys.exit(batches.run_batch(job, series, output=output, as_json=as_json, **run))


def _job(kind: str, asked: dict[str, Any], seed: int) -> Job:
    from medddim import batch, degradation

    name, fields = KINDS[kind]
    for field in asked.keys() - fields:
        raise click.UsageError(f"{_flag(field)} means nothing to --as {kind}")
    if kind == "thick-slices" and "thickness_mm" not in asked:
        raise click.UsageError("--as thick-slices needs --thickness, in mm")
    if kind == "mr-scanner":
        preset = degradation.MrScanner.preset(asked.pop("preset", "clinical-2d"))
        return batch.degrade_job(replace(preset, **asked), seed=seed)
    return batch.degrade_job(getattr(degradation, name)(**asked), seed=seed)


def _flag(field: str) -> str:
    parameters = click.get_current_context().command.params
    return next(parameter.opts[0] for parameter in parameters if parameter.name == field)
