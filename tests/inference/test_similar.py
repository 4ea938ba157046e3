"""Means over voxels nearby that are alike."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from medddim.inference.blocks import block_sizes, similar_reach
from medddim.inference.similar import Similar, means_of_similar
from medddim.noise.filters import AxisFilter
from medddim.noise.rice import mean_of_signal
from medddim.training.filtered import restored

SHAPE, MM, SIZES = (24, 20, 22), (1.0, 1.0, 1.0), (8, 8, 8)
BRIGHT = 20.0
"""Of noise of 1: 5 %."""


def noise(sd, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(0, sd, shape).astype(np.float32)


def means(image, noise=1.0, scan=None, spacing_mm=MM, bright=BRIGHT):
    """Of an answer from which nothing of the scan is missing, unless another scan is given."""
    level = np.broadcast_to(np.float32(noise), image.shape)
    seen = mean_of_signal(image / level) * level if scan is None else scan
    return means_of_similar(image, seen.astype(np.float32), noise, spacing_mm, bright=bright)


def test_of_noise_left_in_even_tissue_a_tenth_stays():
    found = means(np.float32(20) + noise(0.2))
    assert np.std(found) < 0.15 * 0.2
    assert abs(found.mean() - 20) < 0.02


def test_an_edge_of_a_few_times_the_noise_stays_where_it_is():
    image = np.full(SHAPE, 20, np.float32)
    image[12:] = 25
    assert np.abs(means(image) - image).max() < 1e-4
    found = means(image + noise(0.3))
    assert abs(np.mean(found[12]) - 25) < 0.05
    assert abs(np.mean(found[11]) - 20) < 0.05


@pytest.mark.parametrize("sign", [1, -1])
def test_a_faint_small_structure_keeps_its_contrast(sign):
    image = np.full(SHAPE, 20, np.float32)
    image[11:13, 9:11, 10:12] += sign * 3
    assert abs(means(image)[11, 9, 10] - 20) > 0.95 * 3


def blurred_edge(generator):
    truth = np.full(SHAPE, 20, np.float32)
    truth[12:] = 35
    scan = np.hypot(truth + generator.standard_normal(SHAPE), generator.standard_normal(SHAPE))
    return truth, scan.astype(np.float32), gaussian_filter(truth, (0.8, 0, 0))


def test_what_an_answer_blurred_alike_along_an_edge_comes_back():
    truth, scan, answer = blurred_edge(np.random.default_rng(0))
    found = means(answer, scan=scan)
    assert error(found[10:14], truth[10:14]) < 0.15 * error(answer[10:14], truth[10:14])
    assert error(found[:8], truth[:8]) < 0.05


def test_noise_alike_over_many_voxels_does_not():
    """Where the scan is as good as the answer but for noise, hardly any of that comes back."""
    generator, truth = np.random.default_rng(0), np.full(SHAPE, 20, np.float32)
    error_2, kept = generator.standard_normal((2, *SHAPE)), AxisFilter(share=0.4)
    smooth = [gaussian_filter(one, 1.2) for one in error_2]
    along, across = (one / one.std() for one in smooth)
    scan = np.hypot(truth + along, across).astype(np.float32)
    white = means_of_similar(truth, scan, 1.0, MM, bright=BRIGHT)
    known = means_of_similar(truth, scan, 1.0, MM, bright=BRIGHT, filters=(kept,) * 3)
    assert error(known, truth) < 0.5 * error(white, truth)


def error(found, truth):
    return np.mean((found - truth) ** 2)


def test_more_is_alike_where_there_is_more_noise():
    image, level = np.float32(20) + noise(1), np.ones(SHAPE, np.float32)
    level[12:] = 3
    found = means(image, level)
    assert np.std(found[15:]) < 0.8 * np.std(found[:9])


def test_the_weaker_the_noise_the_more_counts_as_alike():
    """Four times as bright, with the same noise left: a quarter of the noise, twice the root."""
    image = np.float32(20) + noise(0.8)
    usual, weak = means(image), means(image, bright=4 * BRIGHT)
    assert np.std(weak) < 0.6 * np.std(usual)
    weaker, strong = (means(image, bright=times * BRIGHT) for times in (100, 0.01))
    assert np.std(weaker) < np.std(weak)
    assert np.std(strong) > np.std(usual)


def test_the_unit_does_not_matter():
    image = np.float32(20) + noise(0.5)
    scan = image + noise(1, seed=1)
    large = means(1e3 * image, 1e3, 1e3 * scan, bright=1e3 * BRIGHT)
    assert np.allclose(large, 1e3 * means(image, scan=scan), rtol=1e-4)


@pytest.mark.parametrize("spacing_mm", [MM, (1.0, 5.0, 1.0)])
def test_it_reaches_no_further_than_it_says(spacing_mm):
    image = np.float32(20) + noise(0.5)
    other = image.copy()
    other[12, 10, 11] += 0.3
    found = [means(one, scan=one, spacing_mm=spacing_mm) for one in (image, other)]
    changed = np.argwhere(found[0] != found[1])
    far = np.abs(changed - (12, 10, 11)).max(axis=0)
    sizes = block_sizes(SHAPE, spacing_mm)
    assert far.tolist() == [similar_reach(sizes, axis) for axis in range(3)]


def test_a_part_of_a_scan_has_the_means_of_the_whole():
    image = np.float32(20) + noise(0.5)
    part, inner = np.s_[4:, :15, 3:], np.s_[3:, :-3, 3:]
    alone, whole = means(image[part], scan=image[part]), means(image, scan=image)
    assert np.array_equal(alone[inner], whole[part][inner])


def test_gradients_are_those_of_means_with_these_weights():
    """The weights are no part of them: they are those of the image itself."""
    answer = torch.from_numpy(noise(0.5, (5, 6, 7))).double().requires_grad_()
    taken, weight = (torch.from_numpy(noise(1, (5, 6, 7), seed=seed)).double() for seed in (1, 2))
    share = torch.tensor(0.05)
    (weight * restored(answer, taken, 1.0, SIZES, share)).sum().backward()
    similar = Similar(answer.detach(), SIZES, share)
    _, weights, back = similar.learnt(taken, 1.0)
    for at in [(0, 0, 0), (2, 3, 4), (4, 5, 6)]:
        single = torch.zeros(5, 6, 7).double()
        single[at] = 1
        means = similar.sums(single) / weights
        assert torch.isclose(answer.grad[at], (weight * (1 - back) * means).sum())


def test_slices_are_averaged_within_themselves():
    image = np.float32(20) + noise(0.2)
    thick = means(image, spacing_mm=(1.0, 1.0, 5.0))
    for z in (0, 9):
        one = means(np.ascontiguousarray(image[..., z : z + 1]), spacing_mm=(1.0, 1.0, 5.0))
        assert np.array_equal(one[..., 0], thick[..., z])
    assert np.std(thick) < 0.25 * 0.2


def test_a_line_of_voxels_stays_as_it_is():
    image = np.float32(20) + noise(0.2, (9, 1, 1))
    assert np.isfinite(means(image)).all()
