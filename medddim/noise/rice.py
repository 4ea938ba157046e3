"""The mean of a noisy magnitude, and the signal behind a mean: both in units of the noise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating[Any]]


@lru_cache
def _table() -> tuple[Numbers, Numbers, Numbers]:
    """Signals, the means of their magnitudes, and the slope of that."""
    from scipy.special import ive

    signal = np.linspace(0, 40, 4001)
    half = signal**2 / 4
    means = np.sqrt(np.pi / 2) * ((1 + 2 * half) * ive(0, half) + 2 * half * ive(1, half))
    return signal, means, np.gradient(means, signal)


def mean_of_signal(signal: Numbers) -> tuple[Numbers, Numbers]:
    """The mean of the Rice distribution, and how it rises with the signal, which is 0 or more.

    Source: Koay & Basser 2006, J Magn Reson 179:317, eq. 5.
    """
    signals, means, slope = _table()
    far = np.hypot(signal, 1)
    near = np.interp(signal, signals, means)
    return np.where(signal < signals[-1], near, far), np.interp(signal, signals, slope)


def signal_of_mean(mean: Numbers) -> Numbers:
    """The signal whose magnitude has this mean; 0 below the floor, the inverse of the above."""
    signals, means, _ = _table()
    near = np.interp(mean, means, signals)
    return np.where(mean < means[-1], near, np.sqrt(np.maximum(mean**2 - 1, 0)))
