"""The noise estimator against noise that was put in."""

import numpy as np
import pytest

from medddim.degradation import RicianNoise
from medddim.metrics.noise import estimate_noise
from medddim.volume import Volume
from tests.phantoms import head, textured

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


def test_ct_noise_on_negative_units_is_found_too():
    scan = head((96, 88, 8))
    noise = np.random.default_rng(0).normal(0, 20, scan.voxels.shape)
    hu = Volume(scan.voxels - 1000 + noise, scan.affine, "CT", "HU")
    assert estimate_noise(hu) == pytest.approx(20, rel=0.1)
