"""The Denoiser: whatever the network predicts, the estimate is the same."""

import pytest
import torch

from medddim.diffusion import PATHS, Condition, Denoiser, ScanNoise, VariancePreserving
from medddim.diffusion.denoiser import middle
from medddim.errors import DiffusionError
from tests.diffusion.gaussian import Gaussian, PerfectNetwork

PREDICTIONS = ("x0", "eps", "v", "residual")
CONDITION = Condition(torch.full((1, 1, 1, 1), 0.25, dtype=torch.float64))
every_path = pytest.mark.parametrize("path", [make() for make in PATHS.values()], ids=list(PATHS))
every_prediction = pytest.mark.parametrize("prediction", PREDICTIONS)


def images(*shape):
    generator = torch.Generator().manual_seed(3)
    return torch.rand(2, *shape, generator=generator, dtype=torch.float64)


@every_path
@every_prediction
def test_a_network_that_meets_its_target_recovers_the_clean_scan(path, prediction):
    clean, source = images(2, 1, 4, 4)
    levels = torch.tensor([0.9, 0.1], dtype=torch.float64)

    def oracle(state, level, *, strength, scan):
        return denoiser.target(clean, source, level, CONDITION)

    denoiser = Denoiser(oracle, path, prediction)
    estimate = denoiser(path.state(clean, source, levels), levels, CONDITION)
    assert (estimate - clean).abs().max() < 1e-14


@every_path
def test_every_prediction_gives_the_same_estimate(path):
    world = Gaussian(path)
    state = images(2, 1, 4, 4)[0]
    x0, *others = (
        Denoiser(PerfectNetwork(world, prediction), path, prediction)(state, 0.8, CONDITION)
        for prediction in PREDICTIONS
    )
    assert all((other - x0).abs().max() < 1e-13 for other in others)


@pytest.mark.parametrize("prediction", ["eps", "residual"])
def test_what_divides_by_alpha_is_an_error_where_alpha_is_0(prediction):
    path = VariancePreserving()
    denoiser = Denoiser(PerfectNetwork(Gaussian(path), prediction), path, prediction)
    with pytest.raises(DiffusionError, match="x0 or v"):
        denoiser(images(2, 1, 4, 4)[0], 1.0, CONDITION)


@pytest.mark.parametrize("prediction", ["x0", "v"])
def test_x0_and_v_work_where_alpha_is_0(prediction):
    path = VariancePreserving()
    estimate = Denoiser(PerfectNetwork(Gaussian(path), prediction), path, prediction)(
        images(2, 1, 4, 4)[0], 1.0
    )
    assert (estimate - 0.3).abs().max() < 1e-15


def test_a_residual_of_zero_leaves_the_scan_as_it_is():
    def silent(state, level, *, strength, scan):
        return torch.zeros_like(middle(state))

    state = images(2, 3, 4, 4)[0]
    assert torch.equal(
        Denoiser(silent, ScanNoise(), "residual")(state, 1.0, CONDITION), state[:, 1:2]
    )


def test_the_network_gets_the_level_of_each_item_and_the_condition():
    seen = {}

    def spy(state, level, *, strength, scan):
        seen.update(level=level, strength=strength, scan=scan)
        return middle(state)

    scan = images(2, 3, 4, 4)[1]
    Denoiser(spy, ScanNoise())(images(2, 3, 4, 4)[0], 0.5, Condition(CONDITION.strength, scan))
    assert seen["level"].tolist() == [0.5, 0.5]
    assert seen["strength"] is CONDITION.strength
    assert seen["scan"] is scan


def test_a_residual_needs_to_know_the_noise():
    with pytest.raises(DiffusionError, match="degradation"):
        Denoiser(PerfectNetwork(Gaussian(ScanNoise()), "residual"), ScanNoise(), "residual")(
            images(2, 1, 4, 4)[0], 1.0
        )


def test_an_unknown_prediction_is_refused_with_the_known_ones():
    with pytest.raises(DiffusionError, match="'x1'; known: x0, eps, v, residual"):
        Denoiser(lambda *_, **__: None, ScanNoise(), "x1")


def test_the_middle_of_a_stack_keeps_its_channel_axis():
    stack = images(2, 5, 4, 4)[0]
    assert torch.equal(middle(stack), stack[:, 2:3])


def test_the_residual_of_the_scan_that_is_shown_recovers_the_clean_scan():
    clean, scan = images(2, 1, 4, 4)
    shown = Condition(CONDITION.strength, scan)

    def oracle(state, level, *, strength, scan):
        return denoiser.target(clean, 0 * clean, level, shown)

    denoiser = Denoiser(oracle, VariancePreserving(), "residual")
    assert (denoiser(0 * scan, 1.0, shown) - clean).abs().max() < 1e-14
