"""What a user may ask of a model beside the scan, and which models can do it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, get_args

from medddim.degradation.larger_voxels import Factor
from medddim.errors import RequestProblem, did_you_mean
from medddim.recipe import Recipe
from medddim.recipe.at_hand import known_samplers
from medddim.taken import as_whole, several, take_numbers

Quality = Literal["auto", "fast", "best"]


class Asked(TypedDict, total=False):
    """The fields of `Settings` as keyword arguments, for `Enhancer.samples` and `previews`."""

    steps: int
    fidelity: float
    seed: int
    noise: float | None
    noise_share: float | None
    factor: Factor | None
    spacing_mm: float | tuple[float, ...] | None
    sampler: str | None
    quality: Quality


@dataclass(frozen=True)
class Settings:
    """What is asked of a model beside the scan; the keyword arguments of `Enhancer.__call__`.

    `noise` is the scan's noise level as a standard deviation in the scan's own unit, `noise_share`
    the same as a share of what the network sees as 1 (the bright end of an MR scan, 1000 HU of a
    CT); give one of them, or neither to estimate it. A super-resolution model needs a `factor` (how
    many times finer the slices become, or each voxel axis), or `spacing_mm` to find it for each
    scan: one number for all voxel axes, or three. `sampler` is a key of
    `medddim.diffusion.SAMPLERS`, by default that of the recipe. `quality` "fast" takes one view
    where "best" takes the mean of several (`medddim.inference.views`), for a part of the time;
    "auto" takes one of CT, where the mean gives little (decision 97), the mean of MR, and lets
    `medddim.batch.by_modality` choose the faster model for MR.
    `samples` is how many answers the result is the mean of, drawn with the seeds from `seed` on.

    Raises RequestProblem for a value that is not a number or out of range, and for two that say the
    same thing.
    """

    steps: int = 1
    fidelity: float = 0.0
    seed: int = 0
    noise: float | None = None
    noise_share: float | None = None
    factor: Factor | None = None
    spacing_mm: float | tuple[float, ...] | None = None
    sampler: str | None = None
    quality: Quality = "auto"
    samples: int | None = None

    def __post_init__(self) -> None:
        take_numbers(self)
        if self.factor is not None:
            object.__setattr__(self, "factor", _factor(self.factor))
        if self.steps < 1:
            raise RequestProblem(f"expected at least 1 step, found {self.steps}")
        if self.quality not in get_args(Quality):
            raise RequestProblem(
                f"expected a quality of auto, fast or best, found {self.quality!r}"
            )
        if not 0 <= self.fidelity <= 1:
            raise RequestProblem(f"expected a fidelity from 0 to 1, found {self.fidelity}")
        for noise in (self.noise, self.noise_share):
            if noise is not None and not 0 <= noise < math.inf:  # NaN is neither
                raise RequestProblem(f"expected a noise of 0 or more, found {noise}")
        samplers = known_samplers()
        if self.sampler is not None and self.sampler not in samplers:
            raise RequestProblem(
                f"expected a sampler of {', '.join(samplers)}, found {self.sampler!r}"
                f"{did_you_mean(str(self.sampler), samplers)}"
            )
        self._require_said_once()

    def _require_said_once(self) -> None:
        if self.noise is not None and self.noise_share is not None:
            raise RequestProblem("noise and noise_share say the same thing; give one of them")
        if self.factor is not None and self.spacing_mm is not None:
            raise RequestProblem("factor and spacing say the same thing; give one of them")
        if self.samples is not None and self.fidelity:
            raise RequestProblem(
                "fidelity would shrink the spread that samples are to show; give one of them"
            )

    @property
    def finer(self) -> bool:
        """Whether a finer grid is asked for."""
        return self.factor is not None or self.spacing_mm is not None

    @property
    def steps_taken(self) -> int:
        """Steps of one answer: one alone where all of them are blended away."""
        return 1 if self.fidelity == 1 else self.steps

    def require_fitting(self, recipe: Recipe) -> None:
        """Raise RequestProblem for what makes no sense for the model of this recipe."""
        if recipe.task == "superresolve" and not self.finer:
            raise RequestProblem(
                f"the model {recipe.name} needs a factor (4, or 2,2,2) or a spacing in mm"
            )
        if recipe.task != "superresolve" and self.finer:
            raise RequestProblem(
                f"the model {recipe.name} denoises and takes no factor and no spacing; "
                "those are for super-resolution"
            )
        if self.samples is not None:
            self._require_samples(recipe, self.samples)

    def _require_samples(self, recipe: Recipe, count: int) -> None:
        if count < 2:
            raise RequestProblem(
                f"expected 2 samples or more, found {count}: one alone has no spread"
            )
        if not recipe.draws_noise:
            raise RequestProblem(
                f"the model {recipe.name} draws no noise, so that every seed gives the same "
                "answer; for samples take a model that does, such as mr-denoise-vp with 8 steps"
            )
        if self.steps < 2:
            raise RequestProblem(
                "samples need more than 1 step: the first hardly depends on the noise that is "
                "drawn; take more, such as 8"
            )


def _factor(asked: Any) -> Factor:
    whole = tuple(as_whole(factor, "factor") for factor in several(asked))
    if len(whole) == 1:
        return whole[0]
    if len(whole) != 3:
        raise RequestProblem(f"expected one factor or three, found {len(whole)}")
    return (whole[0], whole[1], whole[2])
