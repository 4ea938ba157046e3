"""Denoising and super-resolution as jobs: the plan of each scan, carried out by one Enhancer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from medddim.batch.jobs import Answer, Job, Progress, Work
from medddim.errors import CheckpointError, RequestProblem
from medddim.formats.contract import Quantity
from medddim.inference.plan import ScanPlan, plan_scan, requested, summary
from medddim.inference.settings import Settings
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.checkpoint import Checkpoint
    from medddim.networks import Precision
    from medddim.recipe import Recipe


@dataclass(frozen=True)
class Extras:
    """What is asked for beside each result.

    `residual` is a map of what was changed; `receipt` measures how much of the contrast of small
    structures the answer keeps, and puts it on record.
    """

    residual: bool = False
    receipt: bool = False

    def require_fitting(self, recipe: Recipe) -> None:
        """Raise RequestProblem for what the model of this recipe has not."""
        if self.receipt and recipe.task == "superresolve":
            raise RequestProblem(
                f"the model {recipe.name} makes voxels finer and keeps what was measured by "
                "construction; a receipt is for denoising"
            )

    @property
    def parameters(self) -> dict[str, Any]:
        """What of this goes into the record of the result itself."""
        return {"receipt_asked": True} if self.receipt else {}


def enhance_job(
    model: Checkpoint,
    settings: Settings | None = None,
    *,
    device: str = "auto",
    precision: Precision = "auto",
    **extras: Any,
) -> Job:
    """Denoise or super-resolve with a trained model.

    `extras` are the fields of `Extras`; with `settings.samples` there is a map of their standard
    deviation. The network is loaded when the job starts, not before. Raises RequestProblem for
    settings that make no sense for the model.
    """
    from medddim.networks import choose_device, choose_precision

    recipe, settings, beside = model.recipe, settings or Settings(), Extras(**extras)
    settings.require_fitting(recipe)
    beside.require_fitting(recipe)
    place = choose_device(device)
    precision = choose_precision(place, precision)
    maps: dict[Quantity, bool] = {
        "uncertainty": settings.samples is not None,
        "residual": beside.residual,
    }
    return Job(
        kind=recipe.task,
        summary=summary(recipe, settings),
        parameters=requested(recipe, settings, sha256=model.sha256, precision=precision)
        | beside.parameters,
        start=partial(_start, model, device=str(place), precision=precision, beside=beside),
        plan=partial(plan_scan, recipe, settings=settings),
        maps=tuple(quantity for quantity, wanted in maps.items() if wanted),
        device=str(place),
    )


def _start(
    model: Checkpoint, progress: Progress, *, device: str, precision: Precision, beside: Extras
) -> Work:
    from medddim.inference.enhancer import Enhancer

    enhancer = Enhancer.load(model.folder, device=device, precision=precision)
    if enhancer.sha256 != model.sha256:  # another machine, or another file by now
        raise CheckpointError(
            f"{model.folder}: expected the weights of {model.recipe.name} with sha256 "
            f"{model.sha256[:12]}, found {enhancer.sha256[:12]}; install the same model there"
        )

    def work(volume: Volume, plan: ScanPlan) -> Answer:
        enhancer.progress = _adding_up(plan.network_evaluations, progress)
        maps: dict[Quantity, Volume] = {}
        if plan.settings.samples is None:
            result = enhancer.answer(plan)
        else:
            result, maps["uncertainty"] = enhancer.sampled(plan)
        if beside.residual:
            maps["residual"] = result.with_voxels(result.voxels - plan.consistency.before.voxels)
        if beside.receipt:
            result = _also_told(result, enhancer.receipt_of(plan, result).facts)
        return result, maps

    return work


def _also_told(result: Volume, facts: dict[str, Any]) -> Volume:
    """The result, whose derivation says more."""
    made = result.derivation
    assert made is not None  # noqa: S101  # an Enhancer always says how
    return replace(result, derivation=replace(made, parameters=made.parameters | facts))


def _adding_up(evaluations: int, progress: Progress) -> Progress:
    """A function of each part of so many evaluations; `progress` gets the share that is done."""
    done = 0.0

    def add(part: float) -> None:
        nonlocal done
        done += part
        progress(min(done / evaluations, 1.0))

    return add
