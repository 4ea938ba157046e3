"""Non-central chi noise against its closed forms."""

import numpy as np
import pytest
from scipy.special import hyp1f1, poch
from scipy.stats import kstest, ncx2, rice

from medddim.degradation import ChiNoise
from medddim.degradation.chi import chi
from tests.phantoms import head

COUNT = 200_000
SIGMA = 2.0
every_coil_count = pytest.mark.parametrize("coils", [1, 4, 16])


def draw(signal, coils, seed=0):
    image = np.full(COUNT, signal, np.float32)
    return chi(image, SIGMA, coils=coils, generator=np.random.default_rng(seed)).astype(float)


@every_coil_count
@pytest.mark.parametrize("snr", [0.0, 1.0, 5.0])
def test_the_mean_is_that_of_the_non_central_chi_distribution(coils, snr):
    # Koay & Basser 2006 (J Magn Reson 179:317), eq. A: the first moment for any number of coils.
    expected = np.sqrt(2) * SIGMA * poch(coils, 0.5) * hyp1f1(-0.5, coils, -(snr**2) / 2)
    assert draw(snr * SIGMA, coils).mean() == pytest.approx(expected, rel=0.003)


@every_coil_count
@pytest.mark.parametrize("snr", [0.0, 3.0])
def test_the_second_moment_is_exact_at_any_signal(coils, snr):
    expected = (snr * SIGMA) ** 2 + 2 * coils * SIGMA**2
    assert (draw(snr * SIGMA, coils) ** 2).mean() == pytest.approx(expected, rel=0.005)


@every_coil_count
def test_its_square_follows_the_non_central_chi_squared_law(coils):
    squared = (draw(2 * SIGMA, coils)[:5000] / SIGMA) ** 2
    assert kstest(squared, ncx2(2 * coils, 2**2).cdf).pvalue > 0.001


def test_one_coil_is_rician():
    assert kstest(draw(SIGMA, 1)[:5000] / SIGMA, rice(1.0).cdf).pvalue > 0.001


def test_a_level_is_a_share_of_the_bright_end():
    scan = head()
    noisy = ChiNoise(0.05, coils=4)(scan, np.random.default_rng(0))
    sigma = 0.05 * np.percentile(scan.voxels, 99.5)
    air = noisy.voxels[scan.voxels == 0]
    assert (air**2).mean() == pytest.approx(8 * sigma**2, rel=0.02)


def test_the_g_factor_raises_the_noise_smoothly_within_the_scan():
    scan = head((64, 64, 16), air=1.0).with_voxels(np.full((1, 64, 64, 16), 1000.0))
    noisy = ChiNoise(0.01, coils=1, g_factor=3.0)(scan, np.random.default_rng(0)).voxels[0]
    blocks = noisy.reshape(8, 8, 8, 8, 2, 8).std(axis=(1, 3, 5))
    assert 9 < blocks.min() < 14
    assert 24 < blocks.max() < 33
    assert np.abs(np.diff(blocks, axis=0)).max() < 10


def test_no_noise_is_the_magnitude_itself():
    scan = head()
    found = ChiNoise(0, coils=3)(scan, np.random.default_rng(0)).voxels
    assert np.allclose(found, scan.voxels, rtol=1e-6)
