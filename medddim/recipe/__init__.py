"""The Recipe: one complete YAML that says how a model is made, read into typed, frozen records."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import (
    AfterValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from medddim.errors import RecipeError
from medddim.intensity import BRIGHT_PERCENTILE
from medddim.recipe.at_hand import is_random, known_paths, known_samplers
from medddim.recipe.degradations import (
    DegradationRecipe,
    LargerVoxelsRecipe,
    LowDoseRecipe,
    RicianRecipe,
    ScannerRecipe,
)
from medddim.recipe.files import file_of, filled
from medddim.recipe.networks import NetworkRecipe, NoiseUNetRecipe, UNetRecipe
from medddim.recipe.parts import Part, Pattern, Record, Share, not_falling, one_of, rising
from medddim.recipe.problems import in_words

__all__ = [
    "DataRecipe",
    "DegradationRecipe",
    "DiffusionRecipe",
    "LargerVoxelsRecipe",
    "LowDoseRecipe",
    "NetworkRecipe",
    "NoiseUNetRecipe",
    "Recipe",
    "RicianRecipe",
    "ScalingRecipe",
    "ScannerRecipe",
    "TrainingRecipe",
    "UNetRecipe",
]


def _a_path(name: str) -> str:
    return one_of(name, known_paths())


def _a_sampler(name: str) -> str:
    return one_of(name, known_samplers())


class DiffusionRecipe(Record):
    """The path, what the network predicts, and how levels are drawn in training.

    `path` is a key of `medddim.diffusion.PATHS`, `sampler` one of `SAMPLERS`: how steps are taken
    where the user does not say. `noise` is the k of a bridge, in the network's range.
    """

    path: Annotated[str, AfterValidator(_a_path)] = "scan-noise"
    prediction: Literal["x0", "eps", "v", "residual"] = "residual"
    full_share: Share = 0.5
    noise: float = Field(default=0.0, ge=0)
    sampler: Annotated[str, AfterValidator(_a_sampler)] = "ddim"


class ScalingRecipe(Record):
    """The arguments of `Scaling.fit`."""

    kind: Literal["percentile", "window"] = "percentile"
    percentile: float = Field(default=BRIGHT_PERCENTILE, gt=0, le=100)
    window: Annotated[tuple[float, float], AfterValidator(rising)] = (-1024.0, 3071.0)


class DataRecipe(Record):
    """Which scans: patterns of files below `root` (or below `medddim train --data DIR`).

    Without patterns in `train`, all scans below it but those held out, NIfTI files and DICOM
    series; without any in `validate_on` either, one subject in ten is held out.
    `train_part` and `validate_part` keep the slices from one share of each scan to another, for
    holding out a part of the only scan of its kind. `coarser` trains on every scan with pixels
    twice as long and wide, too. `mixed` is the share of patches that are weighted means of two, so
    that the noise of a few scans is not learnt by heart (Zhang et al. 2018, arXiv 1710.09412).
    """

    root: Path | None = None
    train: tuple[Pattern, ...] = ()
    train_part: Part = (0.0, 1.0)
    validate_on: tuple[Pattern, ...] = ()
    validate_part: Part = (0.0, 1.0)
    intensity_jitter: Annotated[
        tuple[PositiveFloat, PositiveFloat], AfterValidator(not_falling)
    ] = (1.0, 1.0)
    coarser: bool = False
    mixed: Share = 0.0


class TrainingRecipe(Record):
    """How long and how fast.

    The learning rate rises linearly over `warmup` steps, stays, and falls linearly to 0 over the
    last `decay` steps: up to there a run does not depend on how long it will last, so it may be
    resumed with more or fewer `steps`. `start_from` is a shipped model or a checkpoint folder
    whose weights the network begins with, for fine-tuning. The `optimiser` "muon" gets further in
    as many steps than "adamw". Where they are not given, `warmup` is a
    tenth of the steps, 200 at most, and `decay` three tenths. `filtered` is the share of the loss
    that is of the scan filtered with the answer as pilot, as `enhance` filters it.
    """

    steps: PositiveInt = 24000
    batch: PositiveInt = 8
    patch: PositiveInt = 96
    learning_rate: float = Field(default=0.0005, gt=0)
    optimiser: Literal["adamw", "muon"] = "adamw"
    warmup: PositiveInt = 200
    decay: PositiveInt = 7200
    start_from: str = ""
    ema: float = Field(default=0.999, ge=0, lt=1)
    gradient_clip: float = Field(default=1.0, gt=0)
    seed: NonNegativeInt = 0
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    save_every: PositiveInt = 500
    validate_every: PositiveInt = 1000
    filtered: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="before")
    @classmethod
    def _of_a_length(cls, given: Any) -> Any:
        steps = given.get("steps", 24000) if isinstance(given, dict) else None
        if not isinstance(steps, int):
            return given
        fitting = {"warmup": max(min(200, steps // 10), 1), "decay": max(3 * steps // 10, 1)}
        return {**fitting, **given}


class Recipe(Record):
    """What was asked of a model: everything that has to be known to make it again.

    Only `name` and `modality` have to be given; super-resolution needs its `degradation`, too.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    task: Literal["denoise", "superresolve"] = "denoise"
    modality: Literal["MR", "CT"]
    network: NetworkRecipe = UNetRecipe()
    diffusion: DiffusionRecipe = DiffusionRecipe()
    scaling: ScalingRecipe
    degradation: DegradationRecipe
    data: DataRecipe = DataRecipe()
    training: TrainingRecipe = TrainingRecipe()
    self_ensemble: bool = False
    keeps_mean: bool = False

    _filled = model_validator(mode="before")(filled)

    @model_validator(mode="after")
    def _is_of_a_piece(self) -> Self:
        finer, network = self.task == "superresolve", self.network
        if finer != (self.degradation.kind == "larger-voxels"):
            raise ValueError("task 'superresolve' goes with degradation.kind 'larger-voxels'")
        if (self.degradation.kind == "mr-scanner") != (network.kind == "noise-unet"):
            raise ValueError("network.kind 'noise-unet' goes with degradation.kind 'mr-scanner'")
        if self.training.filtered and self.degradation.kind != "mr-scanner":
            raise ValueError("training.filtered goes with degradation.kind 'mr-scanner'")
        if finer and (network.spatial_dims, network.slices, network.maps) != (3, 1, 3):
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
        """Whether the model was trained for white noise, as an MR receiver hands it on."""
        return isinstance(self.degradation, RicianRecipe)

    @property
    def draws_noise(self) -> bool:
        """Whether the answers of the model differ from seed to seed; known without loading torch.

        A bridge draws noise if its recipe says how much.
        """
        return is_random(self.diffusion.path) or self.diffusion.noise > 0

    @classmethod
    def load(cls, path: Path | str) -> Recipe:
        """Read a YAML file, or one in the package, by name.

        Raises RecipeError naming the key, what was found and the remedy.
        """
        try:
            return cls.parse(file_of(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise RecipeError(f"cannot read the recipe {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise RecipeError(f"cannot read the recipe {path}: it is no text") from error
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
            raise RecipeError(in_words(error.errors(), _record_of)) from error

    @cached_property
    def sha256(self) -> str:
        """That of the complete YAML; what another recipe makes of the same weights differs."""
        return hashlib.sha256(self.dump().encode()).hexdigest()

    def dump(self) -> str:
        """The complete YAML, defaults included."""
        return str(yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False))


_RECORDS: dict[str, tuple[type[Record], ...]] = {
    "network": (UNetRecipe, NoiseUNetRecipe),
    "diffusion": (DiffusionRecipe,),
    "scaling": (ScalingRecipe,),
    "degradation": (RicianRecipe, ScannerRecipe, LowDoseRecipe, LargerVoxelsRecipe),
    "data": (DataRecipe,),
    "training": (TrainingRecipe,),
}


def _record_of(place: list[str]) -> type[Record]:
    """The record that a key stands in; takes the kind of network or degradation out of `place`."""
    records = _RECORDS.get(place[0], (Recipe,)) if len(place) > 1 else (Recipe,)
    for record in records if len(records) > 1 and len(place) > 2 else ():
        if place[1] in get_args(record.model_fields["kind"].annotation):
            del place[1]
            return record
    return records[0]
