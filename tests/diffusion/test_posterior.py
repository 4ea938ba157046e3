"""Samples of the posterior, against the closed form of a Gaussian prior in Gaussian noise."""

import math
from dataclasses import replace
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch

from medddim.diffusion import Posterior, ScanNoise, ancestral, ddim, trailing
from tests.phantoms import textured
from tests.studies import enhancer

PRIOR, NOISE = 0.7, 0.4
GAIN = PRIOR**2 / (PRIOR**2 + NOISE**2)
DEVIATION = math.sqrt(GAIN) * NOISE
"""Of the posterior, whose mean is GAIN times the scan."""


def perfect(state, level):
    """The posterior mean of clean ~ N(0, PRIOR^2), seen in noise of `level` times NOISE."""
    return state * PRIOR**2 / (PRIOR**2 + (level * NOISE) ** 2)


def randn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def sample(scan, noise, steps, sampler=ddim):
    path = Posterior()
    estimate, start, walked = path.walk(perfect, scan, noise)
    *_, last = sampler(estimate, start, path.ladder(steps), path=walked)
    return last


@pytest.mark.parametrize("steps", [1, 2, 3, 8, 50])
def test_without_noise_every_number_of_steps_returns_the_mean(steps):
    scan = randn(500)
    assert (sample(scan, 0 * scan, steps) - GAIN * scan).abs().max() < 1e-12


def test_one_step_is_the_regression_and_draws_nothing():
    scan, noise = randn(500), NOISE * randn(500, seed=1)
    assert torch.equal(sample(scan, noise, 1), sample(scan, 0 * noise, 1))


@pytest.mark.parametrize("steps", [2, 4, 8, 30])
def test_the_answer_is_the_affine_map_of_its_ladder(steps):
    """By recursion on the state's distance from its mean, with no word of the best mean."""
    scan, noise = randn(500), NOISE * randn(500, seed=1)
    angles = (trailing(steps) * math.pi / 2).tolist()
    distance = 1.0  # of the state from alpha times the posterior mean, in units of the noise
    for here, there in pairwise(angles):
        sigma, alpha = math.sin(here), math.cos(here)
        # Three Gaussians, prior, scan and state, add up their precisions.
        state = (alpha / (sigma * NOISE)) ** 2
        share = state / (state + 1 / PRIOR**2 + 1 / NOISE**2) / alpha if here < math.pi / 2 else 0.0
        clean = share * distance
        distance = math.cos(there) * clean + math.sin(there) / sigma * (distance - alpha * clean)
    answer = sample(scan, noise, steps)
    assert (answer - GAIN * scan - distance * noise).abs().max() < 1e-10


def test_the_spread_tends_to_that_of_the_posterior_with_order_one():
    scan, noise = torch.zeros(1, dtype=torch.float64), torch.full((1,), NOISE, dtype=torch.float64)
    missing = [DEVIATION - sample(scan, noise, steps).item() for steps in (50, 100, 200)]
    assert missing[0] / missing[1] == pytest.approx(2, rel=0.1)
    assert missing[1] / missing[2] == pytest.approx(2, rel=0.1)
    assert abs(missing[2]) < 0.01 * DEVIATION


def test_fresh_noise_at_every_step_samples_the_same_posterior():
    scan, noise = torch.full((20_000,), 0.5, dtype=torch.float64), NOISE * randn(20_000)
    draw = partial(randn, 20_000)
    fresh = partial(ancestral, noise=lambda index: NOISE * draw(seed=index + 1))
    answer = sample(scan, noise, 500, sampler=fresh)
    assert answer.mean().item() == pytest.approx(GAIN * 0.5, abs=4 * DEVIATION / 141)
    assert answer.std().item() == pytest.approx(DEVIATION, rel=0.02)


def test_training_shows_what_the_walk_shows():
    """The best mean of scan and state, made from the truth, is the state of training."""
    clean, own, fresh = (
        randn(3, 1, 6, 6),
        NOISE * randn(3, 1, 6, 6, seed=1),
        NOISE * randn(3, 1, 6, 6),
    )
    path, scan = Posterior(), clean + own
    level = torch.tensor([0.2, 0.6, 0.9], dtype=torch.float64)
    sigma = torch.sin(level * math.pi / 2)
    trained = path.state(clean, path.source(clean, scan, fresh, sigma), sigma)
    shown = []

    def note(state, seen):
        shown.append((state, seen))
        return state

    for item, angle in enumerate(level.tolist()):
        estimate, _, walked = path.walk(note, scan[item], fresh[item])
        alpha, sine = (x.item() for x in walked.mix(torch.tensor(angle, dtype=torch.float64)))
        estimate(alpha * clean[item] + sine * fresh[item], angle)
    assert (torch.stack([state for state, _ in shown]) - trained).abs().max() < 1e-12
    assert [seen for _, seen in shown] == pytest.approx(sigma.tolist(), abs=1e-12)


def test_the_best_mean_is_the_best():
    """Its error does not go together with its difference from the scan, or it could be bettered."""
    count = 200_000
    clean, own, fresh = (randn(1, count, seed=seed) for seed in range(3))
    level = torch.tensor([0.6], dtype=torch.float64)
    error = level * Posterior().source(clean, clean + own, fresh, level)
    assert (error * (own - error)).mean().item() == pytest.approx(0, abs=0.01)
    assert error.std().item() == pytest.approx(0.6, rel=0.01)


def test_other_paths_walk_as_they_are():
    scan, noise = randn(5), randn(5, seed=1)
    estimate, start, walked = (path := ScanNoise()).walk(perfect, scan, noise)
    assert estimate is perfect
    assert start is scan
    assert walked is path


def test_no_two_channels_get_the_same_noise_drawn():
    scan, wired = textured((24, 20, 4)), enhancer(diffusion={"path": "posterior"})
    series = replace(scan, voxels=np.concatenate([scan.voxels[:1]] * 2))
    first, second = wired(series, steps=3, noise=20.0).voxels
    assert np.abs(first - second).max() > 0.1
