"""What air tells of the noise, and when all of it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.noise import noise_passport
from medddim.noise.air import Air, rayleigh_share
from medddim.volume import Volume

LEVEL = 3.0


def blocks_of(coils=1, blur=0.0, levels=1.0):
    channels = np.random.default_rng(0).standard_normal((2 * coils, 400, 8, 8))
    if blur:
        channels = gaussian_filter(channels, (0, 0, blur, blur), mode="wrap")
        channels /= channels.std()
    blocks = np.sqrt((channels**2).sum(0)).reshape(400, -1) * LEVEL
    return blocks * np.broadcast_to(levels, 400)[:, None]


@pytest.mark.parametrize("blur", [0, 1])
def test_the_mean_of_air_tells_the_noise_however_it_is_correlated(blur):
    assert rayleigh_share(Air(blocks_of(blur=blur), False)) == pytest.approx(LEVEL, rel=0.03)


@pytest.mark.parametrize(
    "air",
    [
        Air(blocks_of(coils=4), False),
        Air(blocks_of(levels=np.repeat([0.6, 1.4], 200)), False),  # weighted by the coils
        Air(blocks_of(levels=np.repeat([1, 4], [250, 150])), False),  # ghosts
        Air(blocks_of(), True),
        Air(np.empty((0, 1)), False),
    ],
)
def test_air_that_may_hold_less_or_more_than_the_noise_is_not_sure(air):
    assert np.isnan(rayleigh_share(air))


def test_sure_air_is_believed_where_anatomy_is_as_fine_as_noise():
    generator = np.random.default_rng(0)
    head = np.zeros((64, 64, 12))
    head[16:48, 16:48] = generator.uniform(300, 1000, (32, 32, 12))
    noise = generator.normal(0, 10, (2, *head.shape))
    found = noise_passport(Volume(np.hypot(head + noise[0], noise[1])[None], np.eye(4), "MR"))
    assert not found.fits
    assert found.level == pytest.approx(10, rel=0.05)
