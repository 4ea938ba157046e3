"""What every degradation promises."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, replace
from typing import Any, ClassVar
from zlib import crc32

import numpy as np

from medddim.taken import as_volume, as_whole, take_numbers
from medddim.volume import Derivation, Volume


class Degradation(ABC):
    """What a worse acquisition would have measured of the same subject.

    A frozen dataclass with a `name`, what `medddim degrade --as` calls it, and one method,
    `worsen`. The same seed gives the same result; the input is left as it was; modality, unit and
    source are kept, and the result says what was done.
    """

    name: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __post_init__(self) -> None:
        take_numbers(self)

    def __call__(self, volume: Volume | Any, seed: int | np.random.Generator = 0) -> Volume:
        """The degraded scan, on the grid the worse acquisition would have had.

        As by `medddim degrade --seed`: the same again for the same scan, other numbers for another
        scan. A generator of numpy in place of the seed draws from it, whatever the scan. `volume`
        may be a path or another library's image, too (`medddim.taken`).
        """
        volume = as_volume(volume).recognised()
        if isinstance(seed, np.random.Generator):
            return replace(self.worsen(volume, seed), derivation=derivation_of(self))
        seed = as_whole(seed, "seed")
        worse = self.worsen(volume, generator_of(volume, seed))
        return replace(worse, derivation=derivation_of(self, seed=seed))

    @abstractmethod
    def worsen(self, volume: Volume, generator: np.random.Generator) -> Volume:
        """The degraded scan; all that is random comes from `generator`."""


def derivation_of(degradation: Degradation, *, seed: int | None = None) -> Derivation:
    """How a scan comes about that is degraded so: the name, every field, and the seed."""
    made = {"kind": "degrade", "degradation": degradation.name, **asdict(degradation)}
    return Derivation(
        "degrade",
        f"Artificially degraded by medddim ({degradation.name})",
        made if seed is None else made | {"seed": seed},
    )


def generator_of(volume: Volume, seed: int) -> np.random.Generator:
    """The generator of a scan for a seed: the same again, another for other voxels.

    With one for all, scans of one shape would share their noise, and no mean over them would
    tell how far chance reaches.
    """
    return np.random.default_rng([seed, crc32(volume.voxels.tobytes())])
