"""Tiling: every slice once, with the right neighbours, whatever the batch."""

import pytest
import torch

from medddim.tiling import by_slices, neighbours, slice_batches


@pytest.mark.parametrize(
    ("centre", "slices", "expected"),
    [
        (0, 1, [0]),
        (0, 3, [0, 0, 1]),
        (2, 3, [1, 2, 3]),
        (4, 3, [3, 4, 4]),
        (1, 5, [0, 0, 1, 2, 3]),
    ],
)
def test_neighbours_repeat_the_end_slices(centre, slices, expected):
    assert neighbours(centre, slices=slices, count=5) == expected


def test_a_single_slice_is_its_own_neighbour():
    assert neighbours(0, slices=5, count=1) == [0] * 5


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
    padded = torch.cat([state[:1], state, state[-1:]])
    expected = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    answer = by_slices(mean, state, slices=3, batch=batch)
    assert torch.allclose(answer, expected, rtol=0, atol=1e-15)


def test_by_slices_cuts_a_second_image_alike():
    state, scan = torch.rand(5, 2, 2), torch.rand(5, 2, 2)
    answer = by_slices(lambda x, y: (y - x)[:, :1], state, scan, slices=1, batch=2)
    assert torch.equal(answer, scan - state)


def test_by_slices_answers_in_the_number_format_of_the_state():
    answer = by_slices(lambda x: mean(x).bfloat16(), torch.rand(3, 2, 2), slices=1, batch=2)
    assert answer.dtype == torch.float32
