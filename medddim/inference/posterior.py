"""Several answers to one question: which models give them, their mean and how far they differ."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from medddim.errors import RequestProblem
from medddim.volume import Volume


def require_samples(model: str, *, count: int, steps: int, draws_noise: bool) -> None:
    """Raise RequestProblem unless answers of this model differ from seed to seed."""
    if count < 2:
        raise RequestProblem(f"expected 2 samples or more, found {count}: one alone has no spread")
    if not draws_noise:
        raise RequestProblem(
            f"the model {model} draws no noise, so that every seed gives the same answer; for "
            "samples take a model that does: --model mr-denoise-vp --steps 8"
        )
    if steps < 2:
        raise RequestProblem(
            "samples need more than 1 step: the first hardly depends on the noise that is drawn; "
            f"take more: --model {model} --steps 8"
        )


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
