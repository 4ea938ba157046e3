"""Non-central chi noise: several receiver coils, combined as the root of a sum of squares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from medddim.degradation.contract import Degradation
from medddim.degradation.rician import RicianNoise, require_magnitude
from medddim.errors import RequestProblem
from medddim.volume import Array, Volume

G_WIDTH = 0.25
"""Standard deviation of the region of high g-factor, as a share of the field of view."""


@dataclass(frozen=True)
class ChiNoise(Degradation):
    """Complex Gaussian noise in each of `coils` receiver coils, seen as a root sum of squares.

    `level` is the standard deviation in each real channel of each coil as a share of the scan's
    99.5th percentile; one coil gives Rician noise. Above a `g_factor` of 1 the level rises
    smoothly to that multiple around a point drawn in the middle half of the scan, as parallel
    imaging makes it (Pruessmann et al. 1999, eq. 23). Sources: Constantinides et al. 1997 (MRM
    38:852), eq. 3; coils without correlation, as there.
    """

    name: ClassVar[str] = "chi"

    level: float = 0.05
    coils: int = 4
    g_factor: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.level <= 1:
            raise RequestProblem(f"expected a noise level between 0 and 1, found {self.level}")
        if self.coils < 1:
            raise RequestProblem(f"expected 1 coil or more, found {self.coils}")
        require_g_factor(self.g_factor)

    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The scan with noise of this level. Raises UnsupportedScan for CT."""
        require_magnitude(volume, "non-central chi noise")
        sigma = RicianNoise(self.level).sigma(volume)
        spread = np.float32(sigma) * g_factor_map(volume.shape, self.g_factor, generator)
        return replace(
            volume,
            voxels=chi(volume.voxels, spread, coils=self.coils, generator=generator),
        )


def require_g_factor(g_factor: float) -> None:
    """Raise RequestProblem for a g-factor below 1."""
    if not 1 <= g_factor < np.inf:
        raise RequestProblem(f"expected a g-factor of 1 or more, found {g_factor}")


def g_factor_map(
    shape: tuple[int, int, int], g_factor: float, generator: np.random.Generator
) -> Array:
    """How many times the level each voxel has `(x, y, z)`: up to `g_factor` around a point."""
    centre = generator.uniform(0.25, 0.75, 3)
    x, y, z = (((np.arange(n) + 0.5) / n - c) / G_WIDTH for n, c in zip(shape, centre, strict=True))
    squared = x[:, None, None] ** 2 + y[:, None] ** 2 + z**2
    g_map: Array = (1 + (g_factor - 1) * np.exp(-squared / 2)).astype(np.float32)
    return g_map


def chi(
    signal: Array, sigma: float | Array, *, coils: int, generator: np.random.Generator
) -> Array:
    """Root sum of squares of `coils` complex channels with noise `sigma` in each real part.

    It depends on the signal's sum of squares alone, so all of the signal may lie in one channel.
    """
    spread = np.asarray(sigma, dtype=np.float32)
    along = signal + spread * generator.standard_normal(signal.shape, dtype=np.float32)
    across = generator.chisquare(2 * coils - 1, signal.shape).astype(np.float32)
    magnitude: Array = np.sqrt(along**2 + spread**2 * across)
    return magnitude
