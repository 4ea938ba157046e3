"""benchmarks/whitened.py: what was taken is compared with what is taken from an answer's noise."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from medddim.noise import AxisFilter, noise_passport
from medddim.volume import Volume

FOLDER = Path(__file__).parent.parent / "benchmarks"
# The sdist has the tests and not the benchmarks; where these are, a missing file must fail.
pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="benchmarks are not in the sdist")


@pytest.fixture(scope="module")
def whitened():
    sys.path.insert(0, str(FOLDER))
    try:
        import whitened as module
    finally:
        sys.path.remove(str(FOLDER))
    return module


@pytest.fixture(scope="module")
def truth():
    x, y = np.meshgrid(np.arange(96), np.arange(96), indexing="ij")
    disc = 500 + 200 * np.sin(x / 9) * np.cos(y / 7) + 300 * (np.hypot(x - 48, y - 40) < 12)
    return np.repeat(gaussian_filter(disc, 0.7)[..., None], 4, axis=2)


@pytest.fixture(scope="module")
def scan(truth):
    noise = np.random.default_rng(0).standard_normal(truth.shape) * 15
    return Volume((truth + noise)[None].astype("f4"), np.diag([1.0, 1, 4, 1]), "MR")


def apart(cells):
    return float(cells[5])


def test_an_answer_that_lacks_noise_alone_passes(whitened, scan, truth):
    known = noise_passport(scan)

    def shrunk(image):  # two thirds of what is not the truth: an estimate that takes no anatomy
        return image.with_voxels((image.voxels / 3 + 2 / 3 * truth).astype("f4"))

    *_, spread = cells = whitened.compared(scan, shrunk, known)
    assert apart(cells) < 0.1
    # the answer holds a third of the noise, and what is drawn comes to it
    assert float(spread) == pytest.approx(1 / np.hypot(1, 1 / 3), abs=0.06)


def test_a_blur_does_not_pass(whitened, scan):
    def blur(image):
        return image.with_voxels(gaussian_filter(image.voxels, (0, 1, 1, 0)))

    assert apart(whitened.compared(scan, blur, noise_passport(scan))) > 0.15


def test_noise_of_a_passport_has_its_level_and_correlation(whitened, scan):
    known = replace(noise_passport(scan), filters=(AxisFilter(gauss=1.5), *[AxisFilter()] * 2))
    even = scan.with_voxels(np.full_like(scan.voxels, 1000))
    drawn = whitened.with_noise(even, known, np.random.default_rng(1)).voxels[0] - 1000
    assert drawn.std() == pytest.approx(known.level, rel=0.05)
    lag = (drawn[1:] * drawn[:-1]).mean() / drawn.var()
    assert lag == pytest.approx(known.filters[0].correlation[0], abs=0.03)
