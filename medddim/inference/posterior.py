"""Several answers to one question: their mean and how far they differ."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medddim.volume import Volume


def mean_and_deviation(answers: Iterable[Volume]) -> tuple[Volume, Volume]:
    """The mean and the unbiased standard deviation of two answers or more, voxel by voxel.

    Running sums in float64 (Welford 1962), so that memory does not grow with their number. Both
    are otherwise like the last answer.
    """
    mean = squares = np.zeros((), dtype=np.float64)
    for count, answer in enumerate(answers, 1):
        away = answer.voxels - mean
        mean = mean + away / count
        squares = squares + away * (answer.voxels - mean)
    return answer.with_voxels(mean), answer.with_voxels(np.sqrt(squares / (count - 1)))
