"""Thick slices: averages, in the right place."""

import numpy as np
import pytest

from medddim.degradation import ThickSlices
from medddim.errors import MedddimError
from medddim.volume import Volume
from tests.phantoms import oblique, textured

SPACING = (0.9, 1.1, 2.0)


def thicken(volume, **parameters):
    return ThickSlices(**parameters)(volume, np.random.default_rng(0))


def scan(voxels, spacing_mm=SPACING):
    return Volume(np.asarray(voxels, dtype=np.float32), oblique(spacing_mm))


def world(volume):
    """World coordinates of every voxel centre, `(3, x, y, z)`."""
    index = np.indices(volume.shape).reshape(3, -1)
    points = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    return points.reshape(3, *volume.shape)


def ramp(volume):
    """A linear function of the place in the world, nowhere constant along an axis."""
    return np.tensordot([0.5, -0.25, 2.0], world(volume), 1)[None]


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
def test_whole_multiples_are_plain_averages(factor):
    volume = textured((5, 6, 12))
    result = thicken(volume, thickness_mm=3.0 * factor)
    plain = volume.voxels.reshape(1, 5, 6, 12 // factor, factor).mean(axis=-1)
    assert np.allclose(result.voxels, plain, rtol=1e-6)
    assert result.voxels.mean() == pytest.approx(volume.voxels.mean(), rel=1e-6)


@pytest.mark.parametrize("profile", ["box", "gaussian"])
def test_the_scans_own_thickness_changes_nothing(profile):
    volume = textured()
    result = thicken(volume, thickness_mm=3.0, profile=profile)
    volume.require_same_grid(result)
    assert np.allclose(result.voxels, volume.voxels, rtol=1e-6)


def test_the_affine_is_exact():
    volume = scan(np.zeros((1, 4, 5, 30)))
    result = thicken(volume, thickness_mm=5.0, gap_mm=1.0)
    direction = volume.affine[:3, 2] / 2.0
    assert result.spacing_mm == pytest.approx((0.9, 1.1, 6.0))
    assert np.allclose(result.affine[:3, 2], 6.0 * direction, atol=1e-12)
    # From the border of the scan, 1 mm before its first centre, half a thickness on.
    assert np.allclose(result.affine[:3, 3], volume.affine[:3, 3] + 1.5 * direction, atol=1e-12)
    assert np.array_equal(result.affine[:, :2], volume.affine[:, :2])
    assert result.shape == (4, 5, 10)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_any_axis_may_be_the_slice_axis(axis):
    spacing = np.ones(3)
    spacing[axis] = 2.0
    shape = np.full(3, 5)
    shape[axis] = 9
    volume = scan(np.zeros((1, *shape)), tuple(spacing))
    result = thicken(volume.with_voxels(ramp(volume)), thickness_mm=4.0)
    expected = shape.copy()
    expected[axis] = 4
    assert result.shape == tuple(expected)
    assert np.allclose(result.voxels, ramp(result), atol=1e-3)


@pytest.mark.parametrize("gap", [0.0, 0.7, 3.0])
@pytest.mark.parametrize("thickness", [2.0, 2.5, 3.0, 4.0, 5.37, 6.0, 9.1])
def test_a_ramp_in_the_world_is_the_same_ramp_at_the_new_centres(thickness, gap):
    volume = scan(np.zeros((1, 4, 5, 30)))
    result = thicken(volume.with_voxels(ramp(volume)), thickness_mm=thickness, gap_mm=gap)
    assert np.allclose(result.voxels, ramp(result), atol=1e-3)


@pytest.mark.parametrize("thickness", [2.0, 3.0, 4.0, 5.37])
def test_a_gaussian_keeps_the_ramp_away_from_the_ends(thickness):
    volume = scan(np.zeros((1, 4, 5, 60)))
    result = thicken(
        volume.with_voxels(ramp(volume)), thickness_mm=thickness, profile="gaussian", gap_mm=0.7
    )
    inner = (..., slice(3, -3))
    assert np.allclose(result.voxels[inner], ramp(result)[inner], atol=1e-3)


@pytest.mark.parametrize("profile", ["box", "gaussian"])
@pytest.mark.parametrize("thickness", [2.0, 3.3, 8.0])
def test_a_constant_stays_constant(profile, thickness):
    volume = scan(np.full((2, 4, 5, 16), 300.0))
    result = thicken(volume, thickness_mm=thickness, profile=profile, gap_mm=0.5)
    assert np.allclose(result.voxels, 300.0, rtol=1e-6)


@pytest.mark.parametrize("profile", ["box", "gaussian"])
@pytest.mark.parametrize("thickness", [2.0, 2.9, 6.0, 7.7, 32.0])
def test_weights_of_a_slice_sum_to_1(profile, thickness):
    matrix = ThickSlices(thickness, profile).matrix(16, spacing_mm=2.0)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("thickness", [3.0, 5.0, 8.0])
def test_a_gaussian_has_its_thickness_as_width_at_half_maximum(thickness):
    """Variances add: that of the scan's own profile and that of the blur make the whole."""
    matrix = ThickSlices(thickness, "gaussian").matrix(101, spacing_mm=1.0)
    weights, place = matrix[len(matrix) // 2], np.arange(101)
    mean = weights @ place
    variance = weights @ (place - mean) ** 2
    expected = (thickness**2 - 1) / (8 * np.log(2))
    assert variance == pytest.approx(expected, rel=0.02)


def test_an_average_stays_within_what_it_averages():
    voxels = np.zeros((1, 3, 3, 20))
    voxels[..., 9:11] = 1000.0
    result = thicken(scan(voxels), thickness_mm=2.7)
    assert result.voxels.min() >= 0
    assert result.voxels.max() <= 1000


def test_what_is_left_at_the_end_is_dropped_and_rounded_headers_lose_no_slice():
    assert thicken(scan(np.zeros((1, 2, 2, 11))), thickness_mm=8.0).shape[2] == 2
    rounded = scan(np.zeros((1, 2, 2, 12)), (1.0, 1.0, 1.9999))
    assert thicken(rounded, thickness_mm=8.0).shape[2] == 3
    assert thicken(rounded, thickness_mm=1.9998).shape[2] == 12


@pytest.mark.parametrize("thickness", [0.5, 1.9, 25.0])
def test_thinner_than_the_scan_or_thicker_than_all_of_it_is_refused(thickness):
    with pytest.raises(MedddimError, match=rf"from 2 mm.* to 24 mm.*found {thickness:g} mm"):
        thicken(scan(np.zeros((1, 2, 2, 12))), thickness_mm=thickness)


def test_a_single_slice_has_no_thicker_one():
    with pytest.raises(MedddimError):
        thicken(scan(np.zeros((1, 4, 4, 1))), thickness_mm=4.0)
