"""The network that reads the noise, and the contract every network keeps."""

import pytest
import torch
from torch import nn

from medddim.errors import RecipeError
from medddim.networks import NETWORKS, NoiseUNet, UNet, require_tileable
from medddim.networks.noise_unet import MAPS


def wired(seed=0, **arguments):
    torch.manual_seed(seed)
    network = NoiseUNet(widths=(8, 8, 8), **arguments).eval()
    for parameter in network.parameters():
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network


def strength(level=0.05, shape=(1, 1, 1)):
    maps = torch.zeros(1, MAPS, *shape)
    maps[:, 0] = level
    return maps


ONE = torch.ones(1, dtype=torch.float64)


def test_the_table_names_every_network():
    assert NETWORKS == {"unet": UNet, "noise-unet": NoiseUNet}


@pytest.mark.parametrize("shape", [(1, 20, 24), (5, 16, 17), (33, 8, 40)])
def test_the_answer_has_the_shape_of_the_state(shape):
    state = torch.rand(1, 1, *shape)
    answer = wired()(state, ONE, strength=strength())
    assert answer.shape == state.shape
    assert answer.isfinite().all()


def test_it_begins_with_nothing_to_take_away():
    network = NoiseUNet(widths=(8, 8, 8))
    answer = network(torch.rand(1, 1, 16, 16, 16), ONE, strength=strength())
    assert not answer.any()


def test_every_map_matters_and_the_level_may_vary_over_the_image():
    network, state = wired(), torch.rand(1, 1, 16, 16, 16)
    plain = network(state, ONE, strength=strength())
    for number in range(MAPS):
        changed = strength()
        changed[:, number] += 0.3
        assert not torch.equal(network(state, ONE, strength=changed), plain)
    even = network(state, ONE, strength=strength(shape=(16, 16, 16)))
    assert torch.allclose(even, plain, atol=1e-6)
    map_ = strength(shape=(16, 16, 16))
    map_[:, 0, 8:] *= 3
    assert not torch.allclose(network(state, ONE, strength=map_), plain, atol=1e-3)


def test_what_lies_beyond_the_halo_does_not_matter():
    network = wired()
    state = torch.rand(1, 1, 16 + 2 * network.halo, 16, 16)
    other = state.clone()
    other[:, :, :8], other[:, :, -8:] = 5, 5
    middle = slice(network.halo, network.halo + 16)
    answers = [network(one, ONE, strength=strength())[:, :, middle] for one in (state, other)]
    far = (answers[0][:, :, 8:] - answers[1][:, :, 8:]).abs()
    assert far[:, :, :1].max() < 1e-5


@pytest.mark.parametrize("norm", [nn.GroupNorm(2, 4), nn.InstanceNorm3d(4), nn.LayerNorm(4)])
def test_networks_that_normalise_over_the_tile_are_refused_by_name(norm):
    with pytest.raises(RecipeError, match=f"1: {type(norm).__name__}.*seams"):
        require_tileable(nn.Sequential(nn.Conv3d(1, 4, 3), norm))
    require_tileable(wired())
