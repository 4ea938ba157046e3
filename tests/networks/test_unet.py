"""The U-Net: silent at the start, any size, and blind beyond a finite neighbourhood."""

import pytest
import torch
from torch import nn

from medddim.networks import UNet

RADIUS = 41
"""Voxels a 3-level network with unshuffle 2 sees to either side; medddim's shipped shape."""

SPOILT = (8, 24, 48, 96, 100, 192, 384, 500, 1000, 4000, 20000, 100000)
"""Sizes of freed memory full of NaN."""


def network(*, speaking=True, **shape):
    torch.manual_seed(0)
    net = UNet(**{"widths": (8, 8, 8), **shape}).eval()
    if speaking:
        for body in filter(None, (net.body, net.second)):
            nn.init.normal_(body.output_block.conv.conv.weight, std=0.1)
    return net


def run(net, state, *, level=1.0, noise=0.1, scan=None):
    maps = noise if isinstance(noise, torch.Tensor) else torch.full((1,) * state.ndim, noise)
    levels = torch.full((len(state),), level, dtype=torch.float64)
    with torch.inference_mode():
        return net(state, levels, strength=maps, scan=scan)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        ({"spatial_dims": 2, "slices": 3}, (2, 3, 16, 24)),
        ({"spatial_dims": 2, "slices": 1, "sees_scan": True}, (1, 1, 9, 7)),
        ({"spatial_dims": 3, "slices": 1, "widths": (4, 4, 4)}, (1, 1, 6, 8, 5)),
        ({"refine": (8, 8, 8)}, (1, 3, 9, 7)),
    ],
)
def test_a_fresh_network_predicts_exactly_zero(shape, size):
    state = torch.rand(size)
    scan = state if shape.get("sees_scan") else None
    output = run(network(speaking=False, **shape), state, scan=scan)
    assert output.shape == (size[0], 1, *size[2:])
    assert (output == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 5), (8, 8), (17, 33), (31, 64)])
def test_any_size_in_the_same_size_out(size):
    output = run(network(), torch.rand(2, 3, *size))
    assert output.shape == (2, 1, *size)
    assert output.isfinite().all()
    assert output.abs().max() > 0


@pytest.mark.parametrize("unshuffle", [1, 2, 4])
@pytest.mark.parametrize("levels", [3, 4])
def test_stride_is_what_the_grid_of_a_network_repeats_by(unshuffle, levels):
    assert UNet(widths=(4,) * levels, unshuffle=unshuffle).stride == unshuffle * 2 ** (levels - 1)


def test_no_layer_looks_at_the_whole_tile():
    kinds = {type(module).__name__ for module in network().modules()}
    assert not any("Norm" in kind or "Pool" in kind or "Attention" in kind for kind in kinds), kinds


def reach(net, size):
    """How far, at most, an output depends on inputs: all weights positive, so nothing cancels."""
    for parameter in net.parameters():
        parameter.data = torch.ones_like(parameter) / parameter.numel() ** 0.5
    middle = size // 2 // net.stride * net.stride
    furthest = 0
    for phase in range(net.stride):  # the network's grid repeats with its stride
        state = torch.ones(1, 1, size, net.stride, requires_grad=True)
        answer = net(state, torch.ones(1), strength=torch.ones(1, 1, 1, 1))
        answer[0, 0, middle + phase, 0].backward()
        rows = state.grad.abs().sum(dim=(0, 1, 3)).nonzero()
        furthest = max(furthest, *(rows - middle - phase).abs().flatten().tolist())
    return furthest


def test_the_receptive_radius_is_finite_and_known():
    assert reach(UNet(widths=(2, 2, 2), unshuffle=2, slices=1), 256) == RADIUS


def test_a_far_voxel_changes_nothing_and_a_near_one_does():
    net, state = network(slices=1), torch.rand(1, 1, 160, 16)
    before = run(net, state)
    state[0, 0, 150, 8] += 10
    changed = (run(net, state) != before).flatten(2).reshape(160, 16).any(dim=1).nonzero()
    assert 140 < changed.max() < 160
    assert changed.min() >= 150 - RADIUS


def test_a_tile_with_enough_halo_gives_the_values_of_the_whole():
    net, state = network(), torch.rand(1, 3, 208, 208)
    whole = run(net, state)
    halo = -(-RADIUS // net.stride) * net.stride
    for first in (48, 80):
        inside = slice(first, first + 64)
        grown = slice(first - halo, first + 64 + halo)
        tile = run(net, state[..., grown, grown])[..., halo:-halo, halo:-halo]
        assert (tile - whole[..., inside, inside]).abs().max() < 1e-5


def test_an_answer_does_not_depend_on_its_batch():
    net, state = network(), torch.rand(4, 3, 16, 16)
    one_by_one = torch.cat([run(net, item[None]) for item in state])
    assert torch.allclose(run(net, state), one_by_one, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dims", [2, 3])
def test_a_constant_noise_map_equals_its_constant(dims):
    size = (9, 13, 6)[:dims]
    net, state = network(spatial_dims=dims, slices=1, widths=(4, 4, 4)), torch.rand(2, 1, *size)
    expected = run(net, state, noise=0.2)
    for shape in [size, (1,) * dims, (size[0],) + (1,) * (dims - 1)]:
        noise = torch.full((2, 1, *shape), 0.2)
        assert torch.allclose(run(net, state, noise=noise), expected, rtol=0, atol=1e-6)


def test_the_noise_map_the_level_and_the_neighbours_matter():
    net, state = network(), torch.rand(1, 3, 16, 16)
    base = run(net, state)
    ramp = torch.linspace(0.05, 0.2, 16).reshape(1, 1, 16, 1)
    turned = state[:, [2, 1, 0]]
    others = [run(net, state, noise=ramp), run(net, state, level=0.5), run(net, turned)]
    assert all((other - base).abs().max() > 1e-4 for other in others)


def test_the_scan_is_seen_only_when_asked_for():
    net, state = network(sees_scan=True), torch.rand(1, 3, 16, 16)
    one, other = (run(net, state, scan=torch.full_like(state, value)) for value in (0.0, 1.0))
    assert (one - other).abs().max() > 1e-4


def test_every_weight_learns():
    net = network()
    net(
        torch.rand(1, 3, 16, 16), torch.ones(1), strength=torch.ones(1, 1, 1, 1)
    ).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in net.parameters())


@pytest.mark.parametrize(
    ("unshuffle", "widths"), [(1, (2, 2, 2)), (2, (2, 2, 2)), (2, (2, 2, 2, 2))]
)
@pytest.mark.parametrize("more", [{}, {"detail_gain": 8.0}, {"refine": (2, 2, 2)}])
def test_the_halo_covers_the_receptive_radius(unshuffle, widths, more):
    net = UNet(widths=widths, unshuffle=unshuffle, slices=1, **more)
    radius = reach(net, 512)
    assert radius <= net.halo
    assert net.halo < 1.6 * radius


def test_the_second_network_sees_the_scan_and_what_the_first_one_says():
    net, state = network(refine=(8, 8, 8)), torch.rand(1, 3, 16, 16)
    both = run(net, state)
    nn.init.zeros_(net.second.output_block.conv.conv.weight)
    first = run(net, state)
    assert not torch.equal(both, first)
    alone = network(widths=(8, 8, 8))
    for name, tensor in alone.named_parameters():
        tensor.data = dict(net.named_parameters())[name].data[: len(tensor)]
    assert torch.equal(run(alone, state), first)


@pytest.mark.daily(1)
@pytest.mark.parametrize(("dims", "size"), [(2, (80, 8)), (2, (160, 5)), (3, (24, 48, 8))])
def test_a_thin_image_gets_a_finite_answer_in_bfloat16(dims, size):
    net = network(spatial_dims=dims, slices=1, widths=(16, 32, 32))
    state, answers = torch.rand(1, 1, *size), []
    for _ in range(40):
        spoilt = [torch.full((count,), torch.nan) for count in SPOILT]
        del spoilt  # what is freed is what a faulty kernel reads
        with torch.autocast("cpu", torch.bfloat16):
            answers.append(run(net, state))
    assert answers[0].isfinite().all()
    assert all(torch.equal(answer, answers[0]) for answer in answers)


def test_amplified_detail_makes_a_small_difference_a_large_one():
    def change(gain):
        net, state = network(detail_gain=gain), torch.full((1, 3, 16, 16), 0.5)
        before = run(net, state)
        state[..., 8, 8] += 0.001
        return (run(net, state) - before).abs().max()

    assert change(16.0) > 3 * change(1.0)


def test_the_scan_is_heard_and_the_state_not_yet():
    net, state, scan = network(sees_scan=True), torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    base = run(net, state, scan=scan)
    assert torch.equal(run(net, torch.rand(1, 3, 16, 16), scan=scan), base)
    assert (run(net, state, scan=torch.rand(1, 3, 16, 16)) - base).abs().max() > 1e-4
