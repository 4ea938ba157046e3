"""What a scanner multiplies k-space by, and what that does to white noise."""

import numpy as np
import pytest

from medddim.degradation.kspace import (
    KSpaceAxis,
    correlation_of,
    correlation_of_power,
    noise_gain,
    power_of,
    round_response,
)
from medddim.errors import RequestProblem

AXES = [
    KSpaceAxis(),
    KSpaceAxis(0.75),
    KSpaceAxis(0.55, "gaussian", 1.5),
    KSpaceAxis(1.0, "hann"),
    KSpaceAxis(0.8, "tukey", 0.4),
    KSpaceAxis(1.0, "fermi", 0.05),
    KSpaceAxis(0.9, "gaussian", 0.8, partial=0.625),
]


@pytest.mark.parametrize("axis", AXES, ids=str)
def test_white_noise_has_the_correlation_and_level_it_should(axis):
    """Against noise that went through the response, 400 000 values."""
    response = axis.response(64)
    generator = np.random.default_rng(1)
    white = generator.standard_normal((2, 6400, 64))
    noise = np.fft.ifft(np.fft.fft(white[0] + 1j * white[1]) * response).real
    assert noise.std() == pytest.approx(noise_gain([response]), rel=0.01)
    for lag, expected in zip((1, 2), axis.correlation(64), strict=True):
        found = np.mean(noise * np.roll(noise, lag, -1)) / np.mean(noise**2)
        assert found == pytest.approx(expected, abs=0.01)


def test_the_published_correlations_of_gaussian_filters():
    """What is left at Nyquist and of the next voxel, for the strengths that SNRAware draws."""
    for s, edge, lag1 in ((0.8, 0.73, 0.12), (1.5, 0.32, 0.37), (2.25, 0.08, 0.62)):
        axis = KSpaceAxis(1.0, "gaussian", s)
        assert axis.response(256).min() == pytest.approx(edge, abs=0.01)
        assert axis.correlation(256)[0] == pytest.approx(lag1, abs=0.02)


def test_zero_filling_alone_has_the_correlation_of_a_sinc():
    for share in (0.75, 0.65, 0.55):
        lag1, lag2 = KSpaceAxis(share).correlation(400)
        assert lag1 == pytest.approx(np.sinc(share), abs=0.01)
        assert lag2 == pytest.approx(np.sinc(2 * share), abs=0.01)


def test_the_middle_of_k_space_is_always_kept_and_one_side_of_a_partial_fourier():
    response = KSpaceAxis(0.8, "hann", partial=0.75).response(100)
    line = np.fft.fftfreq(100, 0.01)
    assert response[0] == pytest.approx(1, abs=0.01)
    assert not response[np.abs(line) > 40].any()
    assert not response[line < -20].any()
    assert response[np.isclose(line, 30)] > 0.1


def test_noise_gain_is_that_of_all_axes():
    responses = [KSpaceAxis(0.5).response(64), KSpaceAxis(0.25).response(64)]
    assert noise_gain(responses) == pytest.approx(np.sqrt(1 / 8), rel=0.05)
    assert correlation_of(np.ones(8, np.float32))[0] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"share": 0}, "share of k-space"),
        ({"partial": 0.5}, "partial Fourier"),
        ({"filter": "box"}, "none, gaussian"),
        ({"filter": "tukey", "strength": 1.5}, "tukey: up to 1"),
        ({"strength": np.nan}, "0 or more"),
    ],
)
def test_impossible_values_are_refused(wrong, says):
    with pytest.raises(RequestProblem, match=says):
        KSpaceAxis(**wrong)


def test_a_round_filter_depends_on_the_distance_alone_and_makes_the_noise_it_says():
    axes = [KSpaceAxis(), KSpaceAxis(0.8, "fermi", 0.08), KSpaceAxis(1.0, "fermi", 0.08)]
    shape = (8, 80, 64)
    whole = round_response(axes, shape)
    # the same distance along either axis: edges at 32 of 80 and 32 of 64 lines
    assert whole[3, 0, round(0.6 * 32)] == pytest.approx(whole[3, round(0.6 * 32), 0], abs=0.02)
    assert whole[0, round(0.85 * 32), round(0.85 * 32)] < 0.05 < 0.5 < whole[0, 0, round(0.85 * 32)]

    responses = [axis.unfiltered().response(n) for axis, n in zip(axes, shape, strict=True)]
    white = np.random.default_rng(0).standard_normal((20, *shape))
    spectra = np.fft.fftn(white, axes=(1, 2, 3)) * whole
    for at, response in enumerate(responses, start=1):
        spectra *= response.reshape([-1 if at == other else 1 for other in range(4)])
    noise = np.fft.ifftn(spectra, axes=(1, 2, 3))
    power = np.mean(np.abs(noise) ** 2)
    assert np.sqrt(power) == pytest.approx(noise_gain(responses, whole), rel=0.01)
    for at, line in enumerate(power_of(responses, whole), start=1):
        shifted = np.roll(noise, 1, axis=at)
        found = np.mean((noise * shifted.conj()).real) / power
        assert found == pytest.approx(correlation_of_power(line)[0], abs=0.01)


def test_powers_without_a_round_filter_are_those_with_one_that_does_nothing():
    shape = (6, 40, 30)
    axes = (KSpaceAxis(), KSpaceAxis(0.7), KSpaceAxis(1.0, "hann"))
    responses = [axis.response(n) for axis, n in zip(axes, shape, strict=True)]
    for one, other in zip(
        power_of(responses), power_of(responses, np.ones(shape, np.float32)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5)
