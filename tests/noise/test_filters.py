"""What filters of k-space make of white noise."""

import numpy as np
import pytest

from medddim.noise import AxisFilter
from medddim.noise.filters import PlaneFilter

KINDS = [
    AxisFilter(),
    AxisFilter(share=0.6),
    AxisFilter(share=0.75, gauss=1.5),
    AxisFilter(roll=1.0),
    AxisFilter(share=0.8, half_from=0.5),
]


@pytest.mark.parametrize("one", KINDS)
def test_the_correlation_is_that_of_filtered_white_noise(one):
    size = 4096
    noise = np.random.default_rng(0).standard_normal((32, size))
    amplitude = np.sqrt(one.power(np.abs(np.fft.fftfreq(size)) * 2))
    filtered = np.fft.ifft(np.fft.fft(noise) * amplitude).real
    assert filtered.var() == pytest.approx(one.mean_power, rel=0.02)
    assert one.covariance(4) == pytest.approx([1, *one.correlation])
    for lag, stated in enumerate(one.correlation, 1):
        found = (filtered * np.roll(filtered, lag, axis=1)).mean() / filtered.var()
        assert stated == pytest.approx(found, abs=0.01)


@pytest.mark.parametrize(("taper", "correlation"), [(0.8, 0.12), (1.5, 0.37), (2.25, 0.62)])
def test_the_gaussian_filters_of_snraware(taper, correlation):
    one = AxisFilter(gauss=taper)
    assert one.correlation[0] == pytest.approx(correlation, abs=0.006)
    assert one.edge == pytest.approx(np.exp(-(taper**2) / 2), rel=1e-3)


def test_the_taper_is_that_of_the_closest_gaussian():
    assert AxisFilter(share=0.6, gauss=1.5).taper == pytest.approx(1.5)
    assert AxisFilter().taper == 0
    hann = AxisFilter(roll=1.0)
    assert 2 < hann.taper < 2.6
    assert hann.edge == pytest.approx(0, abs=1e-3)


def test_noise_is_usable_where_a_tenth_of_its_power_is_left():
    assert AxisFilter().usable == 1
    assert AxisFilter(share=0.6).usable == pytest.approx(0.6, abs=0.01)
    assert AxisFilter(gauss=2.25).usable == pytest.approx(np.sqrt(np.log(10)) / 2.25, abs=0.02)


def test_the_correlation_behind_a_round_filter_is_that_of_filtered_white_noise():
    one = PlaneFilter(AxisFilter(share=0.8), AxisFilter(gauss=1.0), radius=1.0, width=0.1)
    size = 512
    frequency = np.abs(np.fft.fftfreq(size)) * 2
    white = np.fft.fft2(np.random.default_rng(0).standard_normal((size, size)))
    noise = np.fft.ifft2(white * np.sqrt(one.power(frequency, frequency))).real
    assert noise.var() == pytest.approx(one.mean_power, rel=0.02)
    for axis, lags in enumerate(one.correlation):
        for lag, stated in enumerate(lags, 1):
            found = (noise * np.roll(noise, lag, axis=axis)).mean() / noise.var()
            assert stated == pytest.approx(found, abs=0.015)


def test_without_a_round_filter_a_plane_is_the_product_of_its_axes():
    rows, columns = AxisFilter(share=0.6), AxisFilter(gauss=1.5)
    one = PlaneFilter(rows, columns)
    assert one.mean_power == rows.mean_power * columns.mean_power
    assert one.correlation == (rows.correlation, columns.correlation)
    assert one.usable == (rows.usable, columns.usable)
