"""What a run will take, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from medddim.batch import Outcome
    from medddim.formats import Series


def in_all(planned: Sequence[Outcome], series: Sequence[Series], *, workers: int) -> str:
    """What a run over the scans that are planned will take, in one line."""
    names = {one.name for one in planned}
    files = {file for one in series if one.name in names for file in one.files}
    size = sum(file.stat().st_size for file in files if file.is_file())
    seconds = sum(one.planned["seconds"] for one in planned) / workers
    memory = max(one.planned["memory_mb"] for one in planned) * workers
    where = ", ".join(sorted({one.device for one in planned}))
    return (
        f"{len(planned)} scan{'s' * (len(planned) != 1)} of {size / 1e6:.1f} MB "
        f"take{'s' * (len(planned) == 1)} about "
        f"{duration(seconds)} and {memory / 1e3:.1f} GB of memory in {workers} "
        f"process{'es' * (workers != 1)} on {where}"
    )


def duration(seconds: float) -> str:
    """A time in the unit that suits it."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
