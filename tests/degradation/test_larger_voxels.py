"""Lower resolution: means, their place in the world, and the way back."""

import numpy as np
import pytest
import torch

from medddim.degradation.larger_voxels import LargerVoxels, factors_to
from medddim.errors import MedddimError
from medddim.volume import Volume
from tests.phantoms import oblique, textured

FACTORS = [(1, 1, 4), (2, 2, 2), (1, 3, 1), (2, 1, 5), (1, 1, 1)]


def draw():
    return np.random.default_rng(0)


def scan(shape=(12, 18, 20), spacing_mm=(1.0, 0.9, 1.1)):
    return Volume(np.random.default_rng(1).random((1, *shape)), oblique(spacing_mm), "MR")


@pytest.mark.parametrize("factors", FACTORS)
def test_a_large_voxel_is_the_mean_of_those_it_covers(factors):
    fine = scan()
    coarse = LargerVoxels(factors)(fine, draw())
    for index in [(0, 0, 0), tuple(n - 1 for n in coarse.shape)]:
        box = tuple(slice(i * f, (i + 1) * f) for i, f in zip(index, factors, strict=True))
        assert coarse.voxels[(0, *index)] == pytest.approx(fine.voxels[0][box].mean(), rel=1e-5)
        centre = [i * f + (f - 1) / 2 for i, f in zip(index, factors, strict=True)]
        assert coarse.affine @ [*index, 1] == pytest.approx(fine.affine @ [*centre, 1])
    assert coarse.spacing_mm == pytest.approx(np.multiply(fine.spacing_mm, factors))


@pytest.mark.parametrize("factors", FACTORS)
def test_the_way_back_has_the_same_extent_and_the_same_means(factors):
    larger, coarse = LargerVoxels(factors), scan((5, 6, 7))
    fine = larger.finer(coarse)
    assert fine.shape == tuple(np.multiply(coarse.shape, factors))
    corners = [np.array([-0.5, -0.5, -0.5]), np.array(coarse.shape) - 0.5]
    for corner in corners:  # the borders of the voxels, not their centres, stay in place
        inside = (corner + 0.5) * factors - 0.5
        assert fine.affine @ [*inside, 1] == pytest.approx(coarse.affine @ [*corner, 1])
    again = larger(fine, draw())
    assert np.abs(again.voxels - coarse.voxels).max() < 1e-5
    again.require_same_grid(coarse)


def test_what_is_left_at_the_end_is_dropped():
    assert LargerVoxels((1, 4, 3))(scan((5, 18, 20)), draw()).shape == (5, 4, 6)


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_the_projection_is_one_and_the_nearest(library):
    """P P = P, and the change is orthogonal to every fine image without means."""
    larger, draws = LargerVoxels((2, 1, 4)), np.random.default_rng(2)
    fine, coarse = draws.random((6, 5, 8)), draws.random((3, 5, 2))
    if library == "torch":
        fine, coarse = torch.from_numpy(fine), torch.from_numpy(coarse)
    once = larger.consistent(fine, coarse)
    assert abs(larger.mean(once) - coarse).max() < 1e-12
    assert abs(larger.consistent(once, coarse) - once).max() < 1e-12
    free = draws.random((6, 5, 8))
    free = np.asarray(larger.consistent(free, np.zeros((3, 5, 2))))
    assert abs((np.asarray(once - fine) * free).sum()) < 1e-12


def test_a_magnitude_stays_one_and_consistent():
    larger, draws = LargerVoxels((2, 2, 2)), np.random.default_rng(3)
    coarse = draws.random((4, 4, 4)).astype(np.float32)
    coarse[0] = 0
    fine = draws.normal(0, 2, (8, 8, 8)).astype(np.float32)
    fine[2:4, :2, :2] = -1  # nothing positive to scale
    answer = larger.non_negative(fine, coarse)
    assert answer.min() >= 0
    assert np.abs(larger.mean(answer) - coarse).max() < 1e-6


def test_a_smooth_scan_is_interpolated_well():
    x = np.linspace(0, 2 * np.pi, 48)
    fine = np.sin(x)[:, None, None] * np.cos(x)[None, :, None] * np.ones(4)
    larger = LargerVoxels((4, 2, 1))
    middle = (slice(8, -8), slice(8, -8))
    error = larger.finer(Volume(larger.mean(fine)[None], np.eye(4))).voxels[0] - fine
    assert np.abs(error[middle]).max() < 0.01


@pytest.mark.parametrize("factors", [(0, 1, 1), (2, 2), (1, 1, -3)])
def test_impossible_factors_are_refused(factors):
    with pytest.raises(MedddimError, match="three whole factors"):
        LargerVoxels(factors)


def test_voxels_longer_than_the_scan_are_refused():
    with pytest.raises(MedddimError, match="exceed a scan"):
        LargerVoxels((1, 1, 30))(scan(), draw())


@pytest.mark.parametrize(
    ("spacing_mm", "factors"),
    [((0.75,), (1, 1, 4)), ((1.0, 1.0, 1.5), (1, 1, 2)), ((0.499, 0.5, 3.0), (2, 2, 1))],
)
def test_a_spacing_becomes_factors(spacing_mm, factors):
    thick = textured((8, 8, 4))
    thick = Volume(thick.voxels, np.diag([1.0, 1.0, 3.0, 1.0]))
    if spacing_mm == (0.75,):
        thick = Volume(thick.voxels, np.diag([0.75, 0.75, 3.0, 1.0]))
    assert factors_to(thick, spacing_mm) == factors
    if len(spacing_mm) == 1:
        assert factors_to(thick, spacing_mm[0]) == factors


@pytest.mark.parametrize(
    ("spacing_mm", "says"),
    [
        ((0.7,), "nearest that does is"),
        ((0.0,), "above 0 mm"),
        ((1.0, 1.0), "one spacing or three"),
        ("1", "a number as spacing_mm"),
    ],
)
def test_a_spacing_that_does_not_divide_names_the_nearest(spacing_mm, says):
    with pytest.raises(MedddimError, match=says):
        factors_to(Volume(np.ones((1, 4, 4, 4)), np.diag([1.0, 1.0, 3.0, 1.0])), spacing_mm)
