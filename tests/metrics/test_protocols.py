"""compare(): every figure with the terms it was made under."""

import json

import numpy as np
import pytest

from medddim.errors import GridMismatch, RequestProblem, ScoreError
from medddim.metrics import PROTOCOLS, Scores, compare, psnr
from medddim.volume import Volume

SHAPE = (1, 40, 40, 12)


def scan(voxels, **facts):
    return Volume(voxels, np.diag([1.0, 1.0, 3.0, 1.0]), **facts)


def disc(inside, outside):
    x, y = np.indices(SHAPE[1:3])
    here = np.hypot(x - 20, y - 20) < 14
    return np.where(here[None, :, :, None], inside, outside) * np.ones(SHAPE)


@pytest.fixture
def mr():
    texture = np.random.default_rng(0).uniform(0.6, 1.0, SHAPE)
    return scan(disc(800.0, 0.0) * texture, modality="MR")


@pytest.fixture
def ct():
    texture = np.random.default_rng(0).normal(0, 20, SHAPE)
    return scan(disc(40.0, -1000.0) + texture, modality="CT", unit="HU")


def test_mr_is_scored_in_the_foreground_over_the_bright_end_of_the_reference(mr):
    noisy = mr.with_voxels(mr.voxels + 10)
    scores = compare(noisy, mr)
    assert scores.data_range == pytest.approx(np.percentile(mr.voxels, 99.5))
    assert scores.psnr_db == pytest.approx(20 * np.log10(scores.data_range / 10), abs=1e-3)
    assert scores.rmse == pytest.approx(10, rel=1e-5)
    assert (scores.window, scores.mask, scores.dimensions) == (None, "foreground", 2)
    assert 12 * 500 < scores.voxels < 12 * 900


def test_noise_in_air_changes_no_error_in_the_foreground(mr):
    corner = mr.voxels.copy()
    corner[:, :3, :3] += 300
    assert compare(mr.with_voxels(corner), mr).psnr_db == float("inf")


def test_ct_is_scored_in_the_soft_tissue_window_and_its_rmse_is_not_clipped(ct):
    bone = ct.voxels.copy()
    bone[0, 20, 20, 6] = 240
    brighter = bone.copy()
    brighter[0, 20, 20, 6] = 1240
    scores = compare(ct.with_voxels(brighter), ct.with_voxels(bone))
    assert scores.psnr_db == float("inf")
    assert scores.rmse == pytest.approx(1000 / np.sqrt(scores.voxels))
    assert (scores.window, scores.data_range, scores.unit) == ((-160.0, 240.0), 400.0, "HU")
    assert scores.mask == "body"


def test_a_file_that_does_not_say_what_it_is_can_be_named(ct):
    unlabelled = scan(ct.voxels)
    assert compare(unlabelled, unlabelled, protocol="ct").data_range == 400
    assert set(PROTOCOLS) >= {"medddim", "mr", "ct"}


def test_the_slice_axis_is_the_thick_one(mr):
    affine = np.diag([5.0, 1.0, 1.0, 1.0])
    sagittal = Volume(np.moveaxis(mr.voxels, 3, 1), affine, modality="MR")
    noise = np.random.default_rng(1).normal(0, 40, SHAPE)
    turned = sagittal.with_voxels(np.moveaxis(mr.voxels + noise, 3, 1))
    ours, theirs = compare(turned, sagittal), compare(mr.with_voxels(mr.voxels + noise), mr)
    assert (ours.slice_axis, theirs.slice_axis) == (0, 2)
    assert ours.ssim == pytest.approx(theirs.ssim, abs=1e-9)
    assert ours.hf_power == pytest.approx(theirs.hf_power, rel=1e-9)


def test_channels_are_pooled(mr):
    two = scan(np.concatenate([mr.voxels, mr.voxels]), modality="MR")
    off = two.with_voxels(two.voxels + np.array([0, 10]).reshape(2, 1, 1, 1))
    scores = compare(off, two)
    assert scores.rmse == pytest.approx(10 / np.sqrt(2), rel=1e-5)
    assert scores.voxels == 2 * compare(mr, mr).voxels


def test_scans_that_do_not_share_a_grid_are_refused(mr):
    with pytest.raises(GridMismatch):
        compare(Volume(mr.voxels, np.eye(4)), mr)


def test_what_cannot_be_scored_is_refused(mr):
    with pytest.raises(
        RequestProblem, match=r"choose from medddim, mr, ct.*; did you mean monai\?"
    ):
        compare(mr, mr, protocol="mona")
    with pytest.raises(ScoreError, match="signal"):
        compare(mr, mr.with_voxels(np.zeros(SHAPE)))


def test_scores_say_their_terms_and_fit_into_json(mr, ct):
    noisy = mr.with_voxels(mr.voxels + np.random.default_rng(1).normal(0, 40, SHAPE))
    scores = compare(noisy, mr)
    shown = repr(scores)
    assert shown.startswith(f"Scores(psnr {scores.psnr_db:.1f} dB · ssim 0.")
    assert shown.endswith(f"range 0–{scores.data_range:.4g} · foreground)")
    assert "range -160–240 HU · body" in repr(compare(ct, ct))
    perfect = compare(mr, mr).as_dict()
    assert perfect["psnr_db"] is None
    assert json.loads(json.dumps(perfect, allow_nan=False))["rmse"] == 0.0
    assert isinstance(scores, Scores)
    assert psnr(noisy.voxels, mr.voxels, data_range=scores.data_range) != scores.psnr_db
