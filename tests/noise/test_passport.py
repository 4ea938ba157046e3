"""The passport against noise that was put in."""

import json

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import medddim as md
from medddim.noise import AxisFilter, level_map, noise_passport
from medddim.noise.filters import PlaneFilter
from medddim.volume import Volume
from tests.noise.acquisition import acquired, gaussian
from tests.phantoms import head, textured

SHAPE = (192, 160, 8)
NONE = AxisFilter()
FILTERS = [
    (NONE, NONE),
    (AxisFilter(share=0.65), NONE),
    (gaussian(1.5), gaussian(1.0, share=0.75)),
    (AxisFilter(roll=1.0, share=0.75), NONE),
    (gaussian(2.25), gaussian(2.25)),
]


@pytest.mark.parametrize("within", FILTERS, ids=str)
@pytest.mark.parametrize("share", [0.05, 0.10])
@pytest.mark.daily(2)
def test_level_share_and_correlation_of_an_acquisition(within, share):
    scan = head(SHAPE)
    sigma = share * np.percentile(scan.voxels, 99.5)
    found = noise_passport(acquired(scan, sigma, *within)[0])
    assert found.level == pytest.approx(sigma, rel=0.1)
    for axis, one in enumerate(within):
        assert found.correlation[axis] == pytest.approx(one.correlation[:2], abs=0.05)
        assert found.measured_share[axis] == pytest.approx(one.share, abs=0.035)
    assert found.correlation[2] == pytest.approx((0, 0), abs=0.06)
    assert found.fits, found.reason


@pytest.mark.daily(1)
@pytest.mark.parametrize("share", [0.03, 0.05])
def test_k_space_filtered_in_the_round(share):
    scan = head(SHAPE)
    sigma = share * np.percentile(scan.voxels, 99.5)
    around = PlaneFilter(NONE, NONE, radius=1.1, width=0.06)
    found = noise_passport(acquired(scan, sigma, around=around)[0])
    assert found.level == pytest.approx(sigma, rel=0.12)
    for axis in (0, 1):
        assert found.correlation[axis] == pytest.approx(around.correlation[axis][:2], abs=0.05)


def test_a_matrix_of_80_shown_as_128():
    scan = head((128, 128, 6))
    taken = AxisFilter(share=0.625)
    found = noise_passport(acquired(scan, 40.0, taken, taken)[0])
    assert found.measured_share == pytest.approx((0.625, 0.625, 1), abs=0.03)
    assert found.taper[:2] == pytest.approx((0, 0), abs=0.6)


def test_the_map_follows_a_level_that_varies():
    scan = head(SHAPE)
    x, y = np.linspace(-1, 1, 192)[:, None, None], np.linspace(-1, 1, 160)[:, None]
    level = 1 + 1.5 * np.exp(-((x - 0.2) ** 2 + (y + 0.1) ** 2) / 0.2) + np.zeros(SHAPE)
    noisy = acquired(scan, 20.0, gaussian(1.5), NONE, level=level)[0]
    found = noise_passport(noisy)
    inside = scan.voxels[0] > 200
    assert found.level_map.shape == SHAPE
    assert np.corrcoef(found.level_map[inside], level[inside])[0, 1] > 0.9
    assert np.median(found.level_map[inside]) == pytest.approx(found.level, rel=0.1)
    assert found.level == pytest.approx(20 * np.median(level[inside]), rel=0.15)


def test_the_map_is_flat_where_the_level_is():
    scan = head((96, 96, 96))
    sigma = 0.05 * np.percentile(scan.voxels, 99.5)
    strong = gaussian(2.0, share=0.65)
    found = noise_passport(acquired(scan, sigma, strong, strong, strong)[0])
    inside = scan.voxels[0] > 200
    assert np.std(found.level_map[inside]) < 0.05 * found.level
    assert np.ptp(found.level_map) < 0.25 * found.level


def test_noise_of_a_thick_slice_scan_turned_and_scaled():
    scan, _ = acquired(head((160, 144, 8)), 40.0, gaussian(1.5), NONE)
    turned = Volume(37 * scan.voxels.transpose(0, 3, 1, 2), scan.affine[:, [2, 0, 1, 3]], "MR")
    plain, found = noise_passport(scan), noise_passport(turned)
    assert found.level == pytest.approx(37 * plain.level, rel=0.01)
    assert found.correlation[1] == pytest.approx(plain.correlation[0], abs=0.01)


def test_slices_of_a_three_dimensional_scan_hang_together():
    scan = head((96, 96, 96), spacing_mm=(1.0, 1.0, 1.2))
    across = AxisFilter(share=0.6)
    found = noise_passport(acquired(scan, 40.0, NONE, NONE, across)[0])
    assert found.measured_share[2] == pytest.approx(0.6, abs=0.04)
    assert found.correlation[2] == pytest.approx(across.correlation[:2], abs=0.05)


def test_thick_slices_that_look_alike_are_not_correlated():
    """Rims and ringing of a phantom are the same in each slice: that is no noise."""
    scan = head((96, 96, 8), spacing_mm=(1.0, 1.0, 10.0))
    fine = np.random.default_rng(5).normal(0, 30, (96, 96, 1)) * (scan.voxels[0] > 0)
    noisy = acquired(scan.with_voxels(np.maximum(scan.voxels + fine, 0)), 10.0, NONE, NONE)[0]
    assert noise_passport(noisy).correlation[2] == (0, 0)
    thin = Volume(noisy.voxels, np.diag([1, 1, 1.5, 1]), "MR")
    assert noise_passport(thin).correlation[2][0] > 0.5


def test_a_narrow_slab_of_a_three_dimensional_scan_is_read_across_its_narrow_axis():
    scan = head((20, 160, 144), spacing_mm=(1.0, 1.0, 1.0))
    sigma = 0.08 * np.percentile(scan.voxels, 99.5)
    within = AxisFilter(share=0.65)
    found = noise_passport(acquired(scan, sigma, NONE, within, gaussian(1.5))[0])
    assert found.level == pytest.approx(sigma, rel=0.1)
    assert found.measured_share[1] == pytest.approx(0.65, abs=0.03)
    assert found.correlation[1] == pytest.approx(within.correlation[:2], abs=0.05)
    assert found.correlation[2] == pytest.approx(gaussian(1.5).correlation[:2], abs=0.05)
    assert found.correlation[0][0] == pytest.approx(0, abs=0.06)
    assert found.level_map.shape == scan.shape


def test_volumes_of_a_series_count_together():
    one = [acquired(head((96, 88, 6)), 40.0, gaussian(1.5), NONE, seed=s)[0] for s in range(3)]
    series = one[0].with_voxels(np.concatenate([scan.voxels for scan in one]))
    assert noise_passport(series).level == pytest.approx(40, rel=0.1)


def test_volumes_of_a_series_differ_by_their_noise_alone():
    rough = head((96, 88, 6))
    texture = np.random.default_rng(9).normal(0, 60, rough.shape)
    rough = rough.with_voxels(np.maximum(rough.voxels + texture * (rough.voxels > 0), 0))
    one = [acquired(rough, 20.0, NONE, NONE, seed=s)[0] for s in range(3)]
    series = one[0].with_voxels(np.concatenate([scan.voxels for scan in one]))
    assert noise_passport(one[0]).level > 40
    assert noise_passport(series).level == pytest.approx(20, rel=0.1)
    same = one[0].with_voxels(np.concatenate([one[0].voxels] * 2))
    assert noise_passport(same).level == pytest.approx(noise_passport(one[0]).level, rel=0.1)


def test_air_judges_what_was_read_in_fine_anatomy():
    scan = head((160, 160, 6))
    places = np.random.default_rng(9).random(scan.shape) < 0.05
    scan = scan.with_voxels(scan.voxels * (1 + 0.2 * places))
    found = noise_passport(acquired(scan, 10.0, NONE, NONE)[0])
    assert not found.fits
    assert found.level == pytest.approx(10, rel=0.25)


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e6])
@pytest.mark.parametrize("shape", [(1, 1, 1), (64, 64, 1), (64, 64, 4)])
def test_a_constant_scan_has_no_noise(value, shape):
    found = noise_passport(Volume(np.full((1, *shape), value), np.eye(4)))
    assert found.level == 0
    assert (found.level_map == 0).all()
    assert not found.fits


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (2, 1, 1), (1, 5, 1), (2, 2, 1), (3, 2, 2), (4, 4, 4), (9, 60, 2)]
)
def test_tiny_scans_have_a_passport(shape):
    found = noise_passport(textured(shape))
    assert np.isfinite(found.level)
    assert found.level_map.shape == shape
    assert np.isfinite(found.level_map).all()
    assert not found.fits
    assert found.reason
    assert json.dumps(found.facts)
    assert found.reason in found.summary


def test_its_facts_and_its_summary_say_what_was_found():
    found = noise_passport(acquired(head(SHAPE), 40.0, AxisFilter(share=0.65), NONE)[0])
    facts = found.facts
    assert facts["level"] == pytest.approx(found.level, rel=1e-3)
    assert facts["measured_share"][0] == pytest.approx(0.65, abs=0.03)
    assert facts["fits"] is True
    assert np.array(facts["correlation"]).shape == (3, 2)
    assert "zero-filled along x: 65% of k-space was measured" in found.summary


def test_it_is_public():
    assert md.noise_passport is noise_passport
    assert md.NoisePassport is type(noise_passport(textured((4, 4, 4))))


def test_linear_algebra_is_done_by_one_thread(monkeypatch):
    """Its threads wait for each other where the cores are busy, beside a network for example."""
    seen, once = [], level_map._once

    def counted(*given):
        seen.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")
        return once(*given)

    monkeypatch.setattr(level_map, "_once", counted)
    with threadpool_limits(2, user_api="blas"):
        noise_passport(acquired(head((64, 64, 8)), 40.0)[0])
        after = {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}
    assert set(seen) == {1}
    assert after == {2}
