"""The Volume: immutable, in its place, and telling what it is."""

import copy
import itertools
import pickle

import numpy as np
import pytest

from medddim.errors import GridMismatch, RequestProblem, ScanError, UnreadableScan
from medddim.volume import Volume
from tests.phantoms import head, oblique


def blank(shape=(1, 4, 5, 6), affine=None, **facts):
    return Volume(np.zeros(shape), np.eye(4) if affine is None else affine, **facts)


def test_voxels_and_affine_are_read_only_copies():
    voxels, affine = np.ones((1, 2, 3, 4)), np.eye(4)
    volume = Volume(voxels, affine)
    voxels[:], affine[:] = 7, 7
    assert (volume.voxels == 1).all()
    assert np.array_equal(volume.affine, np.eye(4))
    assert volume.voxels.dtype == np.float32
    assert volume.affine.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        volume.voxels[0] = 2
    with pytest.raises(ValueError, match="read-only"):
        volume.affine[0] = 2


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_is_as_immutable(again):
    volume = again(blank(modality="MR", name="x"))
    assert not volume.voxels.flags.writeable
    assert not volume.affine.flags.writeable
    assert (volume.modality, volume.name) == ("MR", "x")


@pytest.mark.parametrize("shape", [(4, 5, 6), (1, 1, 4, 5, 6), (1, 0, 5, 6), ()])
def test_only_channel_and_three_axes_make_a_volume(shape):
    with pytest.raises(UnreadableScan, match="channel, x, y, z"):
        blank(shape)


def test_complex_voxels_are_refused():
    with pytest.raises(UnreadableScan, match="complex"):
        Volume(np.ones((1, 2, 2, 2), complex), np.eye(4))


@pytest.mark.parametrize("affine", [np.eye(3), np.full((4, 4), np.nan), np.diag([1, 1, np.inf, 1])])
def test_an_affine_has_to_be_finite_and_4x4(affine):
    with pytest.raises(UnreadableScan, match="finite 4x4"):
        blank(affine=affine)


def test_a_singular_affine_is_refused():
    with pytest.raises(UnreadableScan, match="singular"):
        blank(affine=np.diag([1.0, 1.0, 0.0, 1.0]))


def test_geometry_of_an_oblique_scan():
    volume = blank((2, 4, 5, 6), oblique((0.5, 0.75, 3.0)))
    assert volume.channels == 2
    assert volume.shape == (4, 5, 6)
    assert volume.spacing_mm == pytest.approx((0.5, 0.75, 3.0))
    assert volume.orientation == "RAS"


@pytest.mark.parametrize(
    ("columns", "letters"),
    [
        ([(-1, 0, 0), (0, -1, 0), (0, 0, 1)], "LPS"),
        ([(0, 1, 0), (0, 0, -1), (1, 0, 0)], "AIR"),
        ([(0.8, 0.6, 0), (-0.6, 0.8, 0), (0, 0, -1)], "RAI"),
    ],
)
def test_orientation_names_the_nearest_world_axis(columns, letters):
    affine = np.eye(4)
    affine[:3, :3] = np.transpose(columns)
    assert blank(affine=affine).orientation == letters


@pytest.mark.parametrize(
    ("shape", "spacing", "axis"),
    [
        ((9, 9, 9), (1, 1, 1), 2),
        ((9, 9, 9), (3, 1, 1), 0),
        ((9, 9, 9), (1, 3, 1), 1),
        ((9, 9, 9), (3, 3, 1), 2),
        ((9, 9, 9), (0.5, 0.8, 0.802), 0),
        ((9, 9, 9), (0.9, 0.45, 3), 2),
        ((9, 9, 9), (0.9, 3, 0.45), 1),
        ((9, 9, 9), (1, 1, 1.0001), 2),
        ((9, 9, 9), (1.0001, 1, 1), 2),
        ((9, 9, 1), (5, 5, 1), 2),
        ((1, 9, 9), (1, 1, 5), 0),
        ((1, 9, 1), (1, 1, 1), 2),
    ],
)
def test_the_slice_axis_is_the_single_or_that_of_square_pixels_or_the_widest(shape, spacing, axis):
    assert blank((1, *shape), np.diag([*spacing, 1.0])).slice_axis == axis


def test_new_voxels_keep_everything_else():
    scan = Volume(np.zeros((1, 2, 3, 4)), np.eye(4), "CT", "HU", source="header")
    new = scan.with_voxels(np.ones((3, 2, 3, 4)))
    assert new.channels == 3
    assert (new.modality, new.unit, new.source) == ("CT", "HU", "header")
    assert np.array_equal(new.affine, scan.affine)
    assert (scan.voxels == 0).all()


@pytest.mark.parametrize("shape", [(1, 2, 3, 5), (2, 3, 4), ()])
def test_new_voxels_have_to_lie_on_the_grid(shape):
    with pytest.raises(GridMismatch, match=r"shape \(channel, 2, 3, 4\)"):
        blank((1, 2, 3, 4)).with_voxels(np.ones(shape))


def test_one_grid_is_one_shape_and_one_place():
    scan = head()
    scan.require_same_grid(head())
    nudged, moved = scan.affine.copy(), scan.affine.copy()
    nudged[0, 3] += 0.0005
    moved[0, 3] += 0.005
    scan.require_same_grid(Volume(scan.voxels, nudged))
    with pytest.raises(GridMismatch, match=r"0\.005 mm apart"):
        scan.require_same_grid(Volume(scan.voxels, moved))
    with pytest.raises(GridMismatch, match="shape"):
        scan.require_same_grid(head((48, 44, 7)))


def test_one_place_in_another_orientation_is_said():
    scan = blank((1, 4, 5, 6), np.diag([2.0, 2.0, 3.0, 1.0]))
    flipped = np.diag([-2.0, 2.0, 3.0, 1.0])
    flipped[0, 3] = 6
    twin = blank((1, 4, 5, 6), flipped)
    with pytest.raises(GridMismatch, match="another order: RAS against LAS"):
        scan.require_same_grid(twin)
    turned = blank((1, 5, 4, 6), scan.affine[:, [1, 0, 2, 3]])
    with pytest.raises(GridMismatch, match="another order"):
        scan.require_same_grid(turned)
    with pytest.raises(GridMismatch, match="1 against 2 volumes"):
        scan.require_same_grid(blank((2, 4, 5, 6), scan.affine))


def test_a_small_rotation_counts_by_what_it_moves_at_the_far_corner():
    tilted = np.eye(4)
    tilted[0, 2] = 1e-4
    blank((1, 4, 5, 6)).require_same_grid(blank((1, 4, 5, 6), tilted))
    with pytest.raises(ScanError):
        blank((1, 4, 5, 60)).require_same_grid(blank((1, 4, 5, 60), tilted))


def test_its_repr_says_what_it_is_and_no_voxel():
    scan = Volume(np.zeros((1, 4, 5, 6)), np.diag([0.5, 0.5, 3, 1]), "CT", "HU")
    assert repr(scan) == "Volume(CT · 1×4×5×6 · 0.5×0.5×3 mm · RAS · HU)"
    assert repr(blank()) == "Volume(unknown modality · 1×4×5×6 · 1×1×1 mm · RAS · arbitrary unit)"


def test_every_axis_of_an_oblique_scan_has_a_letter_of_its_own():
    generator = np.random.default_rng(0)
    for _ in range(200):
        affine = np.eye(4)
        affine[:3, :3], _ = np.linalg.qr(generator.standard_normal((3, 3)))
        scan = blank(affine=affine)
        assert {*scan.orientation} in (
            set(letters) for letters in itertools.product("LR", "PA", "IS")
        )
        assert sorted(scan.axes_of_world) == [0, 1, 2]


def test_a_view_of_what_can_be_changed_is_copied():
    array = np.zeros((1, 2, 2, 2), np.float32)
    view = array.view()
    view.flags.writeable = False
    scan = Volume(view, np.eye(4))
    array[:] = 7
    assert (scan.voxels == 0).all()


@pytest.mark.parametrize(("share", "modality"), [(0.04, ""), (0.06, "CT")])
def test_a_silent_scan_with_air_in_hu_is_recognised_as_ct(share, modality):
    voxels = np.zeros((1, 10, 10, 10))
    voxels.reshape(-1)[: int(share * voxels.size)] = -990
    scan = Volume(voxels, np.eye(4)).recognised()
    assert (scan.modality, scan.unit) == (modality, "HU" if modality else "")
    assert Volume(voxels, np.eye(4), modality="MR").recognised().modality == "MR"


@pytest.mark.parametrize(
    "box",
    [(slice(2, 9), slice(1, None), slice(-3, None)), (slice(4),), (slice(None), slice(3, 4)), ()],
)
def test_a_part_of_a_scan_stays_in_its_place(box):
    scan = Volume(np.random.default_rng(0).random((2, 10, 9, 8)), oblique((1.0, 2.0, 3.0)), "MR")
    index = np.stack(np.meshgrid(*map(np.arange, scan.shape), indexing="ij"))
    world = np.tensordot(scan.affine[:3, :3], index, 1) + scan.affine[:3, 3, None, None, None]
    part = scan.crop(*box)
    assert np.array_equal(part.voxels, scan.voxels[(slice(None), *box)])
    assert part.affine @ [0, 0, 0, 1] == pytest.approx([*world[(slice(None), *box)][:, 0, 0, 0], 1])
    assert np.array_equal(part.affine[:, :3], scan.affine[:, :3])
    assert (part.modality, part.channels) == ("MR", 2)


@pytest.mark.parametrize(
    "box", [(slice(0, 4, 2),), (slice(3, 3),), (slice(None, None, -1),), (slice(1),) * 4]
)
def test_a_part_that_is_none_is_refused(box):
    with pytest.raises(RequestProblem, match="up to three slices"):
        blank().crop(*box)
