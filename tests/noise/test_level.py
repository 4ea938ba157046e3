"""The level of noise, from the details of a scan."""

import numpy as np
import pytest

from medddim.noise.level import correlations


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_correlations_are_those_of_the_voxels_in_the_mask(axis):
    noise = np.random.default_rng(0).standard_normal((30, 31, 32)).astype(np.float32)
    even = np.random.default_rng(1).random(noise.shape) < 0.5
    alike = noise + 0.5 * np.roll(noise, 1, axis)  # correlated by 0.5 / 1.25 at 1, not beyond
    found = correlations(np.where(even, alike, 99), even, axis)
    assert found == pytest.approx((0.4, 0, 0), abs=0.03)
