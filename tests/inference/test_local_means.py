"""Local means by boxes: those of scipy, but where nothing counts."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, uniform_filter

from medddim.inference import local_means
from medddim.inference.local_means import LocalMeans, boxes_of, even, gaussian

SHAPES = [(24, 20, 12), (3, 40, 9), (1, 9, 30), (2, 2, 2)]


def drawn(shape, seed=0):
    return np.random.default_rng(seed).random(shape, dtype=np.float32)


def means(weight, kernels, *factors):
    found = np.zeros(factors[0].shape, np.float32)
    for box in boxes_of(factors[0], weight):
        found[box] = LocalMeans(weight, kernels, box).of(*factors)
    return found


@pytest.fixture(autouse=True)
def small_boxes(monkeypatch):
    monkeypatch.setattr(local_means, "PART", 600)


@pytest.mark.parametrize("shape", SHAPES)
def test_they_are_those_of_the_filters_of_scipy(shape):
    image, sd = drawn(shape), (1.4, 0.8, 0.2)
    expected = gaussian_filter(image, sd, truncate=2.0)
    found = means(None, [gaussian(one, 2.0) for one in sd], image)
    assert np.abs(found - expected).max() < 5e-7
    expected = uniform_filter(image, (15, 5, 1))
    assert np.abs(means(None, [even(15), even(5), even(1)], image) - expected).max() < 5e-7


@pytest.mark.parametrize("shape", SHAPES)
def test_by_weight_they_are_the_filtered_product_over_the_filtered_weight(shape):
    image, other, weight = drawn(shape), drawn(shape, 1), drawn(shape, 2)
    weight[image < 0.6] = 0
    weight[:, : shape[1] // 3] = 0
    expected = gaussian_filter(image * other * weight, 1.4, truncate=2.0)
    expected /= np.maximum(gaussian_filter(weight, 1.4, truncate=2.0), 1e-3)
    found = means(weight, [gaussian(1.4, 2.0)] * 3, image, other)
    assert np.abs(found - expected)[weight > 0].max(initial=0) < 2e-6


def test_boxes_hold_all_weight_once_and_no_empty_layer():
    weight = np.zeros((20, 16, 12), np.float32)
    weight[3:9, 4:10, 2:5] = weight[15, 3, 3] = 1
    held = np.zeros(weight.shape, int)
    for box in boxes_of(weight, weight):
        held[box] += 1
    assert held.max() == 1
    assert held[weight > 0].all()
    assert not held[:, 10:].any()
    assert not list(boxes_of(weight, np.zeros_like(weight)))


def test_the_bits_of_a_voxel_are_those_of_any_part_of_the_image():
    image, weight = drawn((30, 14, 10)), drawn((30, 14, 10), 1)
    kernels = [gaussian(1.4, 2.0), even(3), gaussian(0.8, 2.0)]
    whole = means(weight, kernels, image)
    part = means(weight[4:20], kernels, image[4:20])
    assert np.array_equal(part[3:-3], whole[7:17])
