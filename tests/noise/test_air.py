"""What air tells of the noise, and when all of it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.noise import noise_passport
from medddim.noise.air import Air, bears_out, rayleigh_share
from medddim.noise.belief import believed
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


def air_of(blocks, known=1.0, left_out=False):
    return Air(blocks, np.broadcast_to(known, len(blocks)), left_out)


@pytest.mark.parametrize("blur", [0, 1])
def test_air_tells_the_noise_however_it_is_correlated(blur):
    assert rayleigh_share(air_of(blocks_of(blur=blur))) == pytest.approx(LEVEL, rel=0.03)


def test_air_that_was_rounded_tells_the_noise():
    assert rayleigh_share(air_of(np.round(blocks_of()))) == pytest.approx(LEVEL, rel=0.03)


def test_ghosts_in_a_twentieth_of_air_do_not_matter():
    ghosts = blocks_of(levels=np.repeat([1, 8], [380, 20]))
    assert rayleigh_share(air_of(ghosts)) == pytest.approx(LEVEL, rel=0.06)


def test_air_bears_out_a_map_that_it_follows():
    levels = np.linspace(1, 2, 400)
    assert bears_out(air_of(blocks_of(levels=levels), levels))
    assert not bears_out(air_of(blocks_of(), levels))
    assert bears_out(air_of(blocks_of(), 1.0))
    assert bears_out(air_of(np.empty((0, 1)), np.empty(0)))


@pytest.mark.parametrize(
    "air",
    [
        air_of(blocks_of(coils=4)),
        air_of(blocks_of(levels=np.repeat([0.6, 1.4], 200))),  # weighted by the coils
        air_of(blocks_of(levels=np.repeat([1, 4], [250, 150]))),  # ghosts
        air_of(blocks_of(), left_out=True),
        air_of(np.empty((0, 1)), np.empty(0)),
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
    """Of more noise than the object shows, half of the logarithm; maps it lacks are flat."""
    square = np.zeros((1, 128, 128, 8))
    square[:, 32:96, 32:96] = 800
    slabs = Slabs.of(acquired(Volume(square, np.diag([1, 1, 4, 1]), "MR"), 40.0)[0])
    flat = np.full((1, 1, 1), 32, np.float32)
    uneven = flat * np.linspace(1, 1.4, 12, dtype=np.float32)[:, None]
    nothing = ((0.0, 0.0, 0.0),) * 2
    for one, fits, share in ((flat, True, 1.25**0.5), (flat, False, 1.25), (uneven, False, 1.25)):
        found, is_flat = believed(slabs, 32.0, one, nothing, False, fits)
        assert found == pytest.approx(share, rel=0.05)
        assert is_flat == (one is uneven)
