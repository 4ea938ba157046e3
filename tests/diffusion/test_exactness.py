"""Every path, ladder, prediction and number of steps against its exact affine map, in float64."""

import math
import sys

import numpy as np
import pytest
import torch

from medddim.diffusion import (
    PATHS,
    Bridge,
    Condition,
    Denoiser,
    LinearBeta,
    ddim,
    karras,
    second_order,
    trailing,
    uniform_log_snr,
)
from tests.diffusion.gaussian import NOISE, Gaussian, PerfectNetwork, Restoration, exact

FEW, MANY = (1, 2, 3, 4, 5, 8, 10, 20, 30, 50), (100, 999, 1000)
BELOW_ONE = 0.99
"""Where predictions that divide by alpha start, on paths whose alpha(1) is 0."""
STRENGTH = torch.full((1, 1, 1), NOISE, dtype=torch.float64)
PATH = {name: make() for name, make in PATHS.items()} | {
    "noisy bridge": Bridge(k=0.3),
    "zero terminal SNR": LinearBeta(zero_terminal_snr=True),
}


def custom(steps):
    """A ladder of one's own: uneven, by no law that a path knows."""
    levels = trailing(steps)
    levels[1:-1] += 0.3 / steps * torch.arange(1, steps).double().sin()
    return levels


LADDERS = {
    "default": lambda steps, path: path.ladder(steps),
    "trailing": lambda steps, path: trailing(steps),
    "log-snr": lambda steps, path: uniform_log_snr(steps, path=path),
    "karras": lambda steps, path: karras(steps, path=path),
    "custom": lambda steps, path: custom(steps),
}
SAMPLERS = {1: ddim, 2: second_order}
PREDICTIONS = ("x0", "eps", "v", "residual", "residual of the scan")
every_path = pytest.mark.parametrize("path", PATH.values(), ids=PATH)
every_ladder = pytest.mark.parametrize("ladder", LADDERS)
every_prediction = pytest.mark.parametrize("prediction", PREDICTIONS)


def starts(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def worst(world, start, prediction, ladder, counts):
    """The largest difference from the exact map, by sampler and number of steps."""
    shown, kind = (prediction == "residual of the scan"), prediction.partition(" ")[0]
    denoiser = Denoiser(PerfectNetwork(world, kind), world.path, kind)
    scan = getattr(world, "y", torch.ones(1, dtype=torch.float64)).expand_as(start)
    condition = Condition(STRENGTH, scan if shown else None)
    silent = world.path.mix(torch.ones(1, dtype=torch.float64))[0].item() == 0
    top = BELOW_ONE if silent and prediction in ("eps", "residual") else 1.0
    differences = {}
    for count in counts:
        levels = top * LADDERS[ladder](count, world.path)
        for order, sample in SAMPLERS.items():
            estimates = list(
                sample(lambda x, t: denoiser(x, t, condition), start, levels, path=world.path)
            )
            assert len(estimates) == count
            difference = estimates[-1] - exact(world, start, levels, order=order)
            differences[order, count] = difference.abs().max().item()
    return {key: value for key, value in differences.items() if not value < 1e-10}


@pytest.mark.daily(3)
@every_path
@every_ladder
@every_prediction
def test_a_scalar_gaussian(path, ladder, prediction):
    assert worst(Gaussian(path), starts(1, 1, 6), prediction, ladder, FEW) == {}


@pytest.mark.daily(3)
@every_path
@every_ladder
@every_prediction
def test_a_linear_gaussian_restoration(path, ladder, prediction):
    world = Restoration(path)
    assert worst(world, world.start(starts(1, 1, 4)), prediction, ladder, FEW) == {}


@every_path
@pytest.mark.daily("scan-noise")
def test_many_steps(path):
    world = Restoration(path)
    assert worst(world, world.start(starts(1, 1, 4)), "v", "default", MANY) == {}


@pytest.mark.slow
@every_path
@every_ladder
@every_prediction
def test_many_steps_of_every_prediction(path, ladder, prediction):
    world = Restoration(path)
    assert worst(Gaussian(path), starts(1, 1, 6), prediction, ladder, MANY) == {}
    assert worst(world, world.start(starts(1, 1, 4)), prediction, ladder, MANY) == {}


@every_path
@every_ladder
def test_the_product_of_matrices_is_the_closed_form(path, ladder):
    world, start = Gaussian(path), starts(1, 1, 6)
    for count in (1, 2, 7, 50):
        levels = LADDERS[ladder](count, path)
        assert (
            exact(world, start, levels, order=1) - world.answer(start, levels)
        ).abs().max() < 1e-12


@pytest.mark.parametrize("name", [name for name in PATH if PATH[name].white])
def test_the_answers_of_a_restoration_are_its_posterior(name):
    """Mean and covariance of what 400 steps make of white noise: N(mu, V), up to O(1/N)."""
    world = Restoration(PATH[name])
    size, ladder = world.SIZE, world.path.ladder(400)
    corners = torch.cat([torch.zeros(1, size), torch.eye(size)]).double()
    mean, *columns = exact(world, corners, ladder, order=1)
    root = torch.stack([column - mean for column in columns], dim=1)
    assert (mean - world.posterior).abs().max() < 0.01
    assert (root @ root.T - world.variance).abs().max() < 0.02 * world.variance.abs().max()


# --- order of convergence ------------------------------------------------------------------------

LOWEST = 1e-6
"""Where log-SNR and Karras ladders leave for clean: far below what the errors can show."""
SPACINGS = {
    "default": lambda count, path: (path.ladder(count), 1 / count),
    "trailing": lambda count, path: (trailing(count), 1 / count),
    "log-snr": lambda count, path: measured(
        uniform_log_snr(count, path=path, lowest=LOWEST), path, math.log
    ),
    "karras": lambda count, path: measured(
        karras(count, path=path, lowest=LOWEST), path, lambda ratio: ratio ** (1 / 7)
    ),
}


def measured(ladder, path, measure):
    """A ladder and its spacing: from pure noise it spans more, the more steps it has."""
    alpha, sigma = path.mix(ladder[1:3])
    high, low = (sigma / alpha).tolist()
    return ladder, measure(high) - measure(low)


@pytest.mark.daily(4)
@every_path
@pytest.mark.parametrize("ladder", SPACINGS)
@pytest.mark.parametrize("order", SAMPLERS)
def test_the_error_falls_with_the_order_of_the_sampler(path, ladder, order):
    world, start, counts = Gaussian(path), starts(1, 1, 6), (50, 100, 200, 400)
    errors, spacings = [], []
    for count in counts:
        levels, spacing = SPACINGS[ladder](count, path)
        denoise = lambda x, t: world.posterior_mean(x, torch.tensor([t], dtype=torch.float64))  # noqa: E731
        *_, answer = SAMPLERS[order](denoise, start, levels, path=path)
        errors.append((answer - world.limit(start)).abs().max().item())
        spacings.append(spacing)
    slope = np.polyfit(np.log(spacings), np.log(errors), 1)[0]
    sys.stdout.write(f"{type(path).__name__:18} {ladder:9} order {order}: slope {slope:.3f}\n")
    assert slope == pytest.approx(order, abs=0.15)
