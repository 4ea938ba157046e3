"""The optimisers: what a step of Muon is, and that a kernel moves where it lies."""

import pytest
import torch
from torch import nn

from medddim.training.optimiser import Optimiser


@pytest.fixture(params=[torch.contiguous_format, torch.channels_last_3d])
def network(request):
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv3d(4, 12, 3), nn.Conv3d(12, 2, 1))
    return layers.to(memory_format=request.param)


def step(network, kind):
    before = [parameter.detach().clone() for parameter in network.parameters()]
    optimiser = Optimiser(network, kind=kind, learning_rate=0.01)
    for parameter in network.parameters():
        parameter.grad = torch.randn(
            parameter.shape, generator=torch.Generator().manual_seed(parameter.ndim)
        )
    optimiser.step(0.01)
    return [now.detach() - was for now, was in zip(network.parameters(), before, strict=True)]


def test_a_step_of_muon_is_orthogonal_and_as_long_as_one_of_adamw(network):
    kernel, *_ = step(network, "muon")
    rows = kernel.flatten(1)
    gram = rows @ rows.T
    lengths = gram.diagonal().sqrt()
    apart = gram / lengths[:, None] / lengths - torch.eye(12)
    assert apart.abs().max() < 0.3  # five iterations come near
    assert 0.5 < float(rows.square().mean().sqrt()) / (0.2 * 0.01) < 1.5


def test_few_channels_and_biases_are_left_to_adamw(network):
    _, bias, last, last_bias = step(network, "muon")
    for moved in (bias, last, last_bias):
        assert moved.abs().median() == pytest.approx(0.01, rel=0.1)


def test_adamw_alone_moves_every_kernel_by_the_rate(network):
    assert step(network, "adamw")[0].abs().median() == pytest.approx(0.01, rel=0.1)


def test_what_it_remembers_is_there_to_be_written_to(network):
    optimiser = Optimiser(network, kind="muon", learning_rate=0.01)
    for parameter in network.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimiser.step(0.0)
    remembered = dict(optimiser.tensors())
    assert set(remembered) == {name for name, _ in network.named_parameters()}
    assert set(remembered["0.weight"]) == {"momentum_buffer"}
    assert set(remembered["1.weight"]) == {"step", "exp_avg", "exp_avg_sq"}
    remembered["0.weight"]["momentum_buffer"].fill_(7)
    assert (dict(optimiser.tensors())["0.weight"]["momentum_buffer"] == 7).all()
