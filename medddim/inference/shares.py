"""What inserts keep by size and contrast: the mean over all places where one may lie, how sure.

Inserts lie apart, so that not every place has the same chance of one, and in CT the noise, with it
what is kept, differs two- or threefold from place to place (docs/decisions/0245). How much noise an
answer removed is known everywhere, and the mean is brought to all places by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from medddim.inference.insertion import Kept, Places, Planted
from medddim.volume import Array, Volume

Floats = npt.NDArray[np.float64]

AROUND = 5.0
"""Voxels within a slice, of the Gaussian by which the noise at a place is known."""
SLOPED = 8
"""Inserts of a group from which its share is seen to go with the noise at their places."""
LEAST, UNSURE = 3, 0.025
"""Inserts of a group at least, and the largest standard error of their mean; else it is left out.

So that what is said is known to within 0.05 (95 % confidence).
"""


@dataclass(frozen=True)
class Line:
    """What is kept of inserts of one size and contrast.

    `times_noise` is the contrast as a multiple of the noise; 1 is all of the contrast. `mean` is
    over all places where such an insert may lie, estimated from `count` inserts; `error` is its
    standard error, `spread` the standard deviation of single inserts.
    """

    diameter_mm: float
    times_noise: float
    mean: float
    spread: float
    count: int
    error: float

    @property
    def words(self) -> str:
        """The mean in per cent, and its standard error."""
        return f"{self.mean:.0%} (+/- {max(self.error, 0.01):.0%})"

    @property
    def facts(self) -> dict[str, float]:
        """Its figures, for the record."""
        mean, spread, error = (round(one, 3) for one in (self.mean, self.spread, self.error))
        return {"mean": mean, "error": error, "spread": spread, "count": self.count}


def removed(scan: Volume, answer: Volume) -> Array:
    """How much noise was removed around each voxel, in logarithms; its unit does not matter."""
    wide = [0 if axis == scan.slice_axis else AROUND for axis in range(3)]
    power = gaussian_filter(np.square(scan.voxels[0] - answer.voxels[0]), wide)
    found: Array = np.log(np.maximum(power, 1e-12 * float(power.max()) + 1e-30)) / 2
    return found


@dataclass(frozen=True)
class Found:
    """Shares and the noise removed there, by size and contrast; that of all places, by size."""

    inserts: dict[tuple[float, float], list[tuple[float, float]]]
    everywhere: dict[float, list[Array]]

    def add(
        self, shares: Iterable[Kept], planted: Sequence[Planted], places: Places, removed: Array
    ) -> None:
        """What one part of the scan gives."""
        for share, one in zip(shares, planted, strict=True):
            x, y, z = map(int, one.insert.centre)
            group = self.inserts.setdefault((share.diameter_mm, share.times_noise), [])
            group.append((share.share, float(removed[x, y, z])))
        for size, there in places.items():
            self.everywhere.setdefault(size, []).append(removed[tuple(there)])

    def lines(self) -> Iterator[Line]:
        """What is known well enough."""
        for (size, times), group in sorted(self.inserts.items()):
            shares, noise = np.array(group).T
            if len(shares) >= LEAST:
                expected = float(np.concatenate(self.everywhere[size]).mean(dtype=np.float64))
                mean, error = _at(expected, noise, shares)
                if error <= UNSURE:
                    yield Line(size, times, mean, float(shares.std()), len(shares), error)


def _at(expected: float, noise: Floats, shares: Floats) -> tuple[float, float]:
    """The mean share where the noise is as `expected`, and its standard error.

    The regression estimator of a mean (Cochran, Sampling Techniques, 1977, chapter 7): inserts that
    were found room for may lie where there is less noise, or more, than at all places together.
    """
    apart, away = noise - noise.mean(), expected - float(noise.mean())
    power = float(apart @ apart)
    sloped = len(shares) >= SLOPED and power > 1e-6 * len(shares)
    slope = float(apart @ shares) / power if sloped else 0.0
    left = shares - shares.mean() - slope * apart
    variance = float(left @ left) / (len(shares) - 1 - sloped)
    known = 1 / len(shares) + (away**2 / power if sloped else 0.0)
    return float(shares.mean()) + slope * away, float(np.sqrt(variance * known))
