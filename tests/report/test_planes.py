"""Pictures the right way round, whatever the order of the voxel axes."""

from itertools import permutations

import numpy as np
import pytest

from medddim.report.planes import cuts, on_grid
from medddim.volume import Volume

SIZE = (10, 12, 14)


def marked(order, signs, *, towards):
    """A block with one bright face: the first voxels from the side `towards` (R, A or S)."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * (world + 1.0)
    voxels = np.ones([SIZE[world] for world in order])
    axis = order.index("RAS".index(towards))
    face = [slice(None)] * 3
    face[axis] = slice(-3, None) if signs[axis] > 0 else slice(0, 3)
    voxels[tuple(face)] = 9
    return Volume(voxels[None], affine)


SIGNS = [(1, 1, 1), (-1, -1, 1), (-1, 1, -1)]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("signs", SIGNS)
@pytest.mark.parametrize(
    ("plane", "letters", "shape"),
    [("axial", "RLAP", (12, 10)), ("coronal", "RLSI", (14, 10)), ("sagittal", "APSI", (14, 12))],
)
def test_the_letters_tell_the_truth(order, signs, plane, letters, shape):
    left, _, top, _ = letters
    for letter, edge in ((left, np.s_[:, :3]), (top, np.s_[:3, :])):
        volume = marked(order, signs, towards=letter)
        (cut,) = cuts(volume, planes=(plane,))
        picture = cut.of(volume.voxels[0])
        assert picture.shape == shape
        assert cut.letters == letters
        assert (picture[edge] == 9).all()
        assert picture.mean() < 4


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_plane_has_its_size_in_millimetres(order):
    volume = marked(order, (1, 1, 1), towards="R")
    sizes = {cut.plane: cut.size_mm for cut in cuts(volume)}
    assert sizes == {"axial": (10, 24), "coronal": (10, 42), "sagittal": (24, 42)}


def test_an_oblique_scan_uses_each_voxel_axis_once():
    third = np.deg2rad(44)
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(third), -np.sin(third)], [np.sin(third), np.cos(third)]]
    volume = Volume(np.ones((1, 4, 5, 6)), turn)
    for cut in cuts(volume):
        assert sorted((cut.across, cut.up, cut.through)) == [0, 1, 2]


def test_the_cut_goes_through_the_bright_part_and_flat_planes_are_left_out():
    voxels = np.zeros((1, 20, 20, 20))
    voxels[0, 2:5, 10:14, 15:18] = 1
    assert [cut.index for cut in cuts(Volume(voxels, np.eye(4)))] == [16, 12, 3]
    assert [cut.plane for cut in cuts(Volume(np.ones((1, 8, 8, 1)), np.eye(4)))] == ["axial"]


def test_on_grid_interpolates_in_the_world():
    x = np.arange(8, dtype=float)
    coarse = Volume(np.broadcast_to(x[:, None, None], (8, 6, 6))[None], np.eye(4))
    affine = np.diag([0.5, 1, 1, 1.0])
    affine[0, 3] = 1.0
    fine = Volume(np.zeros((1, 9, 6, 6)), affine)
    assert np.allclose(on_grid(coarse, like=fine)[:, 2, 2], 1 + 0.5 * np.arange(9))
    assert on_grid(coarse, like=coarse) is not None
    assert np.array_equal(on_grid(coarse, like=coarse), coarse.voxels[0])
