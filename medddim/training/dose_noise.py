"""What many doses would add to a scan, made once: to project takes too long for each patch."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from medddim.degradation.low_dose import PHOTONS_PER_MM2, low_dose_noise, photons_for
from medddim.metrics.noise import estimate_noise
from medddim.volume import Array, Volume

Levels = npt.NDArray[np.float64]

DOSES = 4
"""For so many doses the noise is made; that of others lies between."""


def noise_of_doses(
    volume: Volume,
    kernels: Iterable[str],
    doses: tuple[float, float],
    generator: np.random.Generator,
) -> tuple[Array, Array]:
    """Two draws of noise for each kernel at `excess(doses)`, and what is read in the scans, in HU.

    The noise is `(kernel and draw and dose, *voxels.shape)`; what `estimate_noise` reads is
    `(kernel, 1 + DOSES)`, in the scan and in those with the noise of the first draw. Doses are
    shares of that at which the scan has the noise it has, or of a typical one if it has none.
    """
    own = estimate_noise(volume)
    fractions = list(1 / (1 + excess(doses) ** 2))
    added, read = [], []
    for kernel in kernels:
        photons = photons_for(volume, own, kernel=kernel) if own else PHOTONS_PER_MM2
        first, second = (
            low_dose_noise(volume, fractions, generator, kernel=kernel, photons_per_mm2=photons)
            for _ in range(2)
        )
        added += [first, second]
        worse = (volume.with_voxels(volume.voxels + noise) for noise in first)
        read.append([own, *map(estimate_noise, worse)])
    return np.concatenate(added), np.array(read, np.float32)


def excess(doses: tuple[float, float]) -> Levels:
    """How many times the noise of half the dose is added at `DOSES` doses, from high to low.

    They are in equal ratios from one end of the range to the other.
    """
    high, low = (np.sqrt(1 / dose - 1) for dose in doses)
    return np.geomspace(low, high, DOSES)


def between(values: Levels, points: Levels) -> Levels:
    """The shares `(point, value)` in which each value is made of its two neighbours in `points`."""
    return np.stack([np.interp(values, points, one) for one in np.eye(len(points))])
