"""The loss: a mean square, of the right difference."""

import math

import pytest
import torch

from medddim.diffusion import Beyond, Bridge, Condition, Denoiser, ScanNoise, prediction_loss
from medddim.diffusion.denoiser import noisier2noise
from medddim.errors import DiffusionError

CONDITION = Condition(torch.full((4, 1, 1, 1), 0.1, dtype=torch.float64))
LEVELS = torch.tensor([1.0, 0.7, 0.3, 0.01], dtype=torch.float64)


def stacks(slices):
    generator = torch.Generator().manual_seed(5)
    return torch.rand(2, 4, slices, 6, 6, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("slices", [1, 3])
def test_the_loss_is_the_mean_square_on_the_middle_slice(slices):
    clean, source = stacks(slices)

    def off_by_half(state, level, *, strength, scan):
        return clean[:, slices // 2, None] + 0.5

    terms = {"clean": clean, "source": source, "level": LEVELS, "condition": CONDITION}
    loss = prediction_loss(Denoiser(off_by_half, ScanNoise(), "x0"), **terms).item()
    assert loss == pytest.approx(0.25, rel=1e-12)


def test_a_residual_target_has_unit_variance_at_every_noise_level():
    """So that no noise level outweighs another in training."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.tensor([0.01, 0.1], dtype=torch.float64).reshape(2, 1, 1, 1)
    source = noise * torch.randn(2, 1, 200, 200, generator=generator, dtype=torch.float64)
    denoiser = Denoiser(lambda *_, **__: None, ScanNoise(), "residual")
    target = denoiser.target(source, source, LEVELS[:2], Condition(noise))
    assert target.var(dim=(1, 2, 3)).tolist() == pytest.approx([1, 1], rel=0.03)


def test_the_loss_is_a_scalar_with_a_gradient():
    weight = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    denoiser = Denoiser(lambda state, level, **_: weight * state, ScanNoise(), "x0")
    clean, source = stacks(1)
    loss = prediction_loss(denoiser, clean=clean, source=source, level=LEVELS, condition=None)
    loss.backward()
    assert loss.shape == ()
    assert weight.grad is not None


def test_targets_with_noise_of_their_own_teach_the_noiseless_answer():
    """Noisier2Noise on a Gaussian prior: the best linear answer is that for clean targets.

    Clean values have standard deviation 1, the targets noise of 0.5, what is added 1; and coloured
    alike, where the posterior mean is taken frequency by frequency.
    """
    generator = torch.Generator().manual_seed(0)
    path, strength = ScanNoise(), math.hypot(0.5, 1.0)
    for spectrum in (torch.ones(64), torch.linspace(0.2, 1.5, 64)):

        def draw(scale, spectrum=spectrum):
            white = torch.randn(40_000, 64, generator=generator, dtype=torch.float64)
            return scale * spectrum * white

        clean = torch.randn(40_000, 64, generator=generator, dtype=torch.float64)
        target = clean + draw(0.5)
        scan = target + draw(1.0)
        own = torch.tensor(0.5 / strength).reshape(1, 1)
        level = torch.full((1,), 0.8, dtype=torch.float64)
        kept, times = noisier2noise(path, own, level)
        state = target + 0.8 * kept * (scan - target)
        answer = state - 0.8 * times * (scan - target)
        learnt = (answer * state).mean(0) / (state**2).mean(0)
        variance = (0.8 * strength * spectrum.double()) ** 2
        assert torch.allclose(learnt, 1 / (1 + variance), atol=0.02)


def test_targets_with_noise_of_their_own_need_a_path_that_keeps_the_scan():
    with pytest.raises(DiffusionError, match="own noise"):
        noisier2noise(Bridge(), torch.tensor([[0.1]]), torch.tensor([0.5], dtype=torch.float64))


def test_voxels_count_by_their_weight_and_the_network_gets_state_and_level():
    (clean, source), error = stacks(1), stacks(1)[1]
    weight = torch.linspace(0.5, 2, clean.numel(), dtype=torch.float64).reshape(clean.shape)
    seen = []

    def network(state, level, *, strength, scan):
        seen.append((state, level, strength))
        return clean + error

    denoiser = Denoiser(network, ScanNoise(), "x0")
    terms = {"clean": clean, "source": source, "level": LEVELS, "condition": CONDITION}
    loss = prediction_loss(denoiser, **terms, weight=weight).item()
    assert loss == pytest.approx(((weight * error**2).sum() / weight.sum()).item(), rel=1e-12)
    ((state, level, strength),) = seen
    assert torch.equal(state, ScanNoise().state(clean, source, LEVELS))
    assert torch.equal(level, LEVELS)
    assert strength is CONDITION.strength


def test_noise_of_its_own_changes_the_state_and_the_target():
    clean, source = stacks(1)
    own, seen = torch.full_like(clean, 0.3), []

    def silent(state, level, *, strength, scan):
        seen.append(state)
        return 0 * state

    denoiser = Denoiser(silent, ScanNoise(), "residual")
    terms = {"clean": clean, "source": source, "level": LEVELS, "condition": CONDITION}
    loss = prediction_loss(denoiser, **terms, own=own).item()
    kept, times = noisier2noise(ScanNoise(), own, LEVELS)
    assert torch.equal(seen[0], ScanNoise().state(clean, kept * source, LEVELS))
    assert loss == pytest.approx((times * source / 0.1).square().mean().item(), rel=1e-12)


def test_what_is_made_of_an_estimate_is_learnt_as_well():
    """A filter that halves the estimate: its error counts for a quarter, in units of the noise."""
    clean, source = stacks(1)
    denoiser = Denoiser(lambda state, level, **_: 0 * state, ScanNoise(), "residual")
    terms = {"clean": clean, "source": source, "level": LEVELS, "condition": CONDITION}
    alone = prediction_loss(denoiser, **terms).item()
    both = prediction_loss(denoiser, **terms, beyond=Beyond(lambda _, found: found / 2, 0.25))
    sigma = (0.1 * LEVELS).reshape(4, 1, 1, 1)
    state = ScanNoise().state(clean, source, LEVELS)
    filtered = ((state / 2 - clean) / sigma).square().mean().item()
    assert both.item() == pytest.approx(0.75 * alone + 0.25 * filtered, rel=1e-9)
