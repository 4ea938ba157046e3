"""What a batch does to each scan, and how that is described to those who find the result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from medddim.degradation.contract import derivation_of
from medddim.formats.contract import Quantity
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.batch.forecast import Forecast
    from medddim.degradation import Degradation
    from medddim.formats import Series

Facts = dict[str, Any]
"""What was found out about one scan on the way: plain values, for the record."""

Answer = tuple[Volume, dict[Quantity, Volume]]
"""The result, and the maps to lie beside it."""

Work = Callable[[Volume, Any], Answer]
"""What is done to a scan, given the plan that its job made for it."""

Progress = Callable[[float], None]
"""Called now and then with the share of the work on one scan that is done."""


Rest = Callable[[], Answer]
"""What is left to do of the work on a scan; another may be begun before it is called."""


@runtime_checkable
class InTwo(Protocol):
    """Work of which the end may overlap with the beginning of the next."""

    def begun(self, volume: Volume, plan: Any) -> Rest:
        """Do the first part; calling what is returned does the rest, in any thread."""
        ...


@runtime_checkable
class KeepsParts(Protocol):
    """Work that can go on in the middle of a scan: it is given what is finished, and adds to it."""

    parts: Any


@runtime_checkable
class Forecasts(Protocol):
    """Work that can say what a scan will take, and then keeps to it."""

    def forecast(self, plan: Any) -> Forecast:
        """What the scan of this plan takes. Raises UnsupportedScan if there is not so much."""
        ...


def unwatched(share: float) -> None:
    """The progress of a run that nobody follows."""


class Plan(Protocol):
    """What is known of the work on one scan before it is done; a `ScanPlan` is one."""

    @property
    def facts(self) -> Facts:
        """What goes on record of this scan."""
        ...


@dataclass(frozen=True)
class NothingToPlan:
    """The plan of a job that does the same to every scan."""

    facts: Facts = field(default_factory=dict)


def _nothing_to_plan(volume: Volume) -> Plan:
    return NothingToPlan()


@dataclass(frozen=True)
class Job:
    """One thing to do to every scan.

    `parameters` are all that determines the result, in the order to be written. `start` makes
    ready, once a run, and returns the work itself. `plan` says of a scan what can be said without
    the work, and raises UnsupportedScan for one the work is not for. `maps` are those that the
    work gives beside the result; what they are leaves the result as it is.
    """

    kind: str
    summary: str
    parameters: dict[str, Any]
    start: Callable[[Progress], Work]
    plan: Callable[[Volume], Plan] = _nothing_to_plan
    maps: tuple[Quantity, ...] = ()
    device: str = "cpu"

    @property
    def described(self) -> dict[str, Any]:
        """What goes on record: the kind and the parameters."""
        return {"kind": self.kind, **self.parameters}


Choose = Callable[["Series"], Job]
"""Which job a scan gets."""


@dataclass(frozen=True)
class Always:
    """The choice where all scans get the same job."""

    job: Job

    def __call__(self, series: Series) -> Job:
        """That job."""
        return self.job


@runtime_checkable
class ByVoxels(Protocol):
    """A choice that may have to read a scan, which is then not read again."""

    def of(self, series: Series, reader: Callable[[], Volume]) -> Job:
        """The job of a scan that `reader` gives."""
        ...


def chosen(choose: Choose, series: Series, reader: Callable[[], Volume]) -> Job:
    """The job that a scan gets, which `reader` gives if it is needed for that."""
    return choose.of(series, reader) if isinstance(choose, ByVoxels) else choose(series)


def degrade_job(degradation: Degradation, *, seed: int) -> Job:
    """Make a scan worse on purpose, every scan with random numbers of its own."""

    def degrade(volume: Volume, plan: Plan) -> Answer:
        return degradation(volume, seed), {}

    made = derivation_of(degradation, seed=seed)
    return Job(made.kind, made.summary, made.parameters, lambda progress: degrade)


def identity_job() -> Job:
    """Change nothing: what reader and writer do, alone."""

    def copy(volume: Volume, plan: Plan) -> Answer:
        return volume, {}

    return Job("identity", "Copied unchanged by medddim", {}, lambda progress: copy)
