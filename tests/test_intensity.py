"""Percentiles and medians are those of numpy, to the bit."""

import numpy as np
import pytest

from medddim.intensity import median, percentile


def values(count):
    return np.random.default_rng(count).standard_normal((count, 1)).astype(np.float32)


@pytest.mark.parametrize("count", [1, 2, 31, 32, 1001])
def test_the_median_is_that_of_numpy(count):
    assert median(values(count)) == np.median(values(count))


@pytest.mark.parametrize("share", [0, 0.5, 25, 50, 99.5, 100])
@pytest.mark.parametrize("count", [1, 2, 3, 32, 1001])
def test_a_percentile_is_that_of_numpy(count, share):
    found, wanted = percentile(values(count), share), np.percentile(values(count), share)
    assert (found, found.dtype) == (wanted, wanted.dtype)
    found, (wanted,) = (
        percentile(values(count), np.float64(share)),
        np.percentile(values(count), [share]),
    )
    assert (found, found.dtype) == (wanted, wanted.dtype)


def test_a_percentile_of_nan_is_nan():
    assert np.isnan(percentile(np.array([0.0, 1, np.nan, 2]), 50))
