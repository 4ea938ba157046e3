"""What an answer lost is put back: local means, and what stands out of the noise."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.inference.plan import plan_scan
from medddim.inference.put_back import put_back, reach
from medddim.volume import Volume
from tests.inference.test_invariance import CASES
from tests.phantoms import head, textured
from tests.recipes import tiny

LOW_DOSE = {
    "modality": "CT",
    "scaling": {"kind": "window"},
    "degradation": {"kind": "low-dose", "dose": (0.1, 0.5)},
}
MM = (1.0, 1.0, 1.0)
THICK = (1.0, 1.0, 16.0)


def flat(signal, shape=(40, 40, 40)):
    return np.full(shape, signal, np.float32)


def drawn(shape, seed=0):
    return np.random.default_rng(seed).standard_normal((2, *shape)).astype(np.float32)


def rician(signal, seed=0):
    noise = drawn(signal.shape, seed)
    return np.hypot(signal + noise[0], noise[1])


def magnitude(answer, measured, spacing_mm=MM, **more):
    return put_back(answer, measured, spacing_mm=spacing_mm, slice_axis=2, noise=1.0, **more)


def test_an_offset_of_the_answer_is_undone_and_little_noise_comes_back():
    signal = flat(20.0)
    answer = magnitude(signal - 0.8, rician(signal))
    assert abs(answer.mean() - 20) < 0.2 * 0.8  # the share of a mean over some hundred voxels
    assert (answer - 20).std() < 0.2  # noise of unit standard deviation, averaged


def test_of_smooth_noise_less_is_put_back():
    signal = flat(20.0)
    white = magnitude(signal - 0.8, rician(signal)).mean()
    smooth = magnitude(signal - 0.8, rician(signal), lag_1=(0.8, 0.8, 0.0)).mean()
    assert 19.2 < smooth < white - 0.2


def test_of_smooth_noise_what_stands_out_by_chance_stays_away():
    noise = gaussian_filter(drawn((40, 40, 40))[0], 1.06)
    signal = flat(20.0)
    answer = magnitude(signal, signal + noise / noise.std(), lag_1=(0.8, 0.8, 0.8))
    assert (answer - 20).std() < 0.06  # 0.12 by the limits of white noise


def test_signal_below_the_noise_is_left_to_the_network():
    answer = flat(1.9)
    assert np.array_equal(magnitude(answer, rician(flat(2.7))), answer)


def test_a_faint_structure_comes_back_from_an_answer_without_it():
    signal = flat(20.0)
    signal[16:24, 16:24, 16:24] += 1.5
    answer = magnitude(flat(20.0), rician(signal))
    assert answer[18:22, 18:22, 18:22].mean() == pytest.approx(21.5, abs=0.4)
    assert answer[:8, :8].mean() == pytest.approx(20, abs=0.05)


def test_a_structure_that_shrank_grows_back_and_even_tissue_does_not():
    signal, shrunk = flat(20.0), flat(20.0)
    signal[18:21, 18:21, 18:21] += 6.0
    shrunk[18:21, 18:21, 18:21] += 0.75 * 6.0
    measured = rician(signal)
    answer = magnitude(shrunk, measured)
    assert answer[18:21, 18:21, 18:21].mean() == pytest.approx(26, abs=0.4)
    even = np.s_[26:, 26:, 26:]  # without structure its slope is not looked at
    assert np.allclose(answer[even], magnitude(flat(20.0), measured)[even], atol=1e-3)


def test_it_is_the_same_in_any_unit():
    signal = flat(20.0)
    signal[18:21, 18:21, 18:21] += 6.0
    answer, measured = 0.9 * signal, rician(signal)
    large = put_back(1e3 * answer, 1e3 * measured, spacing_mm=MM, slice_axis=2, noise=1e3)
    assert np.allclose(large, 1e3 * magnitude(answer, measured), rtol=1e-4)


def test_what_is_finer_than_local_means_comes_back_if_it_stands_out_of_the_noise():
    shares = []
    for contrast in (1.0, 8.0):
        signal = flat(0.0, (60, 60, 1))
        signal[29:31, 29:31] += contrast
        noise = drawn(signal.shape)[0]
        grid = {"spacing_mm": MM, "slice_axis": 2}
        there = put_back(flat(0.0, signal.shape), signal + noise, **grid)
        without = put_back(flat(0.0, signal.shape), noise, **grid)
        shares.append((there - without)[29:31, 29:31].mean() / contrast)
    assert shares[0] < 0.4 < 0.5 < shares[1]


def test_values_of_both_signs_have_no_bias_taken_off():
    signal = flat(-50.0)
    answer = put_back(signal + 2, signal + drawn(signal.shape)[0], spacing_mm=MM, slice_axis=2)
    assert answer.mean() == pytest.approx(-50, abs=0.02)  # means so wide go back whole


@pytest.mark.parametrize("stripes", [False, True])
def test_what_noise_in_streaks_left_in_an_answer_of_ct_does_not_grow(stripes):
    lines = drawn((60, 60, 1))[0]
    if stripes:
        lines = np.broadcast_to(drawn((60, 1, 1))[0], lines.shape)
    answer = put_back(0.8 * lines, lines, spacing_mm=MM, slice_axis=2)
    grown = np.square(answer).mean() / np.square(0.8 * lines).mean() - 1
    assert abs(grown) < 0.02 if stripes else grown > 0.2


@pytest.mark.parametrize("hu", [False, True])
@pytest.mark.parametrize("spacing_mm", [MM, (1.0, 1.0, 3.0), THICK])
def test_it_reaches_as_far_as_it_says(spacing_mm, hu):
    noise = drawn((40, 40, 40))[0]
    signal, measured = flat(20.0), noise + 20
    measured[20, 20, 20] += 1000
    grid = {"spacing_mm": spacing_mm, "slice_axis": 2, "noise": None if hu else 1.0}
    difference = put_back(signal, measured, **grid) - put_back(signal, noise + 20, **grid)
    changed = np.abs(np.argwhere(np.abs(difference) > 1e-4) - 20).max(0)
    furthest = [reach(spacing_mm, axis, slice_axis=2, hu=hu) for axis in range(3)]
    assert (changed <= furthest).all()
    assert furthest[2] == ({1.0: 6, 3.0: 2} if hu else {1.0: 7, 3.0: 2}).get(spacing_mm[2], 0)


def test_a_recipe_asks_for_it_and_a_part_of_a_plan_keeps_it():
    case = CASES["noise-unet"]
    scan = Volume(textured((24, 20, 30)).voxels, np.diag([1.0, 1.0, 3.0, 1.0]), "MR")
    assert not plan_scan(tiny(**case), scan).consistency.puts_back
    plan = plan_scan(tiny(**case, keeps_mean=True), scan)
    assert np.allclose(plan.consistency.noise_map, plan.level_map * plan.scaling.scale)
    part = plan.part(slice(0, 24), slice(4, 12), slice(5, 9))
    assert part.consistency.puts_back
    assert part.consistency.noise_map.shape == part.scan.shape == (24, 8, 4)


@pytest.mark.parametrize("kind", ["MR", "CT"])
def test_a_network_with_one_noise_level_has_its_losses_put_back(kind):
    scan, case = head(), {}
    if kind == "CT":
        scan = replace(scan, voxels=1.3 * scan.voxels - 1000, modality="CT", unit="HU")
        case = LOW_DOSE
    scan = scan.with_voxels(scan.voxels + np.float32(20) * np.abs(drawn(scan.shape)[:1]))
    same = plan_scan(tiny(keeps_mean=True, **case), scan).consistency
    lost = np.float32(0.5 * same.level)
    answer = same.finish(scan.voxels[0] - lost, 0)
    inside = head().voxels[0] > 0
    assert inside.sum() > 100
    left = {"MR": 0.45, "CT": 0.55}[kind]  # a share of the means
    assert np.abs(answer - scan.voxels[0])[inside].mean() < left * lost
