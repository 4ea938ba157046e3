"""Denoising and super-resolution as jobs: the plan of each scan, carried out by one Enhancer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from medddim.batch.jobs import Answer, Job, Progress, Work
from medddim.formats.contract import Quantity
from medddim.inference.plan import ScanPlan, plan_scan, requested, summary
from medddim.inference.settings import Settings
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.checkpoint import Checkpoint
    from medddim.networks import Precision


def enhance_job(
    model: Checkpoint,
    settings: Settings | None = None,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    residual: bool = False,
) -> Job:
    """Denoise or super-resolve with a trained model.

    `residual` asks for a map of what was changed beside each result; with `settings.samples` there
    is one of their standard deviation. The network is loaded when the job starts, not before.
    Raises RequestProblem for settings that make no sense for the model.
    """
    from medddim.networks import choose_device, choose_precision

    recipe, settings = model.recipe, settings or Settings()
    settings.require_fitting(recipe)
    place = choose_device(device)
    precision = choose_precision(place, precision)
    maps: dict[Quantity, bool] = {
        "uncertainty": settings.samples is not None,
        "residual": residual,
    }
    return Job(
        kind=recipe.task,
        summary=summary(recipe, settings),
        parameters=requested(recipe, settings, sha256=model.sha256, precision=precision),
        start=partial(_start, model, device=str(place), precision=precision, residual=residual),
        plan=partial(plan_scan, recipe, settings=settings),
        maps=tuple(quantity for quantity, wanted in maps.items() if wanted),
        device=str(place),
    )


def _start(
    model: Checkpoint, progress: Progress, *, device: str, precision: Precision, residual: bool
) -> Work:
    from medddim.inference.enhancer import Enhancer

    enhancer = Enhancer.load(model.folder, device=device, precision=precision)

    def work(volume: Volume, plan: ScanPlan) -> Answer:
        enhancer.progress = _adding_up(plan.network_evaluations, progress)
        maps: dict[Quantity, Volume] = {}
        if plan.settings.samples is None:
            result = enhancer.answer(plan)
        else:
            result, maps["uncertainty"] = enhancer.sampled(plan)
        if residual:
            maps["residual"] = result.with_voxels(result.voxels - plan.consistency.before.voxels)
        return result, maps

    return work


def _adding_up(evaluations: int, progress: Progress) -> Progress:
    """A function of each part of so many evaluations; `progress` gets the share that is done."""
    done = 0.0

    def add(part: float) -> None:
        nonlocal done
        done += part
        progress(min(done / evaluations, 1.0))

    return add
