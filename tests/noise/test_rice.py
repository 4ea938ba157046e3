"""The mean of a magnitude, and back."""

import numpy as np
import pytest

from medddim.noise.rice import kept_of_mean, mean_of_signal, signal_of_mean

SIGNAL = np.array([0.0, 0.5, 1.0, 3.0, 10.0, 60.0])


def drawn_means(signal):
    noise = np.random.default_rng(0).normal(size=(2, 200_000, 1))
    return np.hypot(signal + noise[0], noise[1]).mean(0)


def test_the_mean_of_rician_noise_gives_its_signal_back():
    found = signal_of_mean(drawn_means(SIGNAL))
    # At no signal the mean stands still: small errors of it are large errors of the signal.
    assert found[2:] == pytest.approx(SIGNAL[2:], abs=0.02)
    assert found[:2] == pytest.approx(SIGNAL[:2], abs=0.15)


def test_the_mean_is_that_of_drawn_magnitudes():
    assert mean_of_signal(SIGNAL) == pytest.approx(drawn_means(SIGNAL), abs=0.01)


def test_what_a_magnitude_keeps_of_the_power_is_the_variance_of_drawn_ones():
    noise = np.random.default_rng(0).normal(size=(2, 200_000, 1))
    drawn = np.hypot(SIGNAL + noise[0], noise[1])
    assert kept_of_mean(drawn.mean(0)) == pytest.approx(drawn.var(0), abs=0.02)
