"""The noise of CT: its level, how it is correlated, and what made it."""

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_tv_chambolle

from medddim.degradation.low_dose import LowDose
from medddim.noise import noise_passport
from medddim.noise.ct import tissue_correlation
from medddim.volume import Volume


def water(blur, *, sigma=12.0, shape=(160, 160, 6)):
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(shape), (*blur, 0))
    return Volume((40 + sigma * noise / noise.std())[None], np.diag([1, 1, 3, 1]), "CT", "HU")


@pytest.mark.parametrize("blur", [(0, 0), (0.6, 0.6), (1.0, 0.5)])
def test_the_correlation_of_soft_tissue_is_measured(blur):
    found = noise_passport(water(blur))
    assert found.level == pytest.approx(12, rel=0.1)
    assert not found.fits
    wide = water(blur).voxels[0] - 40
    for axis in (0, 1):
        along = np.moveaxis(wide, axis, 0)
        for lag, read in enumerate(found.correlation[axis], 1):
            expected = (along[lag:] * along[:-lag]).mean() / wide.var()
            assert read == pytest.approx(expected, abs=0.05)


def test_without_soft_tissue_there_is_no_correlation():
    assert tissue_correlation(np.full((4, 96, 96), -1000, np.float32)) is None
    air = Volume(np.full((1, 96, 96, 4), -1000.0), np.eye(4), "CT", "HU")
    assert noise_passport(air).correlation == ((0, 0), (0, 0), (0, 0))


# --- texture: what made the noise ----------------------------------------------------------------


def noisy_water(kernel="standard", seed=3):
    """A disk of water whose noise was back-projected."""
    mm = 1.4
    y, x = (np.mgrid[:224, :224] - 112) * mm
    image = np.where(np.hypot(x, y) < 140, 40.0, -1000.0)
    scan = Volume(np.repeat(image[None, ..., None], 2, -1), np.diag([mm, mm, 3, 1]), "CT", "HU")
    return LowDose(0.3, kernel=kernel, photons_per_mm2=3e5)(scan, np.random.default_rng(seed))


def blurred(scan, pixels):
    return scan.with_voxels(gaussian_filter(scan.voxels, (0, pixels, pixels, 0)))


@pytest.mark.parametrize("kernel", ["standard", "sharp"])
def test_back_projected_noise_rises_and_falls(kernel):
    found = noise_passport(noisy_water(kernel)).texture
    assert found.looks == "filtered back-projection"
    assert 0.15 < found.peak_per_mm < 0.35
    assert found.power[0] < 0.7 * max(found.power)
    assert found.tail == pytest.approx(1, abs=0.1)


def test_a_smooth_kernel_concentrates_noise_low():
    found = noise_passport(blurred(noisy_water(), 1.2)).texture
    assert found.looks == "smooth kernel"
    assert found.peak_per_mm < 0.12
    assert found.mean_per_mm < 0.16


def test_noise_that_spares_edges_is_uneven():
    scan = noisy_water()
    level = noise_passport(scan).level
    spared = denoise_tv_chambolle(scan.voxels[0, ..., 0].clip(-1024), weight=0.8 * level)
    found = noise_passport(scan.with_voxels(np.stack([spared] * 2, -1)[None])).texture
    assert found.looks == "iterative or learned"
    assert found.tail > 1.25


def test_white_noise_under_anatomy_is_not_judged():
    """Power that falls as anatomy's does says nothing of the noise beneath."""
    scan = water((0, 0), sigma=4.0)
    line = np.fft.fftfreq(160)
    far = np.maximum(np.hypot(line[:, None], line), 1 / 160)[..., None]
    white = np.fft.fft2(np.random.default_rng(1).standard_normal((160, 160, 6)), axes=(0, 1))
    texture = np.fft.ifft2(white * far**-1.5, axes=(0, 1)).real
    anatomy = 30 * texture / texture.std()
    assert noise_passport(scan.with_voxels(scan.voxels + anatomy)).texture.looks == "cannot tell"


def test_the_texture_is_in_physical_units():
    found = noise_passport(noisy_water()).texture
    scan = noisy_water()
    wide = Volume(scan.voxels, np.diag([2.8, 2.8, 3, 1]), "CT", "HU")
    assert noise_passport(wide).texture.mean_per_mm == pytest.approx(found.mean_per_mm / 2, rel=0.1)
    facts = noise_passport(scan).facts
    assert json.loads(json.dumps(facts))["texture"]["looks"] == found.looks
    assert found.summary in noise_passport(scan).summary


def test_without_even_soft_tissue_there_is_no_texture():
    air = Volume(np.full((1, 96, 96, 4), -1000.0), np.eye(4), "CT", "HU")
    assert noise_passport(air).texture is None
    flat = Volume(np.full((1, 96, 96, 4), 40.0), np.eye(4), "CT", "HU")
    assert noise_passport(flat).texture is None
    bone = Volume(np.random.default_rng(0).normal(900, 20, (1, 96, 96, 4)), np.eye(4), "CT", "HU")
    assert noise_passport(bone).texture is None
    assert "no even soft tissue" in noise_passport(bone).summary
