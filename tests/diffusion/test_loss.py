"""The loss: a mean square, of the right difference."""

import pytest
import torch

from medddim.diffusion import PATHS, Condition, Denoiser, ScanNoise, prediction_loss

PREDICTIONS = ("x0", "eps", "v", "residual")
CONDITION = Condition(torch.full((4, 1, 1, 1), 0.1, dtype=torch.float64))
LEVELS = torch.tensor([1.0, 0.7, 0.3, 0.01], dtype=torch.float64)


def stacks(slices):
    generator = torch.Generator().manual_seed(5)
    return torch.rand(2, 4, slices, 6, 6, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("path", [make() for make in PATHS.values()], ids=list(PATHS))
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("slices", [1, 3])
def test_the_loss_of_a_perfect_network_is_zero_and_of_one_off_by_d_is_d_squared(
    path, prediction, slices
):
    clean, source = stacks(slices)
    centre = slice(slices // 2, slices // 2 + 1)

    def network_off_by(error):
        def network(state, level, *, strength, scan):
            target = denoiser.target(clean[:, centre], source[:, centre], level, CONDITION)
            return target + error

        denoiser = Denoiser(network, path, prediction)
        return denoiser

    def loss(error):
        terms = {"clean": clean, "source": source, "level": LEVELS, "condition": CONDITION}
        return prediction_loss(network_off_by(error), **terms).item()

    assert loss(0.0) == 0
    assert loss(0.5) == pytest.approx(0.25, rel=1e-12)


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
