"""Tiling: every slice once, with the right neighbours, whatever the batch."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from medddim.inference.tiling import Tiling, by_blocks, by_slices, neighbours, slice_batches

WHOLE = Tiling(1000, halo=0, stride=1, batch=2)


@pytest.mark.parametrize(
    ("centre", "slices", "expected"),
    [
        (0, 1, [0]),
        (0, 3, [1, 0, 1]),
        (2, 3, [1, 2, 3]),
        (4, 3, [3, 4, 3]),
        (1, 5, [1, 0, 1, 2, 3]),
        (4, 5, [2, 3, 4, 3, 2]),
    ],
)
def test_neighbours_are_mirrored_at_the_ends(centre, slices, expected):
    assert neighbours(centre, slices=slices, count=5) == expected


def test_a_single_slice_is_its_own_neighbour():
    assert neighbours(0, slices=5, count=1) == [0] * 5
    assert neighbours(1, slices=7, count=2) == [0, 1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 50])
def test_batches_visit_every_slice_once_in_order(batch):
    visited = []
    for chosen, rows in slice_batches(7, slices=3, batch=batch):
        assert len(rows) == chosen.stop - chosen.start <= batch
        assert rows[:, 1].tolist() == list(range(chosen.start, chosen.stop))
        visited += rows[:, 1].tolist()
    assert visited == list(range(7))


def mean(stack):
    return stack.mean(dim=1, keepdim=True)


@pytest.mark.parametrize("batch", [1, 2, 4, 100])
def test_by_slices_gives_every_slice_its_own_neighbours_whatever_the_batch(batch):
    state = torch.rand(7, 4, 5, dtype=torch.float64)
    padded = torch.cat([state[1:2], state, state[-2:-1]])
    expected = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    answer = by_slices(mean, state, slices=3, tiling=replace(WHOLE, batch=batch))
    assert torch.allclose(answer, expected, rtol=0, atol=1e-15)


def test_a_slice_that_is_alone_is_seen_between_copies_moved_sideways():
    state = torch.rand(1, 4, 6)
    seen = []
    by_slices(lambda x: seen.append(x) or mean(x), state, slices=5, tiling=WHOLE, shift=2)
    for channel, by in enumerate((-4, -2, 0, 2, 4)):
        assert torch.equal(seen[0][0, channel], state[0].roll(by, -1))
    tiled = Tiling(2, halo=0, stride=1)
    answers = [by_slices(mean, state, slices=3, tiling=t, shift=2) for t in (WHOLE, tiled)]
    assert torch.equal(*answers)


def test_by_slices_cuts_a_second_image_alike():
    state, scan = torch.rand(5, 2, 2), torch.rand(5, 2, 2)
    answer = by_slices(lambda x, y: (y - x)[:, :1], state, scan, slices=1, tiling=WHOLE)
    assert torch.equal(answer, scan - state)


def test_by_slices_answers_in_the_number_format_of_the_state():
    answer = by_slices(lambda x: mean(x).bfloat16(), torch.rand(3, 2, 2), slices=1, tiling=WHOLE)
    assert answer.dtype == torch.float32


@pytest.mark.parametrize("size", [(1, 1), (7, 64), (33, 200), (97, 65)])
@pytest.mark.parametrize(("tile", "halo", "stride"), [(16, 8, 8), (20, 8, 4), (1, 0, 1), (5, 8, 8)])
def test_tiles_cover_every_voxel_once_on_the_grid_of_the_network(size, tile, halo, stride):
    covered = torch.zeros(size)
    for place, grown, inner in Tiling(tile, halo=halo, stride=stride).cuts(size):
        covered[place] += 1
        assert all(cut.start % stride == 0 for cut in grown)
        assert (
            torch.arange(covered.numel())
            .reshape(size)[grown][inner]
            .equal(torch.arange(covered.numel()).reshape(size)[place])
        )
        for cut, wide, n in zip(place, grown, size, strict=True):
            assert wide.start in (0, cut.start - halo)
            assert wide.stop in (n, cut.stop + halo)
    assert (covered == 1).all()


def blur(*stacks):
    """A mean over 5 voxels along every axis: reach 2, zeros beyond the border."""
    (stack,) = stacks
    dims = stack.ndim - 2
    weight = torch.full((1, 1, *[5] * dims), 5.0**-dims, dtype=stack.dtype)
    conv = functional.conv2d if dims == 2 else functional.conv3d
    return conv(stack, weight, padding=2)


@pytest.mark.parametrize("tile", [8, 12, 24])
def test_tiles_with_a_halo_give_the_whole_without_it_they_do_not(tile):
    image = torch.rand(19, 50, 37, dtype=torch.float64)
    tiling = Tiling(tile, halo=4, stride=4)
    blocks = by_blocks(blur, image, tiling=tiling)
    assert torch.allclose(blocks, blur(image[None, None])[0, 0], rtol=0, atol=1e-12)
    slices = by_slices(blur, image, slices=1, tiling=tiling)
    assert torch.allclose(slices, blur(image[:, None])[:, 0], rtol=0, atol=1e-12)
    seams = by_blocks(blur, image, tiling=replace(tiling, halo=0))
    assert (seams - blocks).abs().max() > 0.1


def test_blocks_of_a_second_image_are_cut_alike():
    one, other = torch.rand(9, 20, 5), torch.rand(9, 20, 5)
    answer = by_blocks(lambda x, y: y - x, one, other, tiling=Tiling(4, halo=2, stride=2))
    assert torch.equal(answer, other - one)


@pytest.mark.parametrize("tile", [4, 64])
def test_every_voxel_answered_is_reported_once(tile):
    voxels, image = [], torch.rand(9, 20, 5)
    tiling = Tiling(tile, halo=2, stride=2, batch=4)
    by_blocks(lambda x: x, image, tiling=tiling, done=voxels.append)
    assert sum(voxels) == image.numel()
    by_slices(lambda x: x, image, slices=1, tiling=tiling, done=voxels.append)
    assert sum(voxels) == 2 * image.numel()
