"""What makes the degraded half of each training pair, by `kind`, each with its own fields."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, field_validator

from medddim.degradation.kspace import Filter
from medddim.recipe.parts import Levels, Part, Record, Share

Factors = tuple[PositiveInt, PositiveInt, PositiveInt]


class RicianRecipe(Record):
    """White Rician noise, its `level` a share of the scan's bright end, drawn evenly.

    `validate_levels` are those that a run is judged at.
    """

    kind: Literal["rician"]
    level: Levels
    validate_levels: tuple[PositiveFloat, ...] = (0.05, 0.10)

    modality: ClassVar[str] = "MR"


class ScannerRecipe(Record):
    """MR acquisitions as scanners make them (`medddim.degradation.MrScanner`), drawn for a pair.

    `level` is the range of the noise in the image as a share of the bright end, drawn evenly in
    one half of the pairs and evenly in its logarithm in the other. The share `white` of pairs has
    no filter, no zero filling; of the others seven tenths of the axes are zero-filled to a `share`
    of k-space, and all have one of `filters`. `partial`, `volumetric`, `round` and `multi_coil` are
    the shares of pairs with partial Fourier, filters along all three axes, filters by the distance
    from the centre of k-space in place of along each axis, and several coils,
    `thick_slices` that of patches from scans with thick slices. `inserts` is the share of patches
    with small structures put in, whose voxels weigh `insert_weight` times as much. `smooth` is the
    share of patches whose anatomy is blurred first, as that of templates and interpolated scans is.
    """

    kind: Literal["mr-scanner"]
    level: Levels
    white: Share = 0.35
    share: Part = (0.5, 1.0)
    filters: tuple[Filter, ...] = Field(
        default=("none", "gaussian", "gaussian", "hann", "tukey", "fermi"),
        min_length=1,
    )
    partial: Share = 0.25
    volumetric: Share = 0.7
    round: Share = 0.0
    multi_coil: Share = 0.15
    thick_slices: Share = 0.5
    smooth: Share = 0.0
    inserts: Share = 0.6
    insert_weight: float = Field(default=6.0, ge=1)
    validate_levels: tuple[PositiveFloat, ...] = (0.05, 0.10)

    modality: ClassVar[str] = "MR"


class LowDoseRecipe(Record):
    """The noise of a lower CT dose, the share of the `dose` left drawn between its two ends.

    `kernels` are drawn evenly; what is named twice is drawn twice as often. `validate_doses` are
    those that a run is judged at.
    """

    kind: Literal["low-dose"]
    dose: Levels
    kernels: tuple[str, ...] = Field(default=("standard",), min_length=1)
    validate_doses: tuple[PositiveFloat, ...] = (0.25, 0.10)

    modality: ClassVar[str] = "CT"


class LargerVoxelsRecipe(Record):
    """Voxels larger by one of `factors`, each along three axes, largest first.

    What is named twice is drawn twice as often.
    """

    kind: Literal["larger-voxels"]
    factors: tuple[Factors, ...] = Field(min_length=1)

    @field_validator("factors")
    @classmethod
    def _largest_first(cls, factors: tuple[Factors, ...]) -> tuple[Factors, ...]:
        if any(list(three) != sorted(three, reverse=True) for three in factors):
            raise ValueError("expected factors such as [[4, 1, 1], [2, 2, 2]], largest first")
        return factors


DegradationRecipe = Annotated[
    RicianRecipe | ScannerRecipe | LowDoseRecipe | LargerVoxelsRecipe, Field(discriminator="kind")
]
