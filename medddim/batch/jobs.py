"""What a batch does to each scan, and how that is described to those who find the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medddim.degradation.contract import generator_of, making_of
from medddim.formats.contract import Quantity
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.degradation import Degradation

Facts = dict[str, Any]
"""What was found out about one scan on the way: plain values, for the record."""

Answer = tuple[Volume, dict[Quantity, Volume]]
"""The result, and the maps to lie beside it."""

Work = Callable[[Volume, Facts], Answer]
"""What is done to a scan, given what was foreseen of it."""

Progress = Callable[[float], None]
"""Is told, now and then, which share of the work on one scan is done."""


def unwatched(share: float) -> None:
    """The progress of a run that nobody follows."""


def _nothing_to_tell(volume: Volume) -> Facts:
    return {}


@dataclass(frozen=True)
class Job:
    """One thing to do to every scan.

    `parameters` are all that determines the result, in the order to be written. `start` makes
    ready, once a run, and returns the work itself. `foresee` tells of a scan what can be told
    without the work, and raises UnsupportedScan for one the work is not for. `maps` are those
    that the work gives beside the result; what they are leaves the result as it is.
    """

    kind: str
    summary: str
    parameters: dict[str, Any]
    start: Callable[[Progress], Work]
    foresee: Callable[[Volume], Facts] = _nothing_to_tell
    maps: tuple[Quantity, ...] = ()
    device: str = "cpu"

    @property
    def described(self) -> dict[str, Any]:
        """What goes on record: the kind and the parameters."""
        return {"kind": self.kind, **self.parameters}


def degrade_job(degradation: Degradation, *, seed: int) -> Job:
    """Make a scan worse on purpose, from a generator of its own for every scan's voxels."""

    def degrade(volume: Volume, facts: Facts) -> Answer:
        return degradation(volume.recognised(), generator_of(volume, seed)), {}

    made = making_of(degradation)
    return Job(made.kind, made.summary, made.parameters | {"seed": seed}, lambda progress: degrade)


def identity_job() -> Job:
    """Change nothing: what reader and writer do, alone."""

    def copy(volume: Volume, facts: Facts) -> Answer:
        return volume, {}

    return Job("identity", "Copied unchanged by medddim", {}, lambda progress: copy)
