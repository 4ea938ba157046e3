"""Local means of a scan are kept where there is signal."""

import numpy as np
import pytest

from medddim.inference.local_mean import REACH, with_local_mean
from medddim.inference.plan import plan_scan
from medddim.volume import Volume
from tests.inference.test_invariance import CASES
from tests.phantoms import textured
from tests.recipes import tiny

MM = (1.0, 1.0, 1.0)


def flat(signal, shape=(40, 40, 40)):
    return np.full(shape, signal, np.float32)


def rician(signal, seed=0):
    noise = np.random.default_rng(seed).standard_normal((2, *signal.shape)).astype(np.float32)
    return np.hypot(signal + noise[0], noise[1])


def test_an_offset_of_the_answer_is_undone_to_a_small_part_of_the_noise():
    signal = flat(20.0)
    moved = with_local_mean(signal - 0.8, rician(signal), flat(1.0), MM)
    assert abs(moved.mean() - 20) < 0.04  # the share of a mean over some thousand voxels
    assert np.abs(moved - 20).max() < 0.25  # noise of unit standard deviation, averaged


@pytest.mark.parametrize("signal", [2.5, 4.0])
def test_the_mean_of_a_magnitude_is_that_of_rice(signal):
    signal = flat(signal)
    moved = with_local_mean(signal + 0.1, rician(signal), flat(1.0), MM)
    assert abs((moved - signal).mean()) < 0.02


def test_of_a_mean_over_few_independent_voxels_less_is_taken_over():
    signal = flat(20.0)
    white = with_local_mean(signal - 0.8, signal, flat(1.0), MM).mean() - 20
    filtered = with_local_mean(signal - 0.8, signal, flat(1.0), MM, lag_1=(0.8, 0.8, 0.0)).mean()
    assert white == pytest.approx(-0.05, abs=0.04)
    assert -0.5 < filtered - 20 < -0.15


def test_what_is_faint_is_left_to_the_network():
    signal = flat(0.9)
    answer = signal - 0.2
    assert np.array_equal(with_local_mean(answer, rician(signal), flat(1.0), MM), answer)


def test_a_large_faint_structure_comes_back_from_an_answer_without_it():
    signal = flat(20.0)
    signal[10:30, 10:30, 10:30] += 1.0
    moved = with_local_mean(flat(20.0), rician(signal), flat(1.0), MM)
    assert moved[18:22, 18:22, 18:22].mean() == pytest.approx(21, abs=0.12)
    assert moved[:4, :4].mean() == pytest.approx(20, abs=0.12)


def test_it_reaches_no_further_than_it_says_and_not_across_thick_slices():
    signal = flat(20.0)
    measured = signal.copy()
    measured[20, 20, 20] += 100
    moved = with_local_mean(signal, measured, flat(1.0), MM) - with_local_mean(
        signal, signal, flat(1.0), MM
    )
    changed = np.argwhere(np.abs(moved) > 1e-6) - 20
    assert np.abs(changed).max() <= REACH
    thick = with_local_mean(signal, measured, flat(1.0), (1.0, 1.0, 16.0))
    plain = with_local_mean(signal, signal, flat(1.0), (1.0, 1.0, 16.0))
    assert np.abs(thick - plain)[:, :, 21:].max() < 0.1  # of 100


def test_a_recipe_asks_for_it_and_a_part_of_a_plan_keeps_it():
    case = CASES["noise-unet"]
    scan = Volume(textured((24, 20, 30)).voxels, np.diag([1.0, 1.0, 3.0, 1.0]), "MR")
    assert plan_scan(tiny(**case), scan).consistency.noise_map is None
    plan = plan_scan(tiny(**case, keeps_mean=True), scan)
    assert np.allclose(plan.consistency.noise_map, plan.level_map * plan.scaling.scale)
    part = plan.part(slice(0, 24), slice(4, 12), slice(5, 9))
    assert part.consistency.noise_map.shape == part.scan.shape == (24, 8, 4)
