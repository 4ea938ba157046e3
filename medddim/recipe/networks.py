"""The networks a recipe can name, by `kind`, each with its own arguments."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, PositiveInt, field_validator

from medddim.recipe.parts import Record


class UNetRecipe(Record):
    """The arguments of `medddim.networks.UNet`."""

    kind: Literal["unet"] = "unet"
    spatial_dims: Literal[2, 3] = 2
    slices: PositiveInt = 3
    widths: tuple[PositiveInt, ...] = Field(default=(64, 96, 128), min_length=3)
    unshuffle: PositiveInt = 2
    sees_scan: bool = False
    maps: PositiveInt = 1
    detail_gain: float = Field(default=0.0, ge=0)
    refine: tuple[PositiveInt, ...] = ()

    @field_validator("slices")
    @classmethod
    def _has_a_middle(cls, slices: int) -> int:
        if slices % 2 == 0:
            raise ValueError("expected an odd number: the slice itself and as many on either side")
        return slices


class NoiseUNetRecipe(Record):
    """The arguments of `medddim.networks.NoiseUNet`, 3D, which reads what is known of the noise."""

    kind: Literal["noise-unet"] = "noise-unet"
    widths: tuple[PositiveInt, ...] = Field(default=(48, 72, 96), min_length=3)
    unshuffle: PositiveInt = 2

    spatial_dims: ClassVar[Literal[3]] = 3
    slices: ClassVar[int] = 1
    sees_scan: ClassVar[bool] = False
    maps: ClassVar[int] = 8


def _of_a_kind(record: Any) -> Any:
    """A network without a kind is a "unet"."""
    if isinstance(record, dict) and "kind" not in record:
        return {"kind": "unet", **record}
    return record


NetworkRecipe = Annotated[
    UNetRecipe | NoiseUNetRecipe, Field(discriminator="kind"), BeforeValidator(_of_a_kind)
]
