"""What is taken of the scan, and what of the answer, in each cosine of a block."""

import numpy as np
import pytest
import torch

from medddim.inference.gains import gains_of

BLOCKS = (8, 8, 8), (8, 8, 2), (2, 8, 8)


def mixed(answer, scan, variance=1.0, *, shape=(8, 8, 8), power=None):
    """Of one block whose cosines `(y, z, x)` all hold these values."""
    gains = gains_of(np.ones(shape) if power is None else power)
    layout = (*gains.weak.shape[:3], 1)
    cosines = (torch.full(layout, float(value)) for value in (answer, scan))
    bright = 20 * min(float(variance), 1e30) ** 0.5
    return gains.mixed(*cosines, torch.tensor([float(variance)]), bright)[..., 0].numpy()


@pytest.mark.parametrize("shape", BLOCKS)
def test_strong_structure_is_that_of_the_scan(shape):
    assert np.allclose(mixed(300, 310, shape=shape), 310, atol=0.1)


@pytest.mark.parametrize("shape", BLOCKS)
def test_weak_structure_is_that_of_the_answer_and_the_finest_is_noise(shape):
    """Coarse cosines of an answer are better than those of a scan, 3 to its 0.5 being noise."""
    found = mixed(0.5, 3, shape=shape)
    order = [shape[1], shape[2], shape[0]]
    coarse, finest = (1 if order[0] > 2 else 0, 0, 1 if order[2] > 2 else 0), (-1, -1, -1)
    assert 0.1 < found[coarse] < 0.8
    assert 0 <= found[finest] < 0.4


def test_where_the_answer_has_nothing_nothing_is_taken():
    assert np.array_equal(mixed(0, 5), np.zeros((8, 8, 8)))


def test_nothing_is_left_where_the_noise_is_infinite():
    assert np.array_equal(mixed(7, 5, np.inf), np.zeros((8, 8, 8)))


@pytest.mark.parametrize("unit", [1e-4, 1e6])
def test_the_unit_of_the_scan_does_not_matter(unit):
    scaled = mixed(2 * unit, 3 * unit, unit**2)
    assert np.allclose(scaled / unit, mixed(2, 3), rtol=1e-4)


def block_of(fine):
    """The cosines of a block with this power at the finest, and with 1 elsewhere."""
    frequency = np.sqrt(sum(np.square(np.indices((8, 8, 8)) / 8)))
    return np.where(frequency > 0.95, fine, 1.0)


def kept_of_a_weak_cosine(fine, noise):
    """Of 0.5 times the noise, where the finest have so much power and the scan shows nothing."""
    cosines = torch.from_numpy(np.sqrt(block_of(fine))).float()
    cosines[5, 5, 5] = 0.5
    answer = noise * cosines.reshape(8, 8, 8, 1)
    gains, variance = gains_of(np.ones((8, 8, 8))), torch.tensor([noise**2])
    mixed = gains.mixed(answer, torch.zeros_like(answer), variance, 1.0)
    return float(mixed[5, 5, 5, 0] / (0.5 * noise))


def test_in_a_block_with_an_edge_fine_cosines_of_the_answer_are_kept():
    """Weak ones, too: an edge has some of its power everywhere."""
    assert kept_of_a_weak_cosine(0.02, 0.05) < 0.4
    assert kept_of_a_weak_cosine(2.0, 0.05) > 0.7


def test_of_weak_noise_an_answer_holds_more_and_that_is_no_edge():
    assert kept_of_a_weak_cosine(2.0, 0.005) < 0.4


def test_of_noise_in_few_cosines_less_of_the_answer_is_kept():
    """A network takes it for structure: its answer holds more of it."""
    power = np.full((8, 8, 8), 0.1)
    power[:4, :4, :4] = 7.3
    few = mixed(2.0, 2.0, power=power)[:4, :4, :4]
    assert few.mean() < 0.9 * mixed(2.0, 2.0)[:4, :4, :4].mean()


def test_gradients_reach_an_answer_that_is_zero():
    answer = torch.zeros((8, 8, 8, 1), requires_grad=True)
    gains_of(np.ones((8, 8, 8))).mixed(
        answer, torch.ones_like(answer), torch.ones(1), 20.0
    ).sum().backward()
    assert torch.isfinite(answer.grad).all()
