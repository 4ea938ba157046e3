"""Inserts: small structures put into a scan, to train on and to measure what an answer keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from medddim.errors import RequestProblem
from medddim.volume import Array

InsertKind = Literal["even", "rim", "textured"]

Box = tuple[slice, ...]

RIM = 0.6
"""Where the inside of a rim begins, as a share of its radius."""
TEXTURE = 0.4
"""Standard deviation of the texture of a textured insert, as a share of its contrast."""


@dataclass(frozen=True)
class Insert:
    """An ellipsoid with an edge of one voxel: `centre` and `radii` in voxels along each axis.

    "even" inside, a "rim" around a core that is left as it was, or "textured".
    """

    centre: tuple[float, ...]
    radii: tuple[float, ...]
    kind: InsertKind = "even"

    def __post_init__(self) -> None:
        if self.kind not in get_args(InsertKind) or min(self.radii) <= 0:
            raise RequestProblem(
                f"expected an insert of {', '.join(get_args(InsertKind))} with radii above 0, "
                f"found {self.kind!r}, {self.radii}"
            )

    def profile(
        self, shape: tuple[int, ...], generator: np.random.Generator | None = None
    ) -> tuple[Box, Array]:
        """Where in an image of `shape` it lies, and its contrast there: 1 inside, 0 outside.

        `generator` draws the texture of a textured insert.
        """
        box = tuple(
            slice(max(int(c - r - 1.5), 0), min(int(c + r + 2.5), n))
            for c, r, n in zip(self.centre, self.radii, shape, strict=True)
        )
        inside = self._inside(box, 1.0)
        if self.kind == "rim":
            inside = inside - self._inside(box, RIM)
        if self.kind == "textured" and generator is not None:
            grain = gaussian_filter(generator.standard_normal(inside.shape), 0.8)
            inside = inside * (1 + TEXTURE * grain / max(float(grain.std()), 1e-6))
        return box, inside.astype(np.float32)

    def _inside(self, box: Box, share: float) -> npt.NDArray[np.float64]:
        radii = share * np.asarray(self.radii)
        places = np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij", sparse=True)
        shares = (
            ((place - c) / r) ** 2 for place, c, r in zip(places, self.centre, radii, strict=True)
        )
        distance = (np.sqrt(np.asarray(sum(shares))) - 1) * radii.min()
        return np.asarray((0.5 - distance).clip(0, 1))
