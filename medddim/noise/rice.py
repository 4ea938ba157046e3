"""The mean of a noisy magnitude, and the signal behind a mean: both in units of the noise."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.floating[Any]]

STEP, FAR = 0.01, 40.0
"""Of the table: between its signals, and where it ends; beyond, a formula is as good."""


@lru_cache
def _table() -> tuple[Numbers, Numbers]:
    """Signals, and the means of their magnitudes."""
    from scipy.special import ive

    signal = np.arange(round(FAR / STEP) + 1) * STEP
    half = signal**2 / 4
    means = np.sqrt(np.pi / 2) * ((1 + 2 * half) * ive(0, half) + 2 * half * ive(1, half))
    return signal, means


def mean_of_signal(signal: Numbers) -> Numbers:
    """The mean of the Rice distribution, of a signal of 0 or more.

    Source: Koay & Basser 2006, J Magn Reson 179:317, eq. 5.
    """
    signals, means = _table()
    mean = _between(means - signals, *_place(signal)) + signal
    far = signal > FAR
    if far.any():
        mean[far] = np.hypot(signal[far], 1)
    return mean


def signal_of_mean(mean: Numbers) -> Numbers:
    """The signal whose magnitude has this mean; 0 below the floor, the inverse of the mean."""
    signals, means = _table()
    near = np.interp(mean, means, signals)
    return np.where(mean < means[-1], near, np.sqrt(np.maximum(mean**2 - 1, 0)))


@lru_cache
def _kept() -> Numbers:
    means = np.arange(round(FAR / STEP) + 1) * STEP
    kept: Numbers = (2 + signal_of_mean(means) ** 2 - means**2).clip(2 - np.pi / 2, 1)
    return kept


def kept_of_mean(mean: Numbers) -> Any:
    """How much of a channel's noise power a magnitude of this mean keeps: from 0.43 to 1.

    Its variance, 2 + signal^2 - mean^2 (Koay & Basser 2006, eq. 6).
    """
    return _between(_kept(), *_place(mean))


def _place(signal: Numbers) -> tuple[npt.NDArray[np.int32], Numbers]:
    """The entry of the table below each signal, and how far on the way to the next it lies."""
    place = np.minimum(signal, np.float32(FAR)) * np.float32(1 / STEP)
    with np.errstate(invalid="ignore"):  # NaN stays NaN
        below = place.astype(np.int32)
    return below, place - below.astype(place.dtype)


def _between(values: Numbers, below: npt.NDArray[np.int32], part: Numbers) -> Numbers:
    """The table read between two entries; `numpy.interp` searches, and takes 15 times as long."""
    rise = np.diff(values, append=values[-1]).astype(part.dtype)
    found: Numbers = rise.take(below, mode="clip")
    found *= part
    found += values.astype(part.dtype).take(below, mode="clip")
    return found
