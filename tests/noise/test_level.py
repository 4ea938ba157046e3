"""The level of noise, from the details of a scan."""

import numpy as np
import pytest

from medddim.noise.level import median


@pytest.mark.parametrize("count", [1, 2, 31, 32, 1001])
def test_the_median_is_that_of_numpy(count):
    values = np.random.default_rng(0).standard_normal((count, 1)).astype(np.float32)
    assert median(values) == np.median(values)
