"""Scores: what was measured, with everything needed to measure it again."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, repr=False)
class Scores:
    """A candidate against a reference, and the terms of the comparison.

    `psnr_db` and `ssim` are over `data_range`; `hf_power` is 1 where the texture is as strong as
    the reference's. All three see the images clipped to `window` where there is one. `rmse` is in
    `unit` and sees them unclipped, so it stays the figure that no window can flatter.
    """

    psnr_db: float
    ssim: float
    rmse: float
    hf_power: float
    data_range: float
    unit: str
    protocol: str
    window: tuple[float, float] | None
    mask: str
    dimensions: int
    slice_axis: int
    voxels: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which has no infinity: figures that are not finite are None."""
        return {name: _finite_or_none(value) for name, value in asdict(self).items()}

    def __repr__(self) -> str:
        low = self.window[0] if self.window else 0.0
        figures = (
            f"psnr {self.psnr_db:.1f} dB",
            f"ssim {self.ssim:.3f}",
            f"hf {self.hf_power:.2f}",
            f"range {low:.4g}–{low + self.data_range:.4g}{self.unit and ' ' + self.unit}",
            self.mask,
        )
        return f"Scores({' · '.join(figures)})"


def _finite_or_none(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
