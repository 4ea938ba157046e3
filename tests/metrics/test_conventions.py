"""Each named protocol gives the figure of its source, whose few lines are said again here."""

import numpy as np
import pytest
import torch
from monai.metrics.regression import PSNRMetric, SSIMMetric
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from medddim.errors import ScoreError
from medddim.metrics import compare, meant_for
from medddim.volume import Volume

SLICES = 13
EXACT = 1e-6


def smooth(image):
    for axis in (0, 1, 2):
        image = image + np.roll(image, 1, axis) + np.roll(image, -1, axis)
    return image / 27


@pytest.fixture
def pair():
    """A CT, float64, and a noisy one: air, lung, tissue, bone, and values beyond every window."""
    generator = np.random.default_rng(3)
    shape = (48, 40, SLICES)
    x, y = np.meshgrid(np.linspace(-1, 1, 48), np.linspace(-1, 1, 40), indexing="ij")
    radius = np.hypot(x, y)[..., None] * np.ones(shape)
    hu = np.select([radius < 0.2, radius < 0.5, radius < 0.8], [700.0, 40.0, -700.0], -1020.0)
    hu = smooth(hu + smooth(generator.normal(0, 400, shape)))
    hu[20:24, 20:24, 5] = 2300
    noisy = hu + smooth(generator.normal(0, 150, shape)) + 3
    # what a file holds is float32: the same numbers for both sides
    return tuple(image.astype(np.float32).astype(np.float64) for image in (noisy, hu))


def scores(pair, protocol):
    candidate, reference = (
        Volume(image[None], np.diag([1.0, 1.0, 3.0, 1.0]), modality="CT", unit="HU")
        for image in pair
    )
    return compare(candidate, reference, protocol=protocol)


def test_fastmri(pair):
    """facebookresearch/fastMRI, fastmri/evaluate.py: nmse, psnr, ssim."""
    pred, gt = (np.abs(np.moveaxis(image, 2, 0)) for image in pair)
    top = gt.max()
    ssims = [
        structural_similarity(one, other, data_range=top)
        for one, other in zip(gt, pred, strict=True)
    ]
    ours = scores(tuple(np.abs(image) for image in pair), "fastmri")
    assert ours.psnr_db == pytest.approx(
        peak_signal_noise_ratio(gt, pred, data_range=top), abs=EXACT
    )
    assert ours.ssim == pytest.approx(np.mean(ssims), abs=EXACT)
    error = np.linalg.norm(gt - pred) ** 2 / np.linalg.norm(gt) ** 2
    assert ours.nmse == pytest.approx(error, rel=EXACT)
    assert (ours.data_range, ours.kernel) == (top, "uniform 7, sample covariance")


ANATOMIES = {"ldct": (1074.0, 400.0), "ldct-chest": (424.0, 1500.0), "ldct-neuro": (1064.0, 80.0)}


def as_shown(stored, centre, width):
    """The window of DICOM PS3.3 C.11.2.1.2.1, to 0..1."""
    ramp = (stored - (centre - 0.5)) / (width - 1.0) + 0.5
    low, high = centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2
    return np.where(stored <= low, 0.0, np.where(stored > high, 1.0, ramp))


@pytest.mark.parametrize("protocol", sorted(ANATOMIES))
def test_ldct_benchmark(pair, protocol):
    """eeulig/ldct-benchmark, ldctbench/utils/test_utils.py: compute_metric, on HU + 1024."""
    figures = []
    for prediction, target in zip(*(np.moveaxis(i + 1024, 2, 0) for i in pair), strict=True):
        p, t = (as_shown(image, *ANATOMIES[protocol]) for image in (prediction, target))
        bone = [image.clip(0.0, 2924.0) for image in (target, prediction)]
        figures.append(
            (
                10 * np.log10(1 / mean_squared_error(t, p)),
                structural_similarity(t, p, data_range=1.0),
                np.sqrt(mean_squared_error(*bone)),
            )
        )
    ours = scores(pair, protocol)
    expected = np.mean(figures, axis=0)
    assert (ours.psnr_db, ours.ssim, ours.rmse) == pytest.approx(tuple(expected), abs=2 * EXACT)


def pytorch_ssim(one, other, span):
    taps = torch.tensor([np.exp(-((k - 5) ** 2) / 4.5) for k in range(11)], dtype=torch.float64)
    window = torch.outer(taps, taps)[None, None] / taps.sum() ** 2

    def mean(image):
        return torch.nn.functional.conv2d(image[None, None], window, padding=5)

    ours, theirs = mean(one), mean(other)
    variance, other_variance = mean(one * one) - ours**2, mean(other * other) - theirs**2
    covariance = mean(one * other) - ours * theirs
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    above = (2 * ours * theirs + c1) * (2 * covariance + c2)
    return (above / ((ours**2 + theirs**2 + c1) * (variance + other_variance + c2))).mean().item()


def test_corediff(pair):
    """qgao21/CoreDiff: test() of models/corediff/corediff.py, one slice a batch, on 0..255."""
    figures = []
    for made, full in zip(*(np.moveaxis(image, 2, 0) for image in pair), strict=True):
        grey, true = (
            torch.from_numpy(255 * (image.clip(-1000, 1000) + 1000) / 2000)
            for image in (made, full)
        )
        span = (true.max() - true.min()).item()
        error = ((grey - true) ** 2).mean().item()
        figures.append(
            (
                10 * np.log10(span**2 / error),
                pytorch_ssim(grey, true, span),
                np.sqrt(error) * 2000 / 255,
            )
        )
    ours = scores(pair, "corediff")
    expected = tuple(np.mean(figures, axis=0))
    assert (ours.psnr_db, ours.ssim, ours.rmse) == pytest.approx(expected, abs=2 * EXACT)
    assert ours.data_range < 2000


@pytest.mark.parametrize("slices", [SLICES, 5])
def test_monai(pair, slices):
    """The classes of the installed MONAI, on the volume scaled to 0..1; 2D where it is thin."""
    pair = tuple(image[..., :slices] for image in pair)
    low, high = pair[1].min(), pair[1].max()
    made, true = (torch.from_numpy((image - low) / (high - low)) for image in pair)
    psnr = PSNRMetric(max_val=1.0)(made[None, None], true[None, None]).item()
    thick = slices >= 11
    batch = [
        image[None, None] if thick else image.permute(2, 0, 1)[:, None] for image in (made, true)
    ]
    ssim = SSIMMetric(spatial_dims=3 if thick else 2)(*batch).mean().item()
    ours = scores(pair, "monai")
    assert ours.dimensions == (3 if thick else 2)
    assert ours.psnr_db == pytest.approx(psnr, abs=EXACT)
    assert ours.ssim == pytest.approx(ssim, abs=EXACT)


def test_monai_and_scikit_image_agree_where_they_claim_the_same(pair):
    made, true = ((image + 1020) / 4000 for image in pair)
    tensors = [torch.from_numpy(image).float()[None, None] for image in (made, true)]
    theirs = SSIMMetric(spatial_dims=3, data_range=1.0)(*tensors).item()
    reference = structural_similarity(
        true, made, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert theirs == pytest.approx(reference, abs=EXACT)


def test_one_picture_moves_by_many_decibels_with_the_protocol(pair):
    figures = [scores(pair, protocol).psnr_db for protocol in ("ldct", "corediff", "monai")]
    assert max(figures) - min(figures) > 10


def test_all_means_what_has_a_meaning_for_the_scan(pair):
    ct = Volume(pair[1][None], np.eye(4), modality="CT", unit="HU")
    assert set(meant_for(ct)) > set(meant_for(Volume(pair[1][None], np.eye(4), modality="MR")))
    assert "corediff" in meant_for(ct)


@pytest.mark.parametrize("protocol", ["corediff", "fastmri"])
def test_a_slice_or_volume_without_a_range_is_refused(pair, protocol):
    air = np.full_like(pair[1], -1024.0)
    with pytest.raises(ScoreError, match="choose another"):
        scores((air + 5, air), protocol)


def test_the_passport_is_complete(pair):
    for protocol in meant_for(Volume(pair[1][None], np.eye(4), modality="CT", unit="HU")):
        passport = scores(pair, protocol).passport
        reported = passport.in_words()
        assert f"protocol {protocol}, data range {passport.data_range:.4g} HU" in reported
        for term in (passport.range_rule, passport.kernel, passport.aggregation, passport.mask):
            assert term
            assert term in reported
