"""The scan, filtered with a network's answer as pilot."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.inference import wiener as filtering
from medddim.inference.blocks import BLOCK, THIN, block_reach
from medddim.inference.plan import plan_scan
from medddim.noise.filters import AxisFilter, Round, fermi_power
from medddim.volume import Volume
from tests.inference.test_invariance import CASES
from tests.phantoms import textured
from tests.recipes import tiny

MM = (1.0, 1.0, 1.0)
SHAPES = {"isotropic": ((31, 26, 29), MM), "thick": ((26, 31, 7), (1.0, 1.0, 5.0))}
SHAPES |= {"one slice": ((30, 25, 1), (1.0, 1.0, 5.0)), "few slices": ((30, 25, 3), MM)}


def wiener(*images, bright=60.0, **known):
    """The network sees the brightest of `anatomy` as 1."""
    return filtering.wiener(*images, bright=bright, **known)


def flat(signal, shape=(32, 32, 32)):
    return np.full(shape, signal, np.float32)


def rician(signal, seed=0):
    noise = np.random.default_rng(seed).standard_normal((2, *signal.shape)).astype(np.float32)
    return np.hypot(signal + noise[0], noise[1])


def anatomy(shape=(32, 32, 32)):
    """Structure of many sizes, 20 to 60 times the noise of `rician`."""
    drawn = np.random.default_rng(7).standard_normal(shape)
    smooth = sum(gaussian_filter(drawn, width) * width**1.5 for width in (1, 2, 4))
    return (40 + 12 * smooth / smooth.std()).clip(20, 60).astype(np.float32)


def error(image, truth):
    return float(np.sqrt(np.square(image - truth).mean()))


@pytest.mark.parametrize(("shape", "spacing_mm"), SHAPES.values(), ids=SHAPES)
def test_without_noise_the_scan_comes_back(shape, spacing_mm):
    scan = anatomy(shape)
    assert np.allclose(wiener(scan, scan, 1e-4, spacing_mm), scan, atol=1e-3)


@pytest.mark.parametrize(("shape", "spacing_mm"), SHAPES.values(), ids=SHAPES)
def test_a_blurred_pilot_gets_its_fine_structure_back(shape, spacing_mm):
    truth = anatomy(shape)
    scan, pilot = rician(truth), gaussian_filter(truth, [0.7, 0.7, 0])
    found = wiener(pilot, scan, 1.0, spacing_mm)
    assert error(found, truth) < 0.8 * min(error(scan, truth), error(pilot, truth))


def test_noise_that_the_pilot_left_goes():
    truth = flat(40.0)
    pilot = truth + 0.3 * (rician(truth) - truth)
    assert error(wiener(pilot, rician(truth), 1.0, MM), truth) < 0.8 * error(pilot, truth)


def test_an_offset_of_the_pilot_is_undone():
    signal = flat(20.0)
    found = wiener(signal - 0.8, rician(signal), 1.0, MM)
    assert abs(found.mean() - 20) < 0.02
    assert np.abs(found - 20).max() < 0.3  # noise of unit standard deviation, averaged


@pytest.mark.parametrize("signal", [2.5, 4.0])
def test_the_mean_of_a_magnitude_is_that_of_rice(signal):
    signal = flat(signal)
    assert abs((wiener(signal, rician(signal), 1.0, MM) - signal).mean()) < 0.02


def test_a_large_faint_structure_comes_back_from_a_pilot_without_it():
    signal = flat(20.0)
    signal[8:24, 8:24, 8:24] += 1.0
    found = wiener(flat(20.0), rician(signal), 1.0, MM)
    assert found[14:18, 14:18, 14:18].mean() == pytest.approx(21, abs=0.12)


def test_noise_that_is_filtered_is_looked_for_where_it_is():
    gauss = AxisFilter(share=0.7, gauss=1.5)
    truth, filters = gaussian_filter(anatomy((48, 48, 48)), 2), (gauss,) * 3
    white = np.random.default_rng(1).standard_normal(truth.shape)
    frequency = np.abs(np.fft.fftfreq(48)) * 2
    amplitude = np.sqrt(gauss.power(frequency) / gauss.mean_power)
    for axis in range(3):
        column = amplitude.reshape([-1 if axis == one else 1 for one in range(3)])
        white = np.fft.ifft(np.fft.fft(white, axis=axis) * column, axis=axis).real
    scan = (truth + white).astype(np.float32)
    pilot = gaussian_filter(truth, 1) + 0.6 * white.astype(np.float32)  # as networks leave of it
    known = error(wiener(pilot, scan, 1.0, MM, filters=filters), truth)
    assert known < 0.92 * error(wiener(pilot, scan, 1.0, MM), truth)


def test_noise_that_is_filtered_in_the_round_has_none_in_the_corners():
    truth, around = gaussian_filter(anatomy((48, 48, 8)), (2, 2, 0)), Round(0.8, 0.05, (0, 1))
    white = np.random.default_rng(1).standard_normal(truth.shape)
    frequency = np.abs(np.fft.fftfreq(48)) * 2
    power = fermi_power(np.hypot(frequency[:, None], frequency), 0.8, 0.05)[..., None]
    white = np.fft.ifft2(np.fft.fft2(white, axes=(0, 1)) * np.sqrt(power), axes=(0, 1)).real
    scan = (truth + white / white.std()).astype(np.float32)
    pilot = gaussian_filter(truth, 0.5) + 0.3 * (scan - truth)
    known = error(wiener(pilot, scan, 1.0, MM, around=around), truth)
    assert known < 0.95 * error(wiener(pilot, scan, 1.0, MM), truth)


def test_the_noise_may_vary_over_the_scan():
    truth, level = gaussian_filter(anatomy(), 2), flat(1.0)
    level[16:] = 4
    scan = truth + level * (rician(truth) - truth)
    pilot = truth + 0.3 * (scan - truth)
    found = wiener(pilot, scan, level, MM)
    even = wiener(pilot, scan, float(level.mean()), MM)
    assert error(found, truth) < 0.97 * error(even, truth)


@pytest.mark.parametrize("spacing_mm", [MM, (1.0, 1.0, 5.0)])
def test_it_reaches_no_further_than_it_says(spacing_mm):
    scan, other = rician(anatomy()), rician(anatomy())
    other[16, 16, 16] += 100
    pilot = anatomy()
    found = [wiener(pilot, one, 1.0, spacing_mm) for one in (scan, other)]
    changed = np.argwhere(found[0] != found[1])
    far = np.abs(changed - 16).max(axis=0)
    assert far.tolist() == [block_reach(spacing_mm, axis) for axis in range(3)]
    assert {*far.tolist()} <= {BLOCK - 1, THIN - 1}


def test_a_part_of_a_scan_has_the_blocks_of_the_whole():
    scan, pilot = rician(anatomy()), anatomy()
    whole = wiener(pilot, scan, 1.0, MM)
    part = np.s_[5:, :27, 2:]
    alone = wiener(pilot[part], scan[part], 1.0, MM, first=(5, 0, 2))
    assert np.array_equal(alone[7:, :-7, 7:], whole[part][7:, :-7, 7:])


def test_the_unit_does_not_matter():
    scan, pilot = rician(anatomy()), anatomy()
    large = wiener(1e3 * pilot, 1e3 * scan, 1e3, MM, bright=6e4)
    assert np.allclose(large, 1e3 * wiener(pilot, scan, 1.0, MM), rtol=1e-5)


def test_a_recipe_asks_for_it_and_a_part_of_a_plan_keeps_its_noise():
    case = CASES["noise-unet"]
    scan = Volume(textured((24, 20, 30)).voxels, np.diag([1.0, 1.0, 3.0, 1.0]), "MR")
    assert plan_scan(tiny(**case), scan).consistency.noise_map is None
    plan = plan_scan(tiny(**case, keeps_mean=True), scan)
    assert np.allclose(plan.consistency.noise_map, plan.level_map * plan.scaling.scale)
    part = plan.part(slice(None), slice(4, 20), slice(None))
    assert np.array_equal(part.consistency.noise_map, plan.consistency.noise_map[:, 4:20])
    assert part.consistency.filters == plan.consistency.filters
    assert part.consistency.around == plan.consistency.around
