"""Intervals: the function of their width, the factor that makes them hold, and their ends."""

from dataclasses import replace

import numpy as np
import pytest

from medddim.errors import CheckpointError, RequestProblem, UnsupportedScan
from medddim.inference.enhancer import Enhancer
from medddim.inference.intervals import (
    BLOCK,
    FEATURES,
    FLOOR,
    INTERVALS,
    LOSS_BOUND,
    Calibration,
    factor_for,
    features,
    fit_width,
)
from medddim.inference.range import TrainingRange
from tests import studies
from tests.phantoms import head

FLAT = Calibration(
    source="phantoms",
    scans=20,
    noise=(0.001, 0.2),
    intercept=0.0,
    weights=(0.0,) * len(FEATURES),
    factors={"90": 2.0},
)


def scans(rng, count, voxels=400):
    """Errors over half widths of scans whose scale differs."""
    return [np.abs(rng.normal(0, np.exp(0.2 * rng.normal()), voxels)) for _ in range(count)]


def test_risk_over_new_scans_is_controlled_and_not_given_away(rng):
    outside = []
    for _ in range(60):
        factor = factor_for(scans(rng, 20), alpha=0.1)
        outside += [np.mean(one > factor) for one in scans(rng, 20)]
    slack = 2 * LOSS_BOUND / 21  # theorem 1 and 2: alpha - 2 B / (n + 1) <= risk <= alpha
    assert 0.1 - slack <= np.mean(outside) <= 0.102


def test_the_factor_is_the_smallest_that_the_theorem_allows(rng):
    ratios = scans(rng, 12, 4000)

    def risk(factor):
        lost = sum(min(float(np.mean(one > factor)), LOSS_BOUND) for one in ratios)
        return (lost + LOSS_BOUND) / 13

    factor = factor_for(ratios, alpha=0.1)
    assert risk(1.01 * factor) <= 0.1
    assert risk(0.99 * factor) > 0.1


def test_too_few_scans_are_said_to_be_too_few(rng):
    with pytest.raises(RequestProblem, match="2 are needed"):
        factor_for(scans(rng, 1), alpha=0.1)


def test_the_function_of_the_width_is_found_again(rng):
    seen = rng.normal(0, 1, (3, 20000)).astype(np.float32)
    mean = np.exp(0.5 + 0.8 * seen[0] - 0.4 * seen[1])
    intercept, weights = fit_width([seen], [rng.exponential(mean)])
    assert intercept == pytest.approx(0.5, abs=0.05)
    assert weights == pytest.approx([0.8, -0.4, 0.0], abs=0.05)


def test_features_do_not_depend_on_the_unit_and_stay_within_slices(rng):
    answer = rng.normal(100, 30, (12, 10, 4)).astype(np.float32)
    one = features(answer, noise=10.0, share=0.05, axis=2)
    assert one.shape == (len(FEATURES), *answer.shape)
    assert one[0] == pytest.approx(np.log(0.05))
    same = features(7 * answer, noise=70.0, share=0.05, axis=2)
    assert same == pytest.approx(one, abs=1e-4)
    other = answer.copy()
    other[..., 0] += rng.normal(0, 50, (12, 10))
    changed = features(other, noise=10.0, share=0.05, axis=2) != one
    assert changed[1, ..., 0].any()
    assert not changed[..., 1:].any()


@pytest.mark.parametrize("shape", [(16, 12, 3), (7, 9, 2), (1, 5, 1)])
def test_a_wiener_filter_leaves_noise_where_the_answer_has_power(rng, shape):
    def left(image):
        return np.exp(features(image.astype(np.float32), noise=2.0, share=0.05, axis=2)[1])

    assert left(np.zeros(shape)) == pytest.approx(FLOOR)
    even = np.hypot(1 / BLOCK, FLOOR)  # of the cosines of a block, the mean alone stands out
    assert left(np.full(shape, 1e5)) == pytest.approx(even, rel=1e-3)
    if min(shape[:2]) >= BLOCK:
        busy = rng.normal(0, 1e5, shape)
        assert left(busy) == pytest.approx(np.hypot(1, FLOOR), rel=1e-2)


@pytest.fixture
def calibrated(tmp_path):
    folder = studies.model(tmp_path / "model")
    FLAT.save(folder)
    return folder


def test_the_ends_lie_around_the_answer_by_noise_times_the_factor(calibrated):
    wired, scan = Enhancer.load(calibrated, precision="fp32"), head()
    answer = wired(scan, noise=20.0)
    lower, upper = wired.interval(scan, noise=20.0)
    assert upper.voxels - answer.voxels == pytest.approx(40, rel=1e-3)
    inside = answer.voxels > 40
    assert (answer.voxels - lower.voxels)[inside] == pytest.approx(40, rel=1e-3)
    assert lower.voxels.min() == 0  # a magnitude is never negative
    assert lower.derivation.kind == "lower"
    assert "phantoms" in lower.derivation.parameters["calibration"]
    answer.require_same_grid(upper)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"coverage": 80}, "interval of 90 per cent"),
        ({"noise": 400.0}, "outside, none is given"),
        ({"steps": 4}, "of one step"),
    ],
)
def test_beyond_what_was_calibrated_there_is_no_interval(calibrated, asked, message):
    with pytest.raises(RequestProblem, match=message):
        Enhancer.load(calibrated).interval(head(), **({"noise": 20.0} | asked))


def test_a_model_without_a_calibration_or_with_a_broken_one_says_so(calibrated):
    with pytest.raises(RequestProblem, match="no calibrated intervals"):
        studies.enhancer().interval(head())
    (calibrated / INTERVALS).write_text('{"source": 1}')
    with pytest.raises(CheckpointError, match=INTERVALS):
        Enhancer.load(calibrated).interval(head())


def test_a_calibration_by_other_features_is_to_be_made_again(tmp_path):
    replace(FLAT, weights=(0.0,) * 6).save(tmp_path)
    with pytest.raises(CheckpointError, match=r"found 6 weights.* make it again by tools"):
        Calibration.load(tmp_path)


def test_out_of_range_there_is_no_interval(calibrated):
    small = TrainingRange("phantoms", ("pixel",), ("a", "b"), ((5.0,), (5.1,)))
    small.save(calibrated)
    with pytest.raises(UnsupportedScan, match="no interval holds: smaller pixels"):
        Enhancer.load(calibrated).interval(head(), noise=20.0)


def test_a_calibration_comes_back_as_it_was_written(calibrated):
    assert Calibration.load(calibrated) == FLAT
    assert Calibration.load(calibrated.parent) is None
    assert replace(FLAT, scans=3).in_words == "calibrated over 3 scans held out (phantoms)"
