"""Rician noise against its closed forms."""

import numpy as np
import pytest
from scipy.stats import rice

from medddim.degradation import RicianNoise
from medddim.degradation.rician import rician
from medddim.errors import UnsupportedScan
from medddim.volume import Volume
from tests.phantoms import head

COUNT = 400_000
SIGMA = 2.0


def draw(signal, sigma=SIGMA, seed=0):
    return rician(np.full(COUNT, signal, np.float32), sigma, np.random.default_rng(seed))


@pytest.mark.parametrize("snr", [0.0, 0.5, 1.0, 2.0, 5.0, 20.0])
def test_mean_and_variance_are_those_of_the_rice_distribution(snr):
    magnitude = draw(snr * SIGMA).astype(np.float64)
    law = rice(snr, scale=SIGMA)
    assert magnitude.mean() == pytest.approx(law.mean(), abs=5 * law.std() / COUNT**0.5)
    assert magnitude.var() == pytest.approx(law.var(), rel=0.015)


def test_air_is_rayleigh():
    magnitude = draw(0.0)
    assert magnitude.mean() == pytest.approx(SIGMA * np.sqrt(np.pi / 2), rel=0.01)
    assert magnitude.var() == pytest.approx(SIGMA**2 * (2 - np.pi / 2), rel=0.01)


def test_bright_tissue_gains_the_known_bias():
    signal = 20 * SIGMA
    assert draw(signal).mean() == pytest.approx(np.sqrt(signal**2 + SIGMA**2), abs=0.02)


def test_the_second_moment_is_exact_at_any_signal():
    magnitude = draw(3.0).astype(np.float64)
    assert (magnitude**2).mean() == pytest.approx(3.0**2 + 2 * SIGMA**2, rel=0.01)


def test_a_level_is_a_share_of_the_bright_end():
    scan = head()
    degradation = RicianNoise(level=0.05)
    assert degradation.sigma(scan) == pytest.approx(0.05 * np.percentile(scan.voxels, 99.5))
    noisy = degradation(scan, np.random.default_rng(0))
    air = noisy.voxels[scan.voxels == 0]
    assert air.mean() == pytest.approx(degradation.sigma(scan) * np.sqrt(np.pi / 2), rel=0.02)


def test_no_noise_is_the_magnitude_itself():
    scan = head()
    assert np.array_equal(RicianNoise(level=0)(scan, np.random.default_rng(0)).voxels, scan.voxels)


def test_another_seed_is_another_scan():
    assert not np.array_equal(draw(1.0, seed=0), draw(1.0, seed=1))


def test_sigma_may_differ_per_image():
    signal = np.zeros((2, 1, 200, 200), np.float32)
    sigma = np.array([1.0, 3.0], np.float32).reshape(2, 1, 1, 1)
    quiet, loud = rician(signal, sigma, np.random.default_rng(0))
    assert loud.mean() / quiet.mean() == pytest.approx(3, rel=0.02)


def test_hounsfield_units_are_refused_because_a_magnitude_would_turn_air_bright():
    scan = Volume(np.full((1, 4, 4, 4), -1000.0), np.eye(4), modality="CT", unit="HU")
    with pytest.raises(UnsupportedScan, match="found a CT"):
        RicianNoise(0.05)(scan, np.random.default_rng(0))
