"""The level of noise, from the details of a scan."""

import numpy as np
import pytest

from medddim.degradation.kspace import KSpaceAxis, noise_gain
from medddim.degradation.mr_scanner import acquire
from medddim.noise import noise_passport
from medddim.noise.filters import AxisFilter, PlaneFilter
from medddim.noise.level import Whitened, correlations
from medddim.volume import Volume
from tests.phantoms import head


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_correlations_are_those_of_the_voxels_in_the_mask(axis):
    noise = np.random.default_rng(0).standard_normal((30, 31, 32)).astype(np.float32)
    even = np.random.default_rng(1).random(noise.shape) < 0.5
    alike = noise + 0.5 * np.roll(noise, 1, axis)  # correlated by 0.5 / 1.25 at 1, not beyond
    found = correlations(np.where(even, alike, 99), even, axis)
    assert found == pytest.approx((0.4, 0, 0), abs=0.03)


@pytest.mark.parametrize("taper", [0.0, 1.5])
@pytest.mark.parametrize("share", [0.65, 0.75])
def test_the_last_line_of_k_space_which_has_no_partner_does_not_count(share, taper):
    """Of an even number of measured lines the last is on one side alone: half of it is seen."""
    image = np.full((32, 64, 64), 500, np.float32)
    axis = KSpaceAxis(share, "gaussian", taper)
    responses = [np.ones(32, np.float32), axis.response(64), axis.response(64)]
    assert noise_gain(responses) < 1
    noisy, _ = acquire(image, responses, 10.0, generator=np.random.default_rng(0))
    within = AxisFilter(share=round(share * 32) / 32, gauss=taper)
    white = Whitened.of(noisy, PlaneFilter(within, within))
    level, _, even = white.level()
    assert level == pytest.approx(10, rel=0.02)
    assert np.abs(white.whiteness(even)).max() < 0.06


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_partial_fourier_of_five_eighths_behind_a_strong_filter(share):
    scan = head((256, 224, 8))
    plane = KSpaceAxis(0.75, "gaussian", 2), KSpaceAxis(0.65, "gaussian", 2, partial=0.625)
    responses = [a.response(n) for a, n in zip((*plane, KSpaceAxis()), scan.shape, strict=True)]
    sigma = share * float(np.percentile(scan.voxels, 99.5))
    noisy, _ = acquire(scan.voxels[0], responses, sigma, generator=np.random.default_rng(0))
    found = noise_passport(scan.with_voxels(noisy[None]))
    assert found.filters[1].half_from == 0.25
    assert found.level == pytest.approx(sigma, rel=0.07)


def test_a_small_cube_of_a_volumetric_scan_without_air():
    x, y, z = np.meshgrid(*[np.linspace(0, 2 * np.pi, 64)] * 3, indexing="ij")
    cube = (600 + 100 * np.sin(x) * np.cos(2 * y) + 50 * np.sin(3 * z + y)).astype(np.float32)
    axes = [KSpaceAxis(share, "gaussian", 2.25) for share in (0.75, 0.65, 0.55)]
    responses = [axis.response(64) for axis in axes]
    noisy, _ = acquire(cube, responses, 40.0, generator=np.random.default_rng(0))
    found = noise_passport(Volume(noisy[None], np.eye(4), "MR"))
    assert found.level == pytest.approx(40, rel=0.1)
