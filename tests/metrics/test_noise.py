"""The noise estimator against noise that was put in."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.degradation import LowDose, RicianNoise
from medddim.metrics.noise import estimate_noise
from medddim.volume import Volume
from tests.phantoms import head, oblique, textured

LEVELS = (0.02, 0.05, 0.10, 0.15)


def noisy(scan, level, seed=0):
    degradation = RicianNoise(level)
    return degradation(scan, np.random.default_rng(seed)), degradation.sigma(scan)


def stripped(scan):
    """The scan inside a box, as after skull stripping: air is exactly 0."""
    voxels = scan.voxels.copy()
    voxels[:, :8], voxels[:, -8:], voxels[:, :, :8] = 0, 0, 0
    return scan.with_voxels(voxels)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("shape", [(96, 88, 8), (256, 224, 3), (96, 88, 1)])
def test_it_finds_rician_noise_within_a_tenth(level, shape):
    scan, sigma = noisy(head(shape), level)
    assert estimate_noise(scan) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("level", LEVELS)
def test_it_finds_noise_in_any_orientation_and_spacing(level):
    for axis, spacing in enumerate([(3.0, 1.0, 1.0), (1.0, 3.0, 1.0), (1.0, 1.0, 1.0)]):
        shape = [96, 96, 96]
        shape[axis] = 10
        scan, sigma = noisy(head(tuple(shape), spacing_mm=spacing), level)
        assert estimate_noise(scan) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("level", LEVELS)
def test_air_set_to_zero_does_not_hide_it(level):
    scan, sigma = noisy(head((96, 88, 8)), level)
    assert estimate_noise(stripped(scan)) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("level", LEVELS)
def test_a_scan_filled_by_tissue_or_nearly_all_air(level):
    full = head((96, 88, 8), air=0.5)
    scan, sigma = noisy(full, level)
    assert estimate_noise(scan) == pytest.approx(sigma, rel=0.1)
    lonely = np.zeros((1, 200, 200, 4), np.float32)
    lonely[:, 70:130, 70:130] = head((60, 60, 4)).voxels
    scan, sigma = noisy(Volume(lonely, full.affine), level)
    assert estimate_noise(scan) == pytest.approx(sigma, rel=0.1)


def test_channels_count_together_and_the_unit_is_the_scans():
    scan, _ = noisy(head((96, 88, 4)), 0.05)
    both = scan.with_voxels(np.concatenate([scan.voxels, scan.voxels[:, ::-1]]))
    assert estimate_noise(both) == pytest.approx(estimate_noise(scan), rel=0.05)
    louder = scan.with_voxels(scan.voxels * 37)
    assert estimate_noise(louder) == pytest.approx(37 * estimate_noise(scan), rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e6])
def test_a_constant_has_none(value):
    assert estimate_noise(Volume(np.full((1, 20, 20, 4), value), np.eye(4))) == 0


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (2, 1, 1), (1, 5, 1), (2, 2, 1), (3, 2, 2), (4, 4, 4)]
)
def test_tiny_scans_give_a_finite_number(shape):
    found = estimate_noise(textured(shape))
    assert np.isfinite(found)
    assert found >= 0


def zero_filled(scan, sigma, *, kept, seed=0):
    """A magnitude of which the inner `kept` of k-space was measured, along the first axis."""
    real, imaginary = np.random.default_rng(seed).normal(0, sigma / kept**0.5, (2, *scan.shape))
    inner = np.abs(np.fft.fftfreq(scan.shape[0]))[:, None, None] < kept / 2
    spectrum = inner * np.fft.fft(scan.voxels[0] + real + 1j * imaginary, axis=0)
    return scan.with_voxels(np.abs(np.fft.ifft(spectrum, axis=0))[None])


@pytest.mark.parametrize("kept", [0.5, 0.6, 0.75])
@pytest.mark.parametrize("level", [0.05, 0.10, 0.15])
def test_zero_filled_noise_is_as_loud_as_its_voxels_show_it(kept, level):
    scan = head((192, 160, 8))
    sigma = level * np.percentile(scan.voxels, 99.5)
    found = estimate_noise(zero_filled(scan, sigma, kept=kept))
    assert found == pytest.approx(sigma, rel=0.1)


def test_a_long_scan_is_read_in_part():
    scan, sigma = noisy(head((96, 88, 60), spacing_mm=(1.0, 1.0, 2.0)), 0.05)
    assert estimate_noise(scan) == pytest.approx(sigma, rel=0.05)


def body(shape=(128, 128, 4)):
    """A CT: soft tissue of 40 HU with fat, lung and bone in it, in air."""
    x, y, z = (np.linspace(-1, 1, n) for n in shape)
    radius = np.hypot(x[:, None, None] / 0.9, y[:, None] / 0.8) + 0 * z
    hu = np.where(radius < 1, 40.0, -1000)
    hu[(radius > 0.9) & (radius < 1)] = -90
    hu[np.hypot(x[:, None, None] + 0.4, y[:, None]) + 0 * z < 0.2] = -800
    hu[np.hypot(x[:, None, None], y[:, None] - 0.4) + 0 * z < 0.1] = 700
    return Volume(hu[None], oblique((2.5, 2.5, 5.0)), "CT", "HU")


@pytest.mark.parametrize("sigma", [5.0, 20.0, 60.0])
@pytest.mark.parametrize("blur", [0.0, 1.0])
def test_ct_noise_is_that_of_soft_tissue_however_it_is_correlated(sigma, blur):
    noise = np.random.default_rng(0).standard_normal((128, 128, 4))
    noise = gaussian_filter(noise, (blur, blur, 0))
    scan = body()
    noisy = scan.with_voxels(scan.voxels + sigma * noise[None] / noise.std())
    assert estimate_noise(noisy) == pytest.approx(sigma, rel=0.1)


@pytest.mark.parametrize("fraction", [0.5, 0.1])
def test_low_dose_noise_is_found(fraction):
    scan = body()
    low = LowDose(fraction)(scan, np.random.default_rng(0))
    added = (low.voxels - scan.voxels)[scan.voxels == 40].std()
    assert estimate_noise(low) == pytest.approx(added, rel=0.15)


def test_a_ct_without_soft_tissue_still_has_a_number():
    scan = Volume(np.full((1, 64, 64, 3), -600.0), np.eye(4), "CT", "HU")
    noise = np.random.default_rng(0).normal(0, 20, scan.voxels.shape)
    assert estimate_noise(scan.with_voxels(scan.voxels + noise)) == pytest.approx(20, rel=0.1)
    assert estimate_noise(scan.with_voxels(scan.voxels * 0 - 1024)) == 0
