"""What every degradation promises."""

from __future__ import annotations

from typing import Protocol
from zlib import crc32

import numpy as np

from medddim.volume import Volume


class Degradation(Protocol):
    """What a worse acquisition would have measured of the same subject.

    The same generator state gives the same result; the input is left as it was; modality, unit and
    source are kept.
    """

    def __call__(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The degraded scan, on the grid the worse acquisition would have had."""
        ...


def generator_of(volume: Volume, seed: int) -> np.random.Generator:
    """The generator `medddim degrade --seed` gives this scan: the same again, another for others.

    With one for all, scans of one shape would share their noise, and no mean over them would
    tell how far chance reaches.
    """
    return np.random.default_rng([seed, crc32(volume.voxels.tobytes())])
