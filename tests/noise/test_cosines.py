"""The power of the noise in the cosines of a block, against noise that was filtered."""

import numpy as np
import pytest
from scipy.fft import dctn

from medddim.noise.cosines import cosine_power
from medddim.noise.filters import AxisFilter, PlaneFilter, Round

NONE = AxisFilter()


def in_blocks(noise, size):
    """The mean power of each cosine in blocks of `size` along both axes."""
    count = noise.shape[0] // size
    blocks = noise.reshape(count, size, count, size, -1)
    return np.square(dctn(blocks, axes=(1, 3), norm="ortho")).mean(axis=(0, 2, 4))


def filtered(plane, shape):
    noise = np.random.default_rng(0).standard_normal(shape)
    frequencies = [np.abs(np.fft.fftfreq(n)) * 2 for n in shape[:2]]
    amplitude = np.sqrt(plane.power(*frequencies))[..., None]
    noise = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) * amplitude, axes=(0, 1)).real
    return noise / noise.std()


@pytest.mark.parametrize("radius", [0.0, 0.9])
def test_the_power_is_that_of_noise(radius):
    rows, columns = AxisFilter(gauss=1.0), AxisFilter(share=0.8)
    plane = PlaneFilter(rows, columns, radius, 0.05)
    around = Round(radius, 0.05, (0, 1)) if radius else None
    found = cosine_power((rows, columns, NONE), (8, 8, 2), around)
    true = in_blocks(filtered(plane, (128, 128, 40)), 8)
    assert found.shape == (8, 8, 2)
    assert found.mean() == pytest.approx(1, abs=0.01)
    assert np.allclose(found.mean(axis=2), true, atol=0.05, rtol=0.05)


def test_a_round_filter_so_wide_is_none():
    filters = AxisFilter(gauss=1.5), NONE, AxisFilter(share=0.7)
    wide = cosine_power(filters, (8, 2, 8), Round(9.0, 0.05, (0, 2)))
    assert np.allclose(wide, cosine_power(filters, (8, 2, 8)), rtol=0.02, atol=0.005)
