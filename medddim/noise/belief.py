"""Which level is believed: what was read in the object, or what air says."""

from __future__ import annotations

import numpy as np

from medddim.intensity import percentile
from medddim.noise.air import Air, air_share, bears_out, rayleigh_share
from medddim.noise.planes import Slabs
from medddim.volume import Array

LEAST_AIR, HALF, AGREES = 0.1, 0.5, 0.9
"""Where that is so, and air holds between these shares of the noise that was read, air is
believed; below a half, the geometric mean. Air of less is masked, or of other coils."""
NEAR = 0.6, 1.1
"""Of two readings as near as this, by faults that have nothing in common, the geometric mean is
taken. Air of less or more is masked, of other coils, or full of ghosts."""
LEAST_SURE, SURE = 0.02, 0.35
"""Air that surely holds all of the noise is believed from this share on, where the model does not
fit. Where it does, the geometric mean is taken from the next one on, for parallel imaging may add
noise to the object alone; above `NEAR`, air is believed."""
UNEVEN = 0.2
"""Where the map varies by more than this share, it is a guess in air: the geometric mean counts."""
DOUBLE = 2.2
"""Where the model does not fit, and not for anatomy, air of up to so much more is believed."""
Three = tuple[float, float, float]


def believed(
    slabs: Slabs,
    level: float,
    cells: Array,
    correlation: tuple[Three, Three],
    anatomy: bool,
    fits: bool,
) -> tuple[float, bool]:
    """By what the level is multiplied, held against the noise of air; whether the map is flat.

    `anatomy` is in what was read; `fits` is whether the model of the noise does.
    """
    air = Air.of(slabs, np.full((1, 1, 1), level, np.float32) if anatomy else cells)
    wrong = not fits and not bears_out(air)
    sure = rayleigh_share(air.flat(level) if wrong else air)
    if sure > LEAST_SURE and (anatomy or not fits):
        return sure, wrong or (anatomy and sure < 1)
    if SURE < sure < DOUBLE:
        uneven = percentile(cells, 90) - percentile(cells, 10) > UNEVEN * level
        halved = uneven or not NEAR[0] < sure < 1
        return float(np.sqrt(sure)) if halved else sure, False
    share = air_share(air, correlation)
    if anatomy and LEAST_AIR < share < AGREES:
        return share if share > HALF else float(np.sqrt(share)), True
    if not anatomy and NEAR[0] < share < NEAR[1]:
        return float(np.sqrt(share)), False
    if not anatomy and not fits and 1 < share < DOUBLE:
        return share, False
    return 1.0, False
