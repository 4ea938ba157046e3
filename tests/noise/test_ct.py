"""The noise of CT: its level, and how it is correlated."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.noise import noise_passport
from medddim.noise.ct import tissue_correlation
from medddim.volume import Volume


def water(blur, *, sigma=12.0, shape=(160, 160, 6)):
    noise = gaussian_filter(np.random.default_rng(0).standard_normal(shape), (*blur, 0))
    return Volume((40 + sigma * noise / noise.std())[None], np.diag([1, 1, 3, 1]), "CT", "HU")


@pytest.mark.parametrize("blur", [(0, 0), (0.6, 0.6), (1.0, 0.5)])
def test_the_correlation_of_soft_tissue_is_measured(blur):
    found = noise_passport(water(blur))
    assert found.level == pytest.approx(12, rel=0.1)
    assert not found.fits
    wide = water(blur).voxels[0] - 40
    for axis in (0, 1):
        along = np.moveaxis(wide, axis, 0)
        for lag, read in enumerate(found.correlation[axis], 1):
            expected = (along[lag:] * along[:-lag]).mean() / wide.var()
            assert read == pytest.approx(expected, abs=0.05)


def test_without_soft_tissue_there_is_no_correlation():
    assert tissue_correlation(np.full((4, 96, 96), -1000, np.float32)) is None
    air = Volume(np.full((1, 96, 96, 4), -1000.0), np.eye(4), "CT", "HU")
    assert noise_passport(air).correlation == ((0, 0), (0, 0), (0, 0))
