"""Denoising and super-resolution as jobs: what may be asked, what is foreseen, the work itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from medddim.batch.jobs import Answer, Facts, Job, Progress, Work
from medddim.degradation.larger_voxels import Factor, LargerVoxels, factors_to
from medddim.errors import RequestProblem
from medddim.formats.contract import Quantity
from medddim.inference.posterior import require_samples
from medddim.inference.suitability import factors_of, in_words, require_modality
from medddim.inference.views import views_of
from medddim.metrics.noise import estimate_noise
from medddim.scaling import BRIGHTEST, Scaling
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.checkpoint import Checkpoint
    from medddim.inference.enhancer import Enhancer
    from medddim.networks import Precision
    from medddim.recipe import Recipe


@dataclass(frozen=True)
class Settings:
    """What may be asked of a model beside the scan; the arguments of `Enhancer.__call__`.

    `samples` is how many answers the result is the mean of, their standard deviation beside it;
    `residual` asks for a map of what was changed. `noise` is a share of what the network sees as 1
    (the bright end of an MR scan, 1000 HU), None to estimate it. A super-resolution model needs
    `factor`, or `spacing_mm` to find it for each scan: one number for all voxel axes, or three.
    """

    steps: int = 1
    fidelity: float = 0.0
    seed: int = 0
    noise: float | None = None
    factor: Factor | None = None
    spacing_mm: tuple[float, ...] | None = None
    precision: Precision = "auto"
    samples: int | None = None
    residual: bool = False

    @property
    def maps(self) -> tuple[Quantity, ...]:
        """The maps that are asked for."""
        asked: dict[Quantity, bool] = {
            "uncertainty": self.samples is not None,
            "residual": self.residual,
        }
        return tuple(quantity for quantity, wanted in asked.items() if wanted)


def enhance_job(
    model: Checkpoint, settings: Settings | None = None, *, device: str = "auto"
) -> Job:
    """Denoise or super-resolve with a trained model.

    The network is loaded when the job starts, not before. Raises RequestProblem for settings that
    make no sense for the model.
    """
    from medddim.networks import choose_device, choose_precision

    recipe, settings = model.recipe, settings or Settings()
    place = choose_device(device)
    precision = choose_precision(place, settings.precision)
    settings = replace(settings, precision=precision)
    finer = recipe.task == "superresolve"
    _require_fitting(recipe, settings)
    told: Facts = {"factor": settings.factor, "spacing_mm": settings.spacing_mm} if finer else {}
    if not finer:
        told = {"noise": "estimated" if settings.noise is None else settings.noise}
    told["samples"] = settings.samples
    return Job(
        kind=recipe.task,
        summary=in_words(
            recipe,
            steps=settings.steps,
            fidelity=settings.fidelity,
            samples=settings.samples or 0,
        ),
        parameters={
            "model": recipe.name,
            "model_sha256": model.sha256,
            "recipe_sha256": model.recipe.sha256,
            "steps": settings.steps,
            "fidelity": settings.fidelity,
            "seed": settings.seed,
            **{key: _plain(value) for key, value in told.items() if value is not None},
            "precision": settings.precision,
        },
        start=partial(_start, model, settings, device=str(place)),
        foresee=partial(_foresee, recipe, settings),
        maps=settings.maps,
        device=str(place),
    )


def _require_fitting(recipe: Recipe, settings: Settings) -> None:
    if settings.noise is not None and not settings.noise >= 0:  # not a number is neither
        raise RequestProblem(f"expected a noise of 0 or more, found {settings.noise}")
    finer = settings.factor is not None or settings.spacing_mm is not None
    if recipe.task == "superresolve" and not finer:
        raise RequestProblem(
            f"the model {recipe.name} needs --factor (4, or 2,2,2) or --spacing in mm"
        )
    if recipe.task != "superresolve" and finer:
        raise RequestProblem(
            f"the model {recipe.name} denoises; --factor and --spacing are for super-resolution"
        )
    if settings.samples is None:
        return
    if settings.fidelity:
        raise RequestProblem(
            "--fidelity would shrink the spread that --samples is to show; give one of them"
        )
    from medddim.checkpoint import build_path

    require_samples(
        recipe.name,
        count=settings.samples,
        steps=settings.steps,
        draws_noise=build_path(recipe).random,
    )


def _start(model: Checkpoint, settings: Settings, progress: Progress, *, device: str) -> Work:
    from medddim.inference.enhancer import Enhancer

    enhancer = Enhancer.load(model.folder, device=device, precision=settings.precision)

    def work(volume: Volume, facts: Facts) -> Answer:
        enhancer.progress = _adding_up(facts["network_evaluations"], progress)
        return _enhance(enhancer, settings, volume, facts)

    return work


def _adding_up(evaluations: int, progress: Progress) -> Progress:
    """What tells `progress` the share of so many evaluations, when told of each part of them."""
    done = 0.0

    def add(part: float) -> None:
        nonlocal done
        done += part
        progress(min(done / evaluations, 1.0))

    return add


def _enhance(enhancer: Enhancer, settings: Settings, volume: Volume, facts: Facts) -> Answer:
    finer = LargerVoxels(tuple(facts["factor"])) if "factor" in facts else None
    how: dict[str, Any] = {"steps": settings.steps, "seed": settings.seed}
    if finer:
        how["factor"] = finer.factors
    else:
        how["noise"] = facts["noise_level"] * _scale(enhancer.recipe, volume)
    maps: dict[Quantity, Volume] = {}
    if settings.samples is None:
        result = enhancer(volume, fidelity=settings.fidelity, **how)
    else:
        result, maps["uncertainty"] = enhancer.samples(volume, count=settings.samples, **how)
    if settings.residual:
        before = finer.finer(volume) if finer else volume
        maps["residual"] = result.with_voxels(result.voxels - before.voxels)
    return result, maps


def _foresee(recipe: Recipe, settings: Settings, volume: Volume) -> Facts:
    require_modality(recipe, volume)
    steps = 1 if settings.fidelity == 1 else settings.steps
    answers = steps * (settings.samples or 1)
    facts: Facts = {"network_evaluations": answers * len(views_of(recipe, volume))}
    if not volume.modality:
        facts["taken_for"] = recipe.modality
    if recipe.task == "superresolve":
        asked = settings.factor
        if settings.spacing_mm is not None:
            asked = factors_to(volume, settings.spacing_mm)
        return facts | {"factor": list(factors_of(recipe, volume, asked))}
    return facts | _noise(recipe, settings, volume.taken_for(recipe.modality))


def _noise(recipe: Recipe, settings: Settings, volume: Volume) -> Facts:
    """The noise level, rounded: the level on record, given as `noise`, gives the same answer."""
    scale = _scale(recipe, volume)
    level = estimate_noise(volume) / scale if settings.noise is None else settings.noise
    facts: Facts = {"noise_level": round(level, 5)}
    if volume.in_hu:
        facts["noise_hu"] = round(level * scale, 1)
    if warnings := list(_unlike_training(recipe, level, float(volume.voxels.max()) / scale)):
        facts["warning"] = "; ".join(warnings)
    return facts


def _unlike_training(recipe: Recipe, level: float, brightest: float) -> Iterator[str]:
    """What about an MR scan lies outside what a model has seen; both in the network's range."""
    if not recipe.white_noise:
        return
    low, high = recipe.degradation.level
    if not low <= level <= high:
        yield (
            f"noise of {level:.2%} lies outside {low:.1%} to {high:.1%}, "
            "the range the model was trained for"
        )
    if brightest > BRIGHTEST:
        yield (
            f"the brightest voxel has {brightest:.0f} times the signal of the bright end, as in no "
            "scan the model was trained on: is the subject too small in the field of view? Voxels "
            f"above {BRIGHTEST:g} times are left as they are"
        )


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _scale(recipe: Recipe, volume: Volume) -> float:
    """What the network sees as 1, in the scan's unit."""
    return Scaling.fit(volume, **recipe.scaling.model_dump()).scale
