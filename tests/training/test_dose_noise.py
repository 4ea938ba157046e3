"""The noise of many doses, from that of a few."""

import numpy as np
import pytest

from medddim.degradation.low_dose import PHOTONS_PER_MM2, slice_noise
from medddim.training.dose_noise import DOSES, between, excess
from tests.degradation.test_low_dose import CENTRE, PIXEL_MM, THICKNESS_MM, water


def test_excess_goes_from_the_highest_dose_to_the_lowest():
    times = excess((0.1, 0.5))
    assert len(times) == DOSES
    assert times[[0, -1]] == pytest.approx([1, 3])
    assert np.all(np.diff(times) > 0)


def test_between_are_the_two_neighbours_in_shares():
    points = np.array([1.0, 2.0, 4.0])
    shares = between(np.array([1.0, 1.5, 3.5, 4.0]), points)
    assert shares.T == pytest.approx(
        np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.25, 0.75], [0, 0, 1]])
    )
    assert between(np.array([2.0]), np.full(4, 2.0)).sum() == pytest.approx(1)


@pytest.mark.parametrize("photons", [PHOTONS_PER_MM2, 0.1 * PHOTONS_PER_MM2])
@pytest.mark.parametrize("dose", [0.4, 0.25, 0.1, 0.03])
def test_a_dose_between_has_the_noise_it_should(dose, photons):
    times = excess((0.025, 0.6))
    fractions = [*(1 / (1 + times**2)), dose]
    how = {"photons_per_mm2": photons, "voxel_mm": (PIXEL_MM, THICKNESS_MM)}
    *made, exact = slice_noise(water(), fractions, np.random.default_rng(0), **how)
    shares = between(np.array([np.sqrt(1 / dose - 1)]), times)
    mixed = np.tensordot(shares[:, 0], made, 1)
    assert mixed[CENTRE].std() == pytest.approx(exact[CENTRE].std(), rel=0.12)
    assert np.corrcoef(mixed[CENTRE], exact[CENTRE])[0, 1] > 0.99
