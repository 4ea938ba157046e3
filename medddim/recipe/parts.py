"""What the records of a recipe are made of."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Record(BaseModel):
    """A part of a recipe: frozen, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def rising(ends: tuple[float, float]) -> tuple[float, float]:
    """The ends of a range, low before high; ValueError otherwise."""
    if not ends[0] < ends[1]:
        raise ValueError("expected [low, high] with low < high")
    return ends


def not_falling(ends: tuple[float, float]) -> tuple[float, float]:
    """The ends of a range that may be one value; ValueError where it falls."""
    if not ends[0] <= ends[1]:
        raise ValueError("expected [low, high] with low <= high")
    return ends


def one_of(name: str, table: Collection[str]) -> str:
    """A name that stands in a table; ValueError otherwise."""
    if name not in table:
        raise ValueError(f"expected one of {', '.join(table)}")
    return name


def _above_zero(ends: tuple[float, float]) -> tuple[float, float]:
    if not 0 < ends[0] <= ends[1] <= 1:
        raise ValueError("expected [low, high] with 0 < low <= high <= 1")
    return ends


def _below_root(pattern: str) -> str:
    if not pattern or Path(pattern).is_absolute():
        raise ValueError("expected a pattern of files below data.root, such as mri/*.nii.gz")
    return pattern


Share = Annotated[float, Field(ge=0, le=1)]
Part = Annotated[tuple[Share, Share], AfterValidator(rising)]
Levels = Annotated[tuple[float, float], AfterValidator(_above_zero)]
Pattern = Annotated[str, AfterValidator(_below_root)]
