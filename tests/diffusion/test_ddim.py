"""DDIM against closed forms: in a Gaussian world every walk down a ladder is an affine map."""

import pytest
import torch

from medddim.diffusion import PATHS, Condition, Denoiser, Path, ScanNoise, VariancePreserving, ddim
from medddim.diffusion.samplers import rungs, step
from medddim.errors import DiffusionError
from tests.diffusion.gaussian import NOISE, Gaussian, PerfectNetwork

STEPS = (1, 2, 3, 4, 5, 8, 10, 20, 50, 100, 1000)
PREDICTIONS = ("x0", "eps", "v", "residual")
BELOW_ONE = 0.99
"""Where eps and residual predictions start on paths whose alpha(1) is 0."""
CONDITION = Condition(torch.full((1, 1, 1, 1), NOISE, dtype=torch.float64))
every_path = pytest.mark.parametrize("path", [make() for make in PATHS.values()], ids=list(PATHS))


def randn(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=torch.float64)


def walk(world, start, ladder, prediction="x0"):
    denoiser = Denoiser(PerfectNetwork(world, prediction), world.path, prediction)
    denoise = lambda state, level: denoiser(state, level, CONDITION)  # noqa: E731
    return list(ddim(denoise, start, ladder, path=world.path))


@every_path
@pytest.mark.parametrize("steps", [1, 2, 7, 50])
def test_every_prediction_walks_the_same_way(path, steps):
    world, start, ladder = Gaussian(path), randn(1, 1, 3, 3), path.ladder(steps) * BELOW_ONE
    walks = [torch.stack(walk(world, start, ladder, prediction)) for prediction in PREDICTIONS]
    assert all((other - walks[0]).abs().max() < 1e-12 for other in walks[1:])


@every_path
def test_one_step_is_exactly_the_posterior_mean(path):
    world, start, one = Gaussian(path), randn(1, 1, 3, 3), torch.ones(1, dtype=torch.float64)
    (answer,) = walk(world, start, path.ladder(1))
    assert torch.equal(answer, world.posterior_mean(start, one))


@every_path
@pytest.mark.parametrize("steps", STEPS)
def test_a_prior_of_one_image_returns_that_image(path, steps):
    image = torch.rand(1, 1, 3, 3, dtype=torch.float64)
    world = Gaussian(path, mean=image, spread=0.0)
    for prediction in ("x0", "v"):
        answer = walk(world, randn(1, 1, 3, 3), path.ladder(steps), prediction)[-1]
        assert (answer - image).abs().max() < 1e-12


def test_eps_prediction_from_pure_noise_raises():
    path = VariancePreserving()
    with pytest.raises(DiffusionError, match="alpha is 0"):
        walk(Gaussian(path), randn(1, 1, 3, 3), path.ladder(4), "eps")


def test_any_falling_ladder_will_do():
    world, start = Gaussian(VariancePreserving()), randn(1, 1, 3, 3)
    uneven = torch.tensor([1.0, 0.83, 0.31, 0.3, 0.02, 0.0], dtype=torch.float64)
    assert (walk(world, start, uneven)[-1] - world.answer(start, uneven)).abs().max() < 1e-13


@every_path
def test_a_step_onto_its_own_level_stays_and_onto_level_0_is_the_clean_estimate(path):
    state, clean = randn(3, 3), randn(3, 3, seed=1)
    here, same, end = rungs(path, torch.tensor([0.6, 0.6, 0.0], dtype=torch.float64))
    stayed = step(state, clean, here=here, there=same)
    assert (stayed - state).abs().max() < 1e-15
    assert torch.equal(step(state, clean, here=here, there=end), clean)


# --- the scan's own noise: denoising as it is done -----------------------------------------------

SPREADS = torch.logspace(-2.5, 0.5, 31, dtype=torch.float64).reshape(1, 1, 1, -1)
"""Of the modes of a prior: from structure that drowns in the noise to structure far above it."""


def denoised(steps, *, samples=4000):
    """Modes of clean and noisy scans, and the noisy ones denoised."""
    clean = SPREADS * randn(samples, 1, 1, SPREADS.shape[-1])
    noisy = clean + NOISE * randn(samples, 1, 1, SPREADS.shape[-1], seed=1)
    world = Gaussian(ScanNoise(), mean=0.0, spread=SPREADS)
    return clean, noisy, walk(world, noisy, world.path.ladder(steps))[-1]


def test_one_step_is_the_wiener_filter():
    _, noisy, answer = denoised(1)
    wiener = SPREADS**2 / (SPREADS**2 + NOISE**2)
    assert (answer - wiener * noisy).abs().max() < 1e-14


def test_more_steps_bring_back_the_power_of_the_prior_and_cost_error():
    powers, errors = [], []
    for steps in (1, 2, 4, 8, 32, 256):
        clean, _, answer = denoised(steps)
        powers.append((answer.var(dim=0) / SPREADS**2).flatten())
        errors.append((answer - clean).square().mean().item())
    rise = torch.stack(powers).diff(dim=0)
    assert (rise > 0).all()
    assert powers[-1].median().item() == pytest.approx(1, abs=0.05)
    assert errors == sorted(errors)
    assert errors[-1] < 2 * errors[0]  # 3.01 dB, the price of a perfect posterior sample


def test_no_mode_gains_more_power_than_the_prior_has():
    ladder = ScanNoise().ladder(1000)
    world = Gaussian(ScanNoise(), mean=0.0, spread=SPREADS)
    deviation = (SPREADS**2 + NOISE**2).sqrt()  # of the noisy scan
    assert (world.answer(deviation, ladder) < SPREADS).all()


# --- other implementations -----------------------------------------------------------------------


class Tabulated(Path):
    """The schedule of a library, as a path: level i / T is the library's timestep i - 1."""

    white = True

    def __init__(self, alphas_cumprod):
        self.table = torch.cat([torch.ones(1), alphas_cumprod]).double()

    def mix(self, level):
        power = self.table[(level * (len(self.table) - 1)).round().long()]
        return power.sqrt(), (1 - power).sqrt()

    def start(self, scan, noise):
        return noise


def theirs(scheduler, world, start, *, eta=0.0, draws=None):
    """The walk of a MONAI or diffusers scheduler with the perfect eps-network of `world`."""
    state = start
    for index, timestep in enumerate(scheduler.timesteps.tolist()):
        level = torch.tensor((timestep + 1) / 1000, dtype=torch.float64)
        a, b = world.path.mix(level)
        eps = (state - a * world.posterior_mean(state, level)) / b
        noise = {"variance_noise": draws[index]} if eta else {}
        state = scheduler.step(eps, timestep, state, eta=eta, **noise)[0]
    return state


def exact_table():
    """DDPM's table in float64, which the libraries would hold in float32."""
    return torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0)


@pytest.mark.slow
@pytest.mark.parametrize("spacing", ["trailing", "leading"])
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 4, 5, 8, 10, 50, 250, 1000])
def test_diffusers_walks_the_same_way(spacing, eta, steps):
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    scheduler = DDIMScheduler(timestep_spacing=spacing, clip_sample=False)
    scheduler.alphas_cumprod = exact_table()
    scheduler.final_alpha_cumprod = torch.ones((), dtype=torch.float64)
    scheduler.set_timesteps(steps)
    world, start = Gaussian(Tabulated(exact_table())), randn(1, 1, 3, 3)
    draws = randn(steps, 1, 1, 3, 3, seed=7)
    ladder = torch.tensor([*(t + 1 for t in scheduler.timesteps.tolist()), 0]).double() / 1000
    *_, ours = ddim(
        lambda x, t: world.posterior_mean(x, torch.tensor([t], dtype=torch.float64)),
        start,
        ladder,
        path=world.path,
        eta=eta,
        noise=lambda step: draws[step],
    )
    assert (ours - theirs(scheduler, world, start, eta=eta, draws=draws)).abs().max() < 1e-10


@pytest.mark.parametrize(
    ("spread", "returned", "times_worse"), [(0.1, (0.268, 0.306), 2), (0.01, (0.284, 0.152), 10)]
)
def test_monai_1_6_defaults_miss_the_prior_that_we_meet(spread, returned, times_worse):
    """Why medddim walks its own ladder; see docs. If this fails, MONAI was repaired: celebrate.

    MONAI's timesteps are a linspace, its step goes back T // N: the network gets one level and
    given another. A perfect network on data 0.3 ± 0.1, or on the narrow posterior 0.3 ± 0.01 that
    a scan leaves; 4 steps of one and the same table. A ladder errs towards the mean, by at most
    the spread; MONAI's list leaves noise of the start, however narrow the data.
    """
    from monai.networks.schedulers import DDIMScheduler

    scheduler = DDIMScheduler(num_train_timesteps=1000, clip_sample=False)
    scheduler.set_timesteps(4)
    assert scheduler.timesteps.tolist() == [999, 666, 333, 0]
    world = Gaussian(Tabulated(scheduler.alphas_cumprod), spread=spread)
    start = randn(200_000)
    monai = theirs(scheduler, world, start)
    ours = walk(world, start.reshape(1, 1, -1), world.path.ladder(4), "eps")[-1].flatten()
    assert (monai.mean().item(), monai.std().item()) == pytest.approx(returned, abs=0.002)
    assert ours.mean().item() == pytest.approx(0.3, abs=0.001)
    exact = world.limit(start)
    monai_error, our_error = ((x - exact).square().mean().sqrt().item() for x in (monai, ours))
    assert our_error < spread
    assert monai_error > times_worse * our_error


def test_monai_walks_the_same_way_once_its_list_is_ours():
    """Its arithmetic is right, its list is not."""
    from monai.networks.schedulers import DDIMScheduler

    scheduler = DDIMScheduler(num_train_timesteps=1000, clip_sample=False)
    scheduler.set_timesteps(4)
    scheduler.timesteps = torch.tensor([999, 749, 499, 249])
    scheduler.alphas_cumprod = exact_table()
    world, start = Gaussian(Tabulated(exact_table())), randn(1, 1, 3, 3)
    ours = walk(world, start, world.path.ladder(4), "eps")[-1]
    assert (ours - theirs(scheduler, world, start)).abs().max() < 1e-10


def test_without_eta_no_noise_is_drawn():
    path = VariancePreserving()
    drawn: list[int] = []
    list(
        ddim(
            lambda state, level: 0 * state,
            randn(1, 1, 3),
            path.ladder(3),
            path=path,
            noise=drawn.append,
        )
    )
    assert drawn == []
