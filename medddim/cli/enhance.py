"""`medddim enhance`: a folder of scans in, a folder of better ones out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medddim.cli import batches, devices, engines, shares, slicer
from medddim.cli.choices import Choice
from medddim.cli.examples import examples

if TYPE_CHECKING:
    from medddim.batch import Job, Settings
    from medddim.formats import Series

SAMPLING = 8
"""Steps for samples, where no other number is asked for: one alone hardly shows a spread."""


def _numbers(text: str, kind: type[int] | type[float], *, what: str) -> tuple[Any, ...]:
    try:
        numbers = tuple(kind(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in (1, 3) or not all(0 < number < float("inf") for number in numbers):
        raise click.BadParameter(f"expected {what}, found {text!r}")
    return numbers


def _factor(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    numbers = _numbers(text, int, what="a whole number such as 4, or three such as 2,2,2")
    return numbers[0] if len(numbers) == 1 else numbers


def _spacing(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    return None if text is None else _numbers(text, float, what="1 or 3 lengths in mm")


@click.command(
    epilog=examples(
        "enhance study/ -o better/                        DICOM in, DICOM out; NIfTI in, NIfTI out",
        "enhance study/ -o better/ --dry-run              what would be done, and where",
        "enhance study/ -o better/ --select Modality=MR --exclude 'SeriesDescription~localizer'",
        "enhance dicom/ -o better/ -f %s_%d               names by series number and description",
        "enhance study/ -o textured/ --steps 8 --fidelity 0.5",
        "enhance thick/ -o thin/ --factor 4               MR slices four times as many",
    )
)
@batches.scans_argument
@batches.output_as(cls=slicer.FolderOrVolume)
@slicer.slicer_options
@click.option(
    "--model",
    default="auto",
    show_default=True,
    metavar="NAME|DIR",
    help="A shipped model, a checkpoint folder, `identity`, which changes nothing, or `auto`: "
    "mr-denoise-fast (see --quality) or ct-denoise, by what each scan is; with --samples "
    "mr-denoise-vp, with --factor or --spacing mr-superres.",
)
@click.option(
    "--steps",
    show_default="1; 8 with --samples",
    type=click.IntRange(1, 1000),
    help="DDIM steps. 1 returns the mean of all clean images that fit the scan; more bring texture "
    "back.",
)
@click.option(
    "--fidelity",
    default=0.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="For several STEPS: blend with the answer of one step. 0 keeps all their texture, "
    "1 is the 1-step answer: best PSNR, smoothest.",
)
@click.option(
    "--samples",
    type=click.IntRange(min=2),
    help="Draw this many answers, with seeds from SEED on: their mean, and a map of their spread.",
)
@click.option(
    "--residual", is_flag=True, help="Write a map of what was changed beside each result."
)
@click.option(
    "--receipt",
    is_flag=True,
    help="Measure how much of the contrast of small structures each result keeps.",
)
@click.option(
    "--interval",
    type=shares.Share(of=100, min_open=True, max_open=True),
    metavar="PERCENT",
    help="Write maps of the lower and upper end of an interval for every voxel, calibrated to "
    "cover this percentage of the voxels, averaged over scans: 90.",
)
@click.option(
    "--invented",
    is_flag=True,
    help="Write a map of structure that a result shows and its scan does not.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Enhance scans unlike those of training (out of range), too; the record says so.",
)
@click.option(
    "--factor",
    callback=_factor,
    metavar="N|X,Y,Z",
    help="Super-resolution: N times as many slices, or a factor for each voxel axis; the field of "
    "view stays.",
)
@click.option(
    "--spacing",
    "spacing_mm",
    callback=_spacing,
    metavar="MM[,MM,MM]",
    help="Super-resolution to this voxel spacing, in place of --factor.",
)
@click.option(
    "--noise",
    type=shares.Share(),
    help="Standard deviation of the noise, as a share of the scan's bright end (its 99.5th "
    "percentile; see `inspect`), for CT of 1000 HU; estimated if not given.",
)
@click.option(
    "--sampler",
    metavar="NAME",
    show_default="that of the model",
    help="How the steps are taken: ddim, second-order or ancestral, which draws noise at every "
    "step, for models that begin with white noise.",
)
@click.option(
    "--quality",
    default="auto",
    show_default=True,
    type=Choice(["auto", "fast", "best"]),
    help="auto: mr-denoise-fast for MR, one view for CT. best: mr-denoise for MR, many times "
    "slower, and better where the noise is white; for CT the mean of four views. fast: one view, "
    "whatever the model. A view is one evaluation of the network, of the image as it is or "
    "mirrored.",
)
@batches.choice_options
@batches.seed_option
@devices.device_option
@click.option(
    "--precision",
    default="auto",
    show_default=True,
    type=Choice(["auto", "bf16", "fp32"]),
    help="Number format of the network; auto: bf16 where the machine has it, else fp32.",
)
@engines.memory_option
@engines.engine_options
@batches.resume_option
@batches.again_option
@batches.dry_run_option
@batches.threads_option
@batches.quiet_option
@batches.json_option
def enhance(scans: tuple[Path, ...], output: Path, as_json: bool, **options: Any) -> None:
    """Enhance SCANS (DICOM folders, NIfTI files, or folders of both) into the folder OUTPUT."""
    from medddim import batch

    if options["steps"] is None:
        options["steps"] = 1 if options["samples"] is None else SAMPLING
    if volume := options.pop("volume"):
        slicer.require_one_file(scans, volume)
    require_sound(scans, output, options)
    choice = {key: options.pop(key) for key in batches.CHOICE}
    series = batch.plan(scans, output, **choice)
    if not options.pop("again") and options["model"] != "identity":
        series = batch.skipping_own(series)
    options["memory"] = engines.share_of(options["memory"], options["workers"])
    run = {
        key: options.pop(key)
        for key in ("resume", "dry_run", "exit_zero", "quiet", *engines.ENGINE)
    }
    if volume:
        run |= {"shown": slicer.filter_progress, "quiet": True}
    code = batches.run_batch(job_of(**options), series, output=output, as_json=as_json, **run)
    if volume and code == 0:
        slicer.hand_over(scans[0], output, volume)
    sys.exit(code)


def require_sound(scans: Sequence[Path], output: Path, asked: Mapping[str, Any]) -> None:
    """Judge the request by itself: in part of a second, without torch, before scans are looked at.

    Raises UsageError, WriteRefused, CheckpointError and RequestProblem.
    """
    if asked["fidelity"] and asked["steps"] == 1:
        raise click.UsageError(
            "--fidelity blends the answer of several steps with that of one; give --steps, too, "
            "such as --steps 8"
        )
    batches.require_beside(output, scans)
    judged(asked)


EXTRAS = ("residual", "receipt", "interval", "invented", "force")
"""The options that `batch.Extras` holds."""
SETTINGS = ("steps", "fidelity", "seed", "factor", "spacing_mm", "sampler", "quality", "samples")
"""Those that `batch.Settings` holds by the same name."""


def judged(asked: Mapping[str, Any]) -> tuple[Settings, dict[str, Any]]:
    """The settings and extras that options ask for, if the models can do it; without torch.

    Raises UsageError, CheckpointError and RequestProblem.
    """
    from medddim import batch

    extras = {key: asked[key] for key in EXTRAS if key in asked}
    given = {key: asked[key] for key in SETTINGS if key in asked}
    settings = batch.Settings(noise_share=asked["noise"], **given)
    if asked["model"] != "identity":
        batch.require_fitting(asked["model"], settings, batch.Extras(**extras))
        return settings, extras
    changed = settings != batch.Settings(seed=settings.seed)
    if changed or any(extras.values()) or asked["precision"] != "auto":
        raise click.UsageError(
            "identity changes nothing: it has no --samples, no --residual, nor any other "
            "setting of an enhancement"
        )
    return settings, extras


def job_of(*, memory: int | None = None, **asked: Any) -> Job | Callable[[Series], Job]:
    """What the options of `enhance` ask for."""
    from medddim import batch

    settings, extras = judged(asked)
    model = asked["model"]
    if model == "identity":
        return batch.identity_job()
    from medddim.cli.lean import load_networks

    load_networks()
    from medddim.checkpoint import Checkpoint

    options = {key: asked[key] for key in ("device", "precision")} | {"memory": memory, **extras}
    if model == "auto":
        return batch.by_modality(settings, **options)
    return batch.enhance_job(Checkpoint.open(model), settings, **options)


def job_when_needed(**asked: Any) -> Callable[[Series], Job]:
    """As `job_of`, but only judged now: made, with torch, for the first scan that there is."""
    judged(asked)
    made = cache(partial(job_of, **asked))

    def choose(series: Series) -> Job:
        job = made()
        return job(series) if callable(job) else job

    return choose
