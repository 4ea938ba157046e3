"""What air tells of the noise, and when all of it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.noise import noise_passport
from medddim.noise.air import Air, rayleigh_share
from medddim.noise.passport import _believed
from medddim.noise.planes import Slabs
from medddim.volume import Volume
from tests.noise.acquisition import acquired, gaussian
from tests.phantoms import head

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


def test_air_of_strong_noise_is_as_bright_as_dark_tissue_and_counts_as_a_whole():
    scan = head((128, 128, 8))
    sigma = 0.12 * float(np.percentile(scan.voxels, 99.5))
    slabs = Slabs.of(acquired(scan, sigma, gaussian(1.5), gaussian(1.5))[0])
    air = Air.of(slabs, np.full((1, 1, 1), sigma, np.float32))
    assert not air.left_out
    assert rayleigh_share(air) == pytest.approx(1, rel=0.03)


def test_a_few_dark_places_of_an_object_are_not_air():
    voxels = np.random.default_rng(0).normal(500, 10, (128, 128, 6))
    voxels[40:56, 40:64] = np.random.default_rng(1).rayleigh(30, (16, 24, 6))  # 2 % of it
    slabs = Slabs.of(Volume(voxels[None], np.diag([1, 1, 4, 1]), "MR"))
    assert len(Air.of(slabs, np.full((1, 1, 1), 10, np.float32)).blocks) == 0


def test_sure_air_is_believed_where_the_filter_of_the_object_is_misread():
    """Where the map is flat it counts as it is, where it varies half of its logarithm."""
    square = np.zeros((1, 128, 128, 8))
    square[:, 32:96, 32:96] = 800
    slabs = Slabs.of(acquired(Volume(square, np.diag([1, 1, 4, 1]), "MR"), 40.0)[0])
    flat, uneven = np.full((1, 1, 1), 32, np.float32), np.full((12, 12, 1), 32, np.float32)
    uneven[3:9, 3:9] *= 2
    shares = [_believed(slabs, 32.0, one, ((0, 0, 0),) * 2, False, True) for one in (flat, uneven)]
    assert shares == pytest.approx([1.25, 1.25**0.5], rel=0.05)
