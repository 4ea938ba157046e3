"""Intervals: the function of their width, the factor that makes them hold, and their ends."""

from dataclasses import replace

import numpy as np
import pytest

from medddim.errors import CheckpointError, RequestProblem, UnsupportedScan
from medddim.inference.enhancer import Enhancer
from medddim.inference.intervals import (
    FEATURES,
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
    scan = rng.normal(100, 10, (12, 10, 4)).astype(np.float32)
    answer = np.full_like(scan, 100)
    one = features(scan, answer, noise=10.0, axis=2)
    assert one.shape == (len(FEATURES), *scan.shape)
    assert features(7 * scan, 7 * answer, noise=70.0, axis=2) == pytest.approx(one, abs=1e-4)
    other = scan.copy()
    other[..., 0] += 50
    assert (features(other, answer, noise=10.0, axis=2)[..., 1:] == one[..., 1:]).all()


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


def test_out_of_range_there_is_no_interval(calibrated):
    small = TrainingRange("phantoms", ("pixel",), ("a", "b"), ((5.0,), (5.1,)))
    small.save(calibrated)
    with pytest.raises(UnsupportedScan, match="no interval holds: smaller pixels"):
        Enhancer.load(calibrated).interval(head(), noise=20.0)


def test_a_calibration_comes_back_as_it_was_written(calibrated):
    assert Calibration.load(calibrated) == FLAT
    assert Calibration.load(calibrated.parent) is None
    assert replace(FLAT, scans=3).in_words == "calibrated over 3 scans held out (phantoms)"
