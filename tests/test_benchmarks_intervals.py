"""The limits that benchmarks/intervals.py sets beside its figures."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"
# The sdist has the tests and not the benchmarks; where these are, a missing file must fail.
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="benchmarks are not in the sdist")


@pytest.fixture
def at_best(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    before = set(sys.modules)
    yield import_module("intervals").at_best
    for name in {"intervals", "paired", "quality"} - before:
        sys.modules.pop(name, None)


def test_who_knows_the_deviation_at_each_voxel_has_the_least_width(rng, at_best):
    deviation = np.exp(0.3 * rng.normal(0, 1, 200_000))
    error = np.abs(rng.normal(0, deviation))
    least, most = at_best(error, 90)
    assert least == pytest.approx(1.645 * deviation.mean(), rel=0.01)
    squares, widest = np.square(error), deviation >= np.quantile(deviation, 0.9)
    held = squares[widest].sum() / squares.sum()
    assert held <= most < 1.3 * held


def test_of_two_deviations_all_is_reached(rng, at_best):
    deviation = np.where(np.arange(200_000) % 10, 1.0, 2.0)
    error = np.abs(rng.normal(0, deviation))
    squares = np.square(error)
    held = squares[deviation == 2].sum() / squares.sum()
    assert at_best(error, 90)[1] == pytest.approx(held, rel=0.05)


def test_errors_of_one_deviation_leave_nothing_to_find(rng, at_best):
    error = np.abs(rng.normal(0, 2.0, 200_000))
    least, most = at_best(error, 90)
    assert least == pytest.approx(np.quantile(error, 0.9), rel=0.01)
    assert most == pytest.approx(0.1, abs=0.03)
