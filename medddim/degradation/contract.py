"""What every degradation promises."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar, Protocol
from zlib import crc32

import numpy as np

from medddim.volume import Derivation, Volume


class Degradation(Protocol):
    """What a worse acquisition would have measured of the same subject.

    A frozen dataclass. The same generator state gives the same result; the input is left as it was;
    modality, unit and source are kept, and the result says what was done (`making_of`).
    """

    name: ClassVar[str]
    """What `medddim degrade --as` calls it."""
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __call__(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The degraded scan, on the grid the worse acquisition would have had."""
        ...


def making_of(degradation: Degradation) -> Derivation:
    """How a scan comes about that is degraded so: the name, and every field."""
    return Derivation(
        "degrade",
        f"Artificially degraded by medddim ({degradation.name})",
        {"degradation": degradation.name, **asdict(degradation)},
    )


def generator_of(volume: Volume, seed: int) -> np.random.Generator:
    """The generator `medddim degrade --seed` gives this scan: the same again, another for others.

    With one for all, scans of one shape would share their noise, and no mean over them would
    tell how far chance reaches.
    """
    return np.random.default_rng([seed, crc32(volume.voxels.tobytes())])
