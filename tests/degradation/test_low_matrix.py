"""A low matrix against what is known of truncated Fourier series."""

import numpy as np
import pytest

from medddim.degradation import LowMatrix, RicianNoise
from medddim.errors import MedddimError, UnsupportedScan
from medddim.volume import Volume
from tests.phantoms import head, oblique

NOTHING = np.random.default_rng(0)


def wave(cycles, size=64):
    """A scan that is 100 plus one wave along its first axis."""
    line = 100 + 50 * np.cos(2 * np.pi * cycles * np.arange(size) / size)
    return Volume(np.broadcast_to(line[:, None, None], (1, size, 48, 4)), oblique((1.0, 1.0, 4.0)))


def step(size=256):
    voxels = np.zeros((1, size, size, 1), np.float32)
    voxels[:, size // 4 : 3 * size // 4] = 100
    return Volume(voxels + 100, np.eye(4))


@pytest.mark.parametrize("cycles", [1, 5, 15])
def test_a_wave_within_the_kept_k_space_stays_the_same_wave(cycles):
    low = LowMatrix(0.5)(wave(cycles), NOTHING)
    assert low.shape == (32, 24, 4)
    assert np.allclose(low.voxels, wave(cycles).voxels[:, ::2, ::2], atol=1e-3)


@pytest.mark.parametrize("cycles", [17, 31])
def test_a_wave_beyond_it_is_gone(cycles):
    assert np.allclose(LowMatrix(0.5)(wave(cycles), NOTHING).voxels, 100, atol=1e-3)


@pytest.mark.parametrize("fraction", [0.5, 0.4, 0.75])
def test_every_voxel_stays_at_its_place_in_the_world(fraction):
    scan = wave(0)
    low = LowMatrix(fraction)(scan, NOTHING)
    rows, columns, _ = low.shape
    index = np.array([rows // 2, 3, 1, 1])
    ratio = np.array([64 / rows, 48 / columns, 1, 1])
    assert np.allclose(low.affine @ index, scan.affine @ (index * ratio))
    extent = np.array(low.spacing_mm) * low.shape
    assert np.allclose(extent, np.array(scan.spacing_mm) * scan.shape)


def test_zero_filling_keeps_the_grid_and_empties_the_outer_k_space():
    scan = head((64, 60, 3))
    filled = LowMatrix(0.5, zero_filled=True)(scan.with_voxels(scan.voxels + 500), NOTHING)
    filled.require_same_grid(scan)
    spectrum = np.abs(np.fft.fft2(filled.voxels[0], axes=(0, 1)))
    assert spectrum[17:48].max() < 1e-4 * spectrum.max()
    assert spectrum[:, 16:45].max() < 1e-4 * spectrum.max()


def test_a_sharp_cut_overshoots_by_nine_per_cent_and_a_taper_does_not():
    ringing, tapered = (
        LowMatrix(0.25, taper, zero_filled=True)(step(), NOTHING).voxels.max() - 200
        for taper in (0.0, 1.0)
    )
    assert ringing == pytest.approx(8.95, abs=0.6)  # Gibbs's constant, of a step of 100
    assert tapered < 1


def test_the_mean_of_the_scan_stays():
    scan = head((64, 60, 3))
    bright = scan.with_voxels(scan.voxels + 500)  # no voxel near 0: magnitudes are linear
    assert LowMatrix(0.4)(bright, NOTHING).voxels.mean() == pytest.approx(
        bright.voxels.mean(), rel=1e-4
    )


def test_fewer_lines_hold_less_noise():
    flat = Volume(np.full((1, 128, 128, 4), 1000.0), np.diag([1.0, 1.0, 4.0, 1.0]))
    noisy = RicianNoise(0.05)(flat, np.random.default_rng(0))
    assert LowMatrix(0.5)(noisy, NOTHING).voxels.std() == pytest.approx(25, rel=0.05)


@pytest.mark.parametrize("parameters", [{"fraction": 0.0}, {"fraction": 1.0}, {"taper": 1.5}])
def test_impossible_parameters_are_refused(parameters):
    with pytest.raises(MedddimError, match="expected"):
        LowMatrix(**parameters)


def test_ct_is_refused():
    with pytest.raises(UnsupportedScan, match="magnitude"):
        LowMatrix()(Volume(head().voxels, np.eye(4), "CT", "HU"), NOTHING)
