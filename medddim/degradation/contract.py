"""What every degradation promises."""

from __future__ import annotations

from typing import Protocol

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
