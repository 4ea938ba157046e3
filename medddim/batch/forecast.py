"""What a scan will take on this machine, and the tiles in which it fits its memory."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from medddim import memory
from medddim.batch.extras import Extras
from medddim.errors import UnsupportedScan
from medddim.inference.cost import FLOAT, Cost, Measured, cost_of, tiles_for
from medddim.inference.plan import ScanPlan

if TYPE_CHECKING:
    from medddim.inference.enhancer import Enhancer

USUAL = 2 * 10**9
"""Bytes of this process that tiles are chosen for where nothing else is said and they suffice."""
SLOWER = 1.25
"""Times the seconds in the largest tiles, is what smaller ones may take to stay within `USUAL`."""
KEPT = 1.1
"""Times what is counted: what the allocators keep of what was given back."""
NOTHING = Extras()
"""What is asked for beside an answer, usually."""


@dataclass(frozen=True)
class Forecast:
    """What one scan will take: seconds of the network, bytes of the process at its peak, tiles."""

    seconds: float
    bytes: int
    tile: int

    def facts(self, *, reading_s: float) -> dict[str, Any]:
        """For the record; the seconds are those of reading, which are known, and of the network."""
        return {
            "seconds": round(reading_s + self.seconds, 3),
            "memory_mb": round(self.bytes / 1e6),
            "tile": self.tile,
        }


def forecast(
    enhancer: Enhancer,
    plan: ScanPlan,
    known: Measured,
    *,
    limit: int | None = None,
    beside: Extras = NOTHING,
) -> Forecast:
    """The largest tiles that keep this process within its memory, and what the scan takes in them.

    `beside` is what is asked for beside the answer: its arrays count, its seconds do not.
    `limit` is in bytes; without one, tiles are chosen for `USUAL`, unless that takes much longer,
    and larger needs may take what the machine has. Raises UnsupportedScan where even the smallest
    tiles do not fit.
    """
    held = memory.held()
    machine = held + memory.available()
    most = machine if limit is None else min(limit, machine)
    answer = FLOAT * math.prod(plan.consistency.shape)
    more = {"held": answer * beside.beside_network, "after": answer * beside.after_network}
    costs = [
        cost_of(enhancer, plan, known, tile=tile).with_more(**more) for tile in tiles_for(enhancer)
    ]
    found = _within(costs, most - held)
    if found and limit is None:
        usual = _within(costs, min(most, USUAL) - held)
        found = usual if usual and usual.seconds <= SLOWER * found.seconds else found
    if found is None:
        need = min(map(_bytes, costs)) + held
        whose = "this machine has" if most == machine else "--memory allows"
        raise UnsupportedScan(
            f"an answer of {'×'.join(map(str, plan.consistency.shape))} voxels takes "
            f"{need / 1e9:.2f} GB of memory in the smallest tiles, and {whose} {most / 1e9:.2f} GB "
            "for this process; end other programs, allow more, or cut the scan into smaller ones"
        )
    return Forecast(found.seconds, max(held + _bytes(found), memory.peak()), found.tile)


def _within(costs: Sequence[Cost], room: int) -> Cost | None:
    return next((one for one in costs if _bytes(one) <= room), None)


def _bytes(cost: Cost) -> int:
    return round(KEPT * cost.bytes)
