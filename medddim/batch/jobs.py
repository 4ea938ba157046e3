"""What a batch does to each scan, and how it is described to those who find the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from medddim.errors import UnsupportedScan
from medddim.metrics.noise import estimate_noise
from medddim.scaling import Scaling
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.checkpoint import Checkpoint
    from medddim.degradation import Degradation
    from medddim.enhancer import Enhancer
    from medddim.networks import Precision
    from medddim.recipe import Recipe

Facts = dict[str, Any]
"""What was found out about one scan on the way: plain values, for the record."""

Work = Callable[[Volume, Facts], Volume]
"""What is done to a scan, given what was foreseen of it."""


def _nothing_to_tell(volume: Volume) -> Facts:
    return {}


@dataclass(frozen=True)
class Job:
    """One thing to do to every scan.

    `parameters` are all that determines the answer, in the order to be written. `start` makes
    ready, once a run, and returns the work itself. `foresee` tells of a scan what can be told
    without the work, and raises UnsupportedScan for one the work is not for.
    """

    kind: str
    summary: str
    parameters: dict[str, Any]
    start: Callable[[], Work]
    foresee: Callable[[Volume], Facts] = _nothing_to_tell


def enhance_job(
    model: Checkpoint,
    *,
    steps: int = 1,
    seed: int = 0,
    noise: float | None = None,
    device: str = "auto",
    precision: Precision = "bf16",
) -> Job:
    """Denoise with a trained model; `noise` is a share of the scaled range, None to estimate it.

    The network is loaded when the job starts, not before.
    """
    recipe = model.recipe
    way = f"{steps} DDIM step{'s' * (steps > 1)}"
    return Job(
        kind="denoise",
        summary=f"AI denoised by medddim, model {recipe.name}, {way}",
        parameters={
            "model": recipe.name,
            "model_sha256": model.sha256,
            "steps": steps,
            "seed": seed,
            "noise": noise if noise is not None else "estimated",
            "precision": precision,
        },
        start=partial(_start, model, steps=steps, seed=seed, device=device, precision=precision),
        foresee=partial(_foresee, recipe, steps=steps, noise=noise),
    )


def degrade_job(degradation: Degradation, *, name: str, parameters: Facts, seed: int) -> Job:
    """Make a scan worse on purpose, from a generator of its own for every scan."""

    def degrade(volume: Volume, facts: Facts) -> Volume:
        return degradation(volume, np.random.default_rng(seed))

    return Job(
        kind="degrade",
        summary=f"Artificially degraded by medddim ({name})",
        parameters={"degradation": name, **parameters, "seed": seed},
        start=lambda: degrade,
    )


def identity_job() -> Job:
    """Change nothing: what reader and writer do, alone."""
    return Job("identity", "Copied unchanged by medddim", {}, lambda: lambda volume, facts: volume)


def _start(model: Checkpoint, *, steps: int, seed: int, device: str, precision: Precision) -> Work:
    from medddim.enhancer import Enhancer

    enhancer = Enhancer.load(model.folder, device=device, precision=precision)
    return partial(_enhance, enhancer, steps=steps, seed=seed)


def _enhance(enhancer: Enhancer, volume: Volume, facts: Facts, *, steps: int, seed: int) -> Volume:
    sigma = facts["noise_level"] * _reach(enhancer.recipe, volume)
    return enhancer(volume, steps=steps, seed=seed, noise=sigma)


def _foresee(recipe: Recipe, volume: Volume, *, steps: int, noise: float | None) -> Facts:
    """The noise level, rounded: the level on record, given as `noise`, gives the same answer."""
    if volume.modality not in ("", recipe.modality):
        raise UnsupportedScan(
            f"the model is for {recipe.modality} and the scan is {volume.modality}; "
            "choose another --model"
        )
    level = estimate_noise(volume) / _reach(recipe, volume) if noise is None else noise
    facts: Facts = {"noise_level": round(level, 5), "network_evaluations": steps}
    low, high = recipe.degradation.level
    if not low <= level <= high:
        facts["warning"] = (
            f"noise of {level:.2%} lies outside {low:.1%} to {high:.1%}, "
            "the range the model was trained for"
        )
    return facts


def _reach(recipe: Recipe, volume: Volume) -> float:
    """The length, in the scan's unit, that the network sees as 1."""
    return Scaling.fit(volume, **recipe.scaling.model_dump()).scale
