"""The measures against scikit-image and against closed forms."""

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from medddim.errors import GridMismatch, ScoreError
from medddim.metrics import hf_power, psnr, rmse, ssim

SHAPE = (40, 36, 24)


@pytest.fixture
def reference():
    return np.random.default_rng(1).gamma(2.0, 100.0, SHAPE).astype(np.float32)


@pytest.fixture
def candidate(reference):
    return reference + np.random.default_rng(2).normal(0, 30, SHAPE).astype(np.float32)


def skimage_ssim(candidate, reference):
    return structural_similarity(
        reference.astype(np.float64),
        candidate.astype(np.float64),
        data_range=800.0,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )


def test_ssim_3d_is_that_of_scikit_image(candidate, reference):
    expected, values = skimage_ssim(candidate, reference)
    mask = reference > 150
    ours = ssim(candidate, reference, data_range=800.0, slice_axis=None)
    masked = ssim(candidate, reference, data_range=800.0, slice_axis=None, mask=mask)
    assert ours == pytest.approx(expected, abs=1e-6)
    assert masked == pytest.approx(values[mask].mean(), abs=1e-6)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_ssim_2d_is_the_mean_of_scikit_image_over_slices(candidate, reference, axis):
    pairs = list(zip(np.moveaxis(candidate, axis, 0), np.moveaxis(reference, axis, 0), strict=True))
    means, maps = zip(*(skimage_ssim(one, other) for one, other in pairs), strict=True)
    mask = reference > 150
    ours = ssim(candidate, reference, data_range=800.0, slice_axis=axis)
    masked = ssim(candidate, reference, data_range=800.0, slice_axis=axis, mask=mask)
    assert ours == pytest.approx(np.mean(means), abs=1e-6)
    assert masked == pytest.approx(np.stack(maps, axis)[mask].mean(), abs=1e-6)


def test_ssim_of_channels_is_their_mean(candidate, reference):
    both = np.stack([candidate, reference]), np.stack([reference, reference])
    one = ssim(candidate, reference, data_range=800.0)
    assert ssim(*both, data_range=800.0) == pytest.approx((one + 1) / 2, abs=1e-12)


def test_psnr_of_known_noise_is_the_closed_form():
    clean = np.zeros((100, 100, 50), dtype=np.float32)
    noisy = clean + np.random.default_rng(0).normal(0, 5, clean.shape)
    # the mean of n squares scatters by sqrt(2 / n), here 0.2 %, that is 0.009 dB
    assert psnr(noisy, clean, data_range=1000.0) == pytest.approx(20 * np.log10(200), abs=0.04)
    assert psnr(clean + 10, clean, data_range=1000.0) == pytest.approx(40.0, abs=1e-9)
    assert rmse(clean - 10, clean) == pytest.approx(10.0, abs=1e-9)


def test_equal_images_score_perfectly(reference):
    assert psnr(reference, reference, data_range=1.0) == float("inf")
    assert ssim(reference, reference, data_range=800.0) == pytest.approx(1.0, abs=1e-12)
    assert hf_power(reference, reference) == 1.0


def test_the_mask_keeps_the_background_out(reference):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[15:25, 15:25] = True
    spoiled = np.where(mask, reference, reference + 500)
    assert psnr(spoiled, reference, data_range=800.0, mask=mask) == float("inf")
    assert psnr(spoiled, reference, data_range=800.0) < 10
    assert psnr(reference + 8, reference, data_range=800.0, mask=mask) == pytest.approx(
        40, abs=1e-3
    )


def test_hf_power_of_a_scaled_image_is_the_square_of_the_scale(reference):
    assert hf_power(0.5 * reference, reference) == pytest.approx(0.25, rel=1e-6)
    assert hf_power(3 * reference, reference, mask=reference > 50) == pytest.approx(9.0, rel=1e-6)


def test_hf_power_falls_with_blur_and_rises_with_noise(candidate, reference):
    blurred = (reference + np.roll(reference, 1, 0) + np.roll(reference, -1, 0)) / 3
    assert hf_power(blurred, reference) < 0.6
    assert hf_power(candidate, reference) > 1.02


def test_hf_power_of_added_white_noise_is_one_plus_the_ratio_of_variances():
    one, other = np.random.default_rng(3).normal(0, 1, (2, 64, 64, 40))
    assert hf_power(one + 0.5 * other, one) == pytest.approx(1.25, abs=0.02)


def test_hf_power_looks_only_at_the_high_band():
    x = np.arange(64)
    coarse, grain = (
        np.broadcast_to(np.sin(2 * np.pi * f * x)[:, None, None], (64, 64, 3))
        for f in (1 / 8, 3 / 8)
    )
    assert hf_power(grain + 5 * coarse + 100, grain) == pytest.approx(1.0, abs=2e-3)
    assert np.isnan(hf_power(grain, np.zeros_like(grain)))


def test_hf_power_is_measured_within_the_slice():
    x = np.arange(48)
    across = np.broadcast_to(np.cos(np.pi * x)[None, None, :], (48, 48, 48))
    grain = np.random.default_rng(4).normal(0, 1, across.shape)
    assert hf_power(grain + 20 * across, grain, slice_axis=2) == pytest.approx(1.0, abs=0.02)
    assert hf_power(grain + 20 * across, grain, slice_axis=0) > 50


def test_the_edge_of_a_mask_adds_next_to_nothing():
    x, y = np.meshgrid(np.arange(96), np.arange(96), indexing="ij")
    disc = (np.hypot(x - 48, y - 48) < 25)[..., None]
    flat = np.full(disc.shape, 100.0)
    grain = np.random.default_rng(5).normal(0, 1, disc.shape)
    # a hard edge of 100 would put far more into the band than the grain itself
    assert hf_power(flat + grain, grain, mask=disc) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("measure", [psnr, ssim])
@pytest.mark.parametrize("data_range", [0.0, -1.0, float("nan"), float("inf")])
def test_a_range_without_meaning_is_refused(reference, measure, data_range):
    with pytest.raises(ScoreError, match="data range above 0"):
        measure(reference, reference, data_range=data_range)


def test_images_that_cannot_be_compared_are_refused(reference):
    with pytest.raises(GridMismatch, match="one shape"):
        rmse(reference, reference[1:])
    with pytest.raises(GridMismatch, match="mask"):
        rmse(reference, reference, mask=np.ones((2, 2, 2), dtype=bool))
    with pytest.raises(ScoreError, match="no voxel"):
        rmse(reference, reference, mask=np.zeros(SHAPE, dtype=bool))
    with pytest.raises(ScoreError, match="11 voxels"):
        ssim(reference[:8], reference[:8], data_range=1.0)


def test_voxels_that_are_not_numbers_are_refused(reference):
    broken = reference.copy()
    broken[3, 3, 3] = np.nan
    with pytest.raises(ScoreError, match="1 voxels of the candidate"):
        psnr(broken, reference, data_range=800.0)
