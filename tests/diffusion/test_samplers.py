"""The other walks down a ladder: with fresh noise, of second order, upwards. All in closed form."""

import math
from itertools import pairwise

import pytest
import torch

from medddim.diffusion import (
    LinearBeta,
    ScanNoise,
    VariancePreserving,
    ancestral,
    ddim,
    invert,
    karras,
    second_order,
    trailing,
    uniform_log_snr,
)
from medddim.diffusion.samplers import rungs, step
from medddim.errors import DiffusionError
from tests.diffusion.gaussian import Gaussian
from tests.diffusion.test_ddim import every_path, randn

WHITE = [VariancePreserving(), LinearBeta()]
white_paths = pytest.mark.parametrize("path", WHITE, ids=["cosine", "linear"])


def perfect(world):
    def denoise(state, level):
        return world.posterior_mean(state, torch.tensor([level], dtype=torch.float64))

    return denoise


def draw(index):
    return randn(1, 1, 3, 3, seed=100 + index)


@white_paths
@pytest.mark.parametrize("steps", [1, 3, 50, 1000])
def test_eta_1_is_ancestral_sampling(path, steps):
    denoise, start, ladder = perfect(Gaussian(path)), randn(1, 1, 3, 3), path.ladder(steps)
    one = list(ddim(denoise, start, ladder, path=path, eta=1.0, noise=draw))
    other = list(ancestral(denoise, start, ladder, path=path, noise=draw))
    assert (torch.stack(one) - torch.stack(other)).abs().max() < 1e-10


@white_paths
@pytest.mark.parametrize("fresh", [0.0, 0.3, 1.0])
def test_fresh_noise_takes_the_room_it_needs(path, fresh):
    """Kept and fresh noise together have the variance of the level: c1^2 + c2^2 = sigma^2."""
    here, there = rungs(path, torch.tensor([1.0, 0.4], dtype=torch.float64))
    noise, nothing = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    sd = fresh * there.sigma
    kept = step(here.sigma * noise, nothing, here=here, there=there, fresh=sd).item()
    assert kept**2 + sd**2 == pytest.approx(there.sigma**2, abs=1e-15)


def test_fresh_noise_needs_a_draw_and_a_white_source():
    world = Gaussian(ScanNoise())
    with pytest.raises(DiffusionError, match="white noise"):
        list(ddim(perfect(world), draw(0), trailing(2), path=world.path, eta=0.5, noise=draw))
    with pytest.raises(DiffusionError, match="noise draw"):
        list(ddim(perfect(world), draw(0), trailing(2), path=WHITE[0], eta=0.5))
    for eta in (-0.1, 1.1, float("nan")):
        with pytest.raises(DiffusionError, match="up to 1"):
            list(ddim(perfect(world), draw(0), trailing(2), path=WHITE[0], eta=eta, noise=draw))
    with pytest.raises(DiffusionError, match="white noise"):
        list(ancestral(perfect(world), draw(0), trailing(2), path=world.path, noise=draw))


@every_path
def test_one_second_order_step_is_the_regression(path):
    world, start = Gaussian(path), randn(1, 1, 3, 3)
    (answer,) = second_order(perfect(world), start, path.ladder(1), path=path)
    assert torch.equal(answer, perfect(world)(start, 1.0))


@every_path
@pytest.mark.parametrize("steps", [4, 10, 50])
def test_inversion_finds_the_start_of_an_answer(path, steps):
    world, start = Gaussian(path), randn(1, 1, 3, 3)
    ladder = trailing(steps) * 0.9  # below level 1, where some paths have forgotten the scan
    *_, answer = ddim(perfect(world), start, ladder, path=path)
    found = invert(perfect(world), answer, ladder, path=path, iterations=20_000)
    *_, again = ddim(perfect(world), found, ladder, path=path)
    assert (again - answer).abs().max() < 1e-10
    assert (found - start).abs().max() < 1e-9


def test_inversion_says_where_it_cannot_be_done():
    path = VariancePreserving()
    with pytest.raises(
        DiffusionError, match=r"alpha is 0 at level 1: pure noise .* begin the ladder below"
    ):
        invert(perfect(Gaussian(path)), draw(0), trailing(2), path=path)
    with pytest.raises(DiffusionError, match="no fixed point"):
        invert(lambda x, t: -9 * x, draw(0), trailing(3) * 0.9, path=path, iterations=5)


@every_path
@pytest.mark.parametrize("spacing", [uniform_log_snr, karras])
@pytest.mark.parametrize("steps", [1, 2, 3, 8, 100])
def test_every_ladder_falls_from_1_to_0_and_is_walked_exactly(path, spacing, steps):
    ladder = spacing(steps, path=path)
    assert len(ladder) == steps + 1
    assert (ladder[0].item(), ladder[-1].item()) == (1.0, 0.0)
    assert (ladder.diff() < 0).all()
    world, start = Gaussian(path), randn(1, 1, 3, 3)
    *_, answer = ddim(perfect(world), start, ladder, path=path)
    assert (answer - world.answer(start, ladder)).abs().max() < 1e-10


def test_ladders_are_even_in_what_they_say():
    path = ScanNoise()
    log_snr = -uniform_log_snr(6, path=path)[:-1].log()
    assert log_snr.diff().std() < 1e-12
    powers = karras(6, path=path, rho=3.0)[:-1] ** (1 / 3)
    assert powers.diff().std() < 1e-12


def test_linear_beta_is_the_table_of_ddpm():
    levels = torch.arange(1, 1001, dtype=torch.float64) / 1000
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    table = torch.cumprod(1 - betas, 0)
    assert (LinearBeta().mix(levels)[0] ** 2 - table).abs().max() < 1e-12


def test_zero_terminal_snr_ends_in_pure_noise_and_begins_as_before():
    first, last = torch.tensor([[0.001], [1.0]], dtype=torch.float64)
    stretched, plain = LinearBeta(zero_terminal_snr=True), LinearBeta()
    assert stretched.mix(last)[0].item() == 0
    assert stretched.mix(last)[1].item() == 1
    assert stretched.mix(first)[0].item() == pytest.approx(plain.mix(first)[0].item(), rel=1e-12)


@every_path
def test_the_second_order_line_runs_through_the_estimates_not_through_its_own_targets(path):
    """Written out for a denoiser that is not linear, three steps."""

    def denoise(state, level):
        return torch.tanh(state) * (1 - level / 3)

    start, ladder = randn(1, 1, 3, 3), trailing(3) * 0.9
    angles = [math.atan2(rung.sigma, rung.alpha) for rung in rungs(path, ladder)]
    steps = list(pairwise(rungs(path, ladder)))
    state, estimates, targets = start, [], []
    for n, (here, there) in enumerate(steps):
        estimates.append(denoise(state, here.level))
        target = estimates[n]
        if n:
            cosines = math.cos(angles[n]), math.cos(angles[n - 1])
            lead = math.sin(angles[n]) * math.tan((angles[n] - angles[n + 1]) / 2)
            slope = (estimates[n] - estimates[n - 1]) / (cosines[0] - cosines[1])
            target = estimates[n] + lead * slope
        targets.append(target)
        kept = there.sigma / here.sigma
        state = there.alpha * target + kept * (state - here.alpha * target)
    found = list(second_order(denoise, start, ladder, path=path))
    assert all(torch.allclose(*both, atol=1e-10) for both in zip(found, targets, strict=True))
