"""The Recipe: one complete YAML that says how a model is made, read into typed, frozen records."""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from medddim.errors import RecipeError


def _rising(ends: tuple[float, float]) -> tuple[float, float]:
    if not ends[0] < ends[1]:
        raise ValueError("expected [low, high] with low < high")
    return ends


def _not_falling(ends: tuple[float, float]) -> tuple[float, float]:
    if not ends[0] <= ends[1]:
        raise ValueError("expected [low, high] with low <= high")
    return ends


def _below_root(pattern: str) -> str:
    if not pattern or Path(pattern).is_absolute():
        raise ValueError("expected a pattern of files below data.root, such as mri/*.nii.gz")
    return pattern


Share = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[tuple[Share, Share], AfterValidator(_rising)]
Pattern = Annotated[str, AfterValidator(_below_root)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NetworkRecipe(_Record):
    """The arguments of `medddim.networks.UNet`."""

    spatial_dims: Literal[2, 3] = 2
    slices: PositiveInt = 3
    widths: tuple[PositiveInt, ...] = Field((64, 96, 128), min_length=3)
    unshuffle: PositiveInt = 2
    sees_scan: bool = False
    maps: PositiveInt = 1
    detail_gain: float = Field(0.0, ge=0)
    refine: tuple[PositiveInt, ...] = ()

    @field_validator("slices")
    @classmethod
    def _has_a_middle(cls, slices: int) -> int:
        if slices % 2 == 0:
            raise ValueError("expected an odd number: the slice itself and as many on either side")
        return slices


class DiffusionRecipe(_Record):
    """The path, what the network predicts, and how levels are drawn in training.

    `noise` is the k of a bridge, in the network's range.
    """

    path: Literal["scan-noise", "posterior", "variance-preserving", "bridge"]
    prediction: Literal["x0", "eps", "v", "residual"]
    full_share: Share = 0.5
    noise: float = Field(0.0, ge=0)


class ScalingRecipe(_Record):
    """The arguments of `Scaling.fit`."""

    kind: Literal["percentile", "window"] = "percentile"
    percentile: float = Field(99.5, gt=0, le=100)
    window: Annotated[tuple[float, float], AfterValidator(_rising)] = (-1024.0, 3071.0)


class DegradationRecipe(_Record):
    """What makes the degraded half of each training pair.

    `level` is a range to draw from: of noise as a share of the scan's bright end for "rician", of
    the dose left for "low-dose", whose `kernels` are drawn evenly. "larger-voxels" draws from
    `factors` instead, each along three axes, largest first. What is named twice is drawn twice as
    often.
    """

    kind: Literal["rician", "low-dose", "larger-voxels"]
    level: tuple[float, float] = (0.0, 0.0)
    kernels: tuple[str, ...] = Field(("standard",), min_length=1)
    factors: tuple[tuple[PositiveInt, PositiveInt, PositiveInt], ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        low, high = self.level
        if self.kind == "larger-voxels":
            if not self.factors or any(list(f) != sorted(f, reverse=True) for f in self.factors):
                raise ValueError("expected factors such as [[4, 1, 1], [2, 2, 2]], largest first")
        elif not 0 < low <= high <= 1:
            raise ValueError("expected level: [low, high] with 0 < low <= high <= 1")
        return self


class DataRecipe(_Record):
    """Which scans: patterns of files below `root` (or below `medddim train --data DIR`).

    `train_part` and `validate_part` keep the slices from one share of each scan to another, for
    holding out a part of the only scan of its kind. `coarser` trains on every scan with pixels
    twice as long and wide, too. `mixed` is the share of patches that are weighted means of two, so
    that the noise of a few scans is not learnt by heart (Zhang et al. 2018, arXiv 1710.09412).
    """

    root: Path | None = None
    train: tuple[Pattern, ...] = Field(min_length=1)
    train_part: Part = (0.0, 1.0)
    validate_on: tuple[Pattern, ...] = ()
    validate_part: Part = (0.0, 1.0)
    intensity_jitter: Annotated[
        tuple[PositiveFloat, PositiveFloat], AfterValidator(_not_falling)
    ] = (1.0, 1.0)
    coarser: bool = False
    mixed: Share = 0.0


class TrainingRecipe(_Record):
    """How long and how fast.

    The learning rate rises linearly over `warmup` steps, stays, and falls linearly to 0 over the
    last `decay` steps: up to there a run does not depend on how long it will last, so it may be
    resumed with more or fewer `steps`. `start_from` is a shipped model or a checkpoint folder
    whose weights the network begins with, for fine-tuning.
    """

    steps: PositiveInt
    batch: PositiveInt
    patch: PositiveInt
    learning_rate: float = Field(gt=0)
    warmup: PositiveInt = 200
    decay: PositiveInt
    start_from: str = ""
    ema: float = Field(0.999, ge=0, lt=1)
    gradient_clip: float = Field(1.0, gt=0)
    seed: NonNegativeInt = 0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    save_every: PositiveInt = 500
    validate_every: PositiveInt = 1000
    validate_levels: tuple[PositiveFloat, ...] = (0.05, 0.10)


class Recipe(_Record):
    """What was asked of a model: everything that has to be known to make it again."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    task: Literal["denoise", "superresolve"]
    modality: Literal["MR", "CT"]
    network: NetworkRecipe
    diffusion: DiffusionRecipe
    scaling: ScalingRecipe
    degradation: DegradationRecipe
    data: DataRecipe
    training: TrainingRecipe
    self_ensemble: bool = False

    @model_validator(mode="after")
    def _is_of_a_piece(self) -> Self:
        finer = self.task == "superresolve"
        if finer != (self.degradation.kind == "larger-voxels"):
            raise ValueError("task 'superresolve' goes with degradation.kind 'larger-voxels'")
        if finer and (self.network.spatial_dims, self.network.slices, self.network.maps) != (
            3,
            1,
            3,
        ):
            raise ValueError(
                "task 'superresolve' needs network.spatial_dims 3, slices 1 and maps 3, "
                "one for the factor of each axis"
            )
        return self

    @model_validator(mode="after")
    def _can_start(self) -> Self:
        path, prediction = self.diffusion.path, self.diffusion.prediction
        if self.diffusion.noise and path != "bridge":
            raise ValueError(f"diffusion.noise is that of a bridge; the path {path!r} has its own")
        if self.network.sees_scan and path != "variance-preserving" and not self.diffusion.noise:
            raise ValueError(
                f"shown the scan beside the state, a network on the path {path!r} without noise "
                "learns to invert their mixture, and every number of steps gives the same answer; "
                "choose network.sees_scan: false, or a bridge with diffusion.noise above 0"
            )
        if path == "posterior" and not self.white_noise:
            raise ValueError(
                "the path 'posterior' draws white noise, as an MR scan holds it; "
                f"degradation.kind {self.degradation.kind!r} has another: choose another path"
            )
        of_the_state = prediction == "residual" and not self.network.sees_scan
        # alpha is 0 at level 1 of these paths
        if path in ("variance-preserving", "bridge") and (prediction == "eps" or of_the_state):
            raise ValueError(
                f"no step can be taken from level 1 of the path {path!r} by a prediction of "
                f"{prediction!r}; choose 'x0' or 'v', or 'residual' with network.sees_scan"
            )
        return self

    @property
    def white_noise(self) -> bool:
        """Whether the scans hold white noise, as from an MR receiver; that of CT is not."""
        return self.degradation.kind == "rician"

    @classmethod
    def load(cls, path: Path | str) -> Recipe:
        """Read a YAML file. Raises RecipeError naming the key, what was found and the remedy."""
        try:
            text = Path(path).read_text(encoding="utf-8")
            return cls.parse(text)
        except (OSError, UnicodeDecodeError) as error:
            raise RecipeError(f"cannot read the recipe {path}: {error}") from error
        except RecipeError as error:
            raise RecipeError(f"{path}: {error}") from error

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read YAML text. Raises RecipeError."""
        try:
            return cls.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise RecipeError(f"not valid YAML: {error}") from error
        except ValidationError as error:
            raise RecipeError("; ".join(_explain(problem) for problem in error.errors())) from error

    @property
    def sha256(self) -> str:
        """That of the complete YAML; what another recipe makes of the same weights differs."""
        return hashlib.sha256(self.dump().encode()).hexdigest()

    def dump(self) -> str:
        """The complete YAML, defaults included."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))


_RECORDS: dict[str, type[_Record]] = {
    "network": NetworkRecipe,
    "diffusion": DiffusionRecipe,
    "scaling": ScalingRecipe,
    "degradation": DegradationRecipe,
    "data": DataRecipe,
    "training": TrainingRecipe,
}


def _explain(problem: object) -> str:
    """One line for one of pydantic's problems; an unknown key is told its nearest known one."""
    assert isinstance(problem, dict)  # noqa: S101
    place = [str(part) for part in problem["loc"]]
    where = ".".join(place) or "the recipe"
    if problem["type"] == "missing":
        return f"{where}: missing"
    if problem["type"] != "extra_forbidden":
        return f"{where}: {problem['msg']} (found {problem.get('input')!r})"
    record = _RECORDS.get(place[0], Recipe) if len(place) > 1 else Recipe
    near = difflib.get_close_matches(place[-1], record.model_fields, n=1, cutoff=0.5)
    known = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(record.model_fields)}"
    return f"{where}: unknown key; {known}"
