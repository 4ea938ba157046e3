"""What the measures without a range say of noise, anatomy and brightness that were taken away."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.metrics import hf_power, local_bias, nmse, radial_spectrum, residual

SHAPE = (96, 80, 6)


@pytest.fixture
def clean():
    x, y = np.indices(SHAPE[:2])
    disc = (np.hypot(x - 48, y - 40) < 25) * 300.0 + 100 + x
    return np.repeat(disc[..., None], SHAPE[2], axis=2)


@pytest.fixture
def noise():
    return np.random.default_rng(0).normal(0, 10, SHAPE)


def test_white_noise_taken_away_looks_like_noise(clean, noise):
    found = residual(clean, clean + noise)
    # correlations of n independent pairs scatter by 1 / sqrt(n), here 0.005
    assert found.spread == pytest.approx(10, rel=0.02)
    assert (found.lag1, found.edges, found.signal) == pytest.approx((0, 0, 0), abs=0.025)


def test_blur_takes_anatomy_away(clean, noise):
    blurred = gaussian_filter(clean, (2, 2, 0))
    found = residual(blurred, clean + noise)
    assert found.edges > 0.3
    assert found.lag1 > 0.3


def test_the_noise_between_neighbours_is_its_own_correlation(clean, noise):
    coloured = (noise + np.roll(noise, 1, 0)) / np.sqrt(2)
    # 1/2 along one axis of the slice, 0 along the other
    assert residual(clean, clean + coloured).lag1 == pytest.approx(0.25, abs=0.03)


def test_brightness_taken_away_is_seen_and_the_mask_keeps_the_rest_out(clean):
    assert residual(0.9 * clean, clean).signal == pytest.approx(1.0)
    mask = np.zeros(SHAPE, dtype=bool)
    mask[:20] = True
    spoiled = np.where(mask, clean, 0)
    assert residual(spoiled, clean, mask=mask).spread == 0


def test_a_constant_residual_has_no_correlation_and_fits_into_json(clean):
    found = residual(clean, clean + 5).as_dict()
    assert found == {
        "residual_spread": pytest.approx(0, abs=1e-9),
        "residual_lag1": None,
        "residual_edges": None,
        "residual_signal": None,
    }
    json.dumps(found, allow_nan=False)


def test_local_bias_of_a_shift_is_the_shift_and_of_noise_the_closed_form(clean, noise):
    mask = clean > 200
    assert local_bias(clean - 7, clean) == pytest.approx(7)
    assert local_bias(clean - 7, clean, mask=mask) == pytest.approx(7)
    expected = 10 / (2 * np.sqrt(np.pi) * 4)
    wide = np.random.default_rng(1).normal(0, 10, (300, 300, 3))
    assert local_bias(wide, np.zeros_like(wide)) == pytest.approx(expected, rel=0.15)


def test_nmse_is_a_share_of_the_energy(clean):
    assert nmse(1.1 * clean, clean) == pytest.approx(0.01)
    assert nmse(clean, clean) == 0


def test_white_noise_has_its_variance_at_every_frequency(noise):
    spectrum = radial_spectrum(noise)
    assert np.mean(spectrum.power) == pytest.approx(100, rel=0.05)
    assert spectrum.power[-1] == pytest.approx(100, rel=0.2)
    assert len(spectrum.frequency) == 32
    assert max(spectrum.frequency) < 0.5


def test_the_spectrum_is_the_one_behind_hf_power(noise):
    grain = noise + np.random.default_rng(2).normal(0, 5, SHAPE)
    high = [
        sum(p for f, p in zip(s.frequency, s.power, strict=True) if f > 0.25)
        for s in (radial_spectrum(grain), radial_spectrum(noise))
    ]
    assert high[0] / high[1] == pytest.approx(hf_power(grain, noise), rel=0.02)


def test_a_wave_stands_at_its_frequency():
    x = np.arange(96)
    wave = np.broadcast_to(np.sin(2 * np.pi * 0.2 * x)[:, None, None], SHAPE)
    spectrum = radial_spectrum(wave)
    assert spectrum.frequency[int(np.argmax(spectrum.power))] == pytest.approx(0.2, abs=1 / 64)
