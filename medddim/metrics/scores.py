"""Scores: what was measured, with everything needed to measure it again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from medddim.metrics.table import METRICS


@dataclass(frozen=True, kw_only=True)
class Passport:
    """The terms of a comparison: who does not know them does not know what a figure says.

    `window` clips both images before PSNR, SSIM, NMSE and HF power; `zero` is subtracted from both
    before SSIM and NMSE, which depend on where zero lies; `rmse_window` clips them before RMSE.
    `range_rule` says where `data_range` comes from, `aggregation` what was averaged over what,
    `kernel` and `dimensions` the window of SSIM. `slice_axis` is the voxel axis across the slices;
    `voxels` is how many were compared, over all channels.
    """

    protocol: str
    data_range: float
    range_rule: str
    unit: str
    window: tuple[float, float] | None
    zero: float
    rmse_window: tuple[float, float] | None
    mask: str
    voxels: int
    dimensions: int
    slice_axis: int
    kernel: str
    aggregation: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Passport:
        """The passport in a row that `Scores.as_dict` made."""
        return Passport(**{one.name: row[one.name] for one in fields(Passport)})

    def in_words(self) -> str:
        """All of it in one line for people."""
        unit = self.unit or "in arbitrary units"
        window = "none" if self.window is None else f"{self.window[0]:g} to {self.window[1]:g}"
        return (
            f"protocol {self.protocol}, data range {self.data_range:.4g} {unit} "
            f"({self.range_rule}), window {window}, mask {self.mask} of {self.voxels} voxels, "
            f"{self.dimensions}D SSIM, kernel {self.kernel}, {self.aggregation}"
        )


@dataclass(frozen=True, repr=False, kw_only=True)
class Scores(Passport):
    """A candidate against a reference, and the terms of the comparison.

    `psnr_db` and `ssim` are over `data_range`; `nmse` is a share of the energy of the reference;
    `hf_power` is 1 where the texture is as strong as the reference's. These see the images clipped
    to `window` where there is one. `rmse` and `local_bias` are in `unit` and see them unclipped
    (but for `rmse_window`, which only the CT benchmarks set), so no window can flatter them.
    `more` holds what the metrics of `METRICS` say.
    """

    psnr_db: float
    ssim: float
    nmse: float
    rmse: float
    hf_power: float
    local_bias: float
    more: Mapping[str, float] = field(default_factory=dict)

    @property
    def passport(self) -> Passport:
        """The terms alone."""
        return Passport(**{one.name: getattr(self, one.name) for one in fields(Passport)})

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which has no infinity: figures that are not finite are None.

        The figures come first, then the passport.
        """
        values = asdict(self)
        values |= values.pop("more")
        terms = {one.name: values.pop(one.name) for one in fields(Passport)}
        return {name: _finite_or_none(value) for name, value in (values | terms).items()}

    def __repr__(self) -> str:
        low = self.window[0] if self.window else self.zero
        figures = (
            f"psnr {self.psnr_db:.1f} dB",
            f"ssim {self.ssim:.3f}",
            f"hf {self.hf_power:.2f}",
            f"range {low:.4g}–{low + self.data_range:.4g}{self.unit and ' ' + self.unit}",
            self.mask,
        )
        return f"Scores({' · '.join(figures)})"


FIGURES = (
    *(
        one.name
        for one in fields(Scores)
        if one.name not in {*Passport.__dataclass_fields__, "more"}
    ),
    *METRICS,
)
"""The names of what is measured, in the order of the tables."""


def _finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
