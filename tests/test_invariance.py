"""The answer depends on the scan, the model and the seed: not on how the work was cut."""

import numpy as np
import pytest
import torch

from medddim import checkpoint
from medddim.enhancer import Enhancer
from medddim.volume import Volume
from tests.phantoms import textured
from tests.recipes import tiny

CASES = {
    "scan-noise": ({}, {"path": "scan-noise", "prediction": "residual"}),
    "variance-preserving": (
        {"sees_scan": True},
        {"path": "variance-preserving", "prediction": "residual"},
    ),
    "3d": ({"spatial_dims": 3, "slices": 1}, {"path": "scan-noise", "prediction": "residual"}),
}
SHAPES = {2: (200, 168, 6), 3: (200, 24, 20)}


def enhancer(case, precision="fp32"):
    network, diffusion = CASES[case]
    recipe = tiny(network=network, diffusion=diffusion)
    torch.manual_seed(0)
    net = checkpoint.build_network(recipe).eval()
    for parameter in net.body.output_block.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    denoiser = checkpoint.build_denoiser(recipe, net)
    return Enhancer(recipe, denoiser, device=torch.device("cpu"), precision=precision)


def answer(wired, scan):
    return wired(scan, steps=2, seed=5, noise=40.0).voxels


def same(one, other, scan):
    return np.abs(one - other).max() <= 1e-5 * np.ptp(scan.voxels)


@pytest.mark.parametrize("case", CASES)
def test_tiles_do_not_change_the_answer(case):
    wired = enhancer(case)
    scan = textured(SHAPES[wired.recipe.network.spatial_dims])
    wired.tile = 1024
    whole = answer(wired, scan)
    assert np.abs(whole - scan.voxels).max() > 0.01 * np.ptp(scan.voxels)
    for tile in (64, 96):
        wired.tile = tile
        assert same(answer(wired, scan), whole, scan)


@pytest.mark.parametrize("case", ["scan-noise", "variance-preserving"])
def test_neither_does_the_batch_nor_the_number_of_threads(case, monkeypatch):
    wired, scan = enhancer(case), textured((48, 44, 17))
    usual, threads = answer(wired, scan), torch.get_num_threads()
    for batch in (1, 4, 16):
        monkeypatch.setattr("medddim.enhancer.BATCH", batch)
        assert same(answer(wired, scan), usual, scan)
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            assert same(answer(wired, scan), usual, scan)
    finally:
        torch.set_num_threads(threads)


def test_nor_the_order_of_the_slices():
    """Turned over, the scan gets the same answer turned over: nothing runs from first to last."""
    wired, scan = enhancer("scan-noise"), textured((48, 44, 9))
    torch.manual_seed(0)
    first = wired.denoiser.network.body.input_block
    for layer in (first.conv1, first.conv3):  # see the neighbours alike
        weight = layer.conv.weight.data
        weight[:, 8:12] = weight[:, 0:4]
    flipped = Volume(scan.voxels[..., ::-1], scan.affine, "MR")
    assert same(answer(wired, flipped)[..., ::-1], answer(wired, scan), scan)


def test_slices_estimated_in_reversed_order_are_the_same(monkeypatch):
    from medddim import tiling

    wired, scan = enhancer("variance-preserving"), textured((48, 44, 9))
    usual, batches = answer(wired, scan), tiling.slice_batches
    monkeypatch.setattr(tiling, "slice_batches", lambda *a, **k: reversed(list(batches(*a, **k))))
    assert same(answer(wired, scan), usual, scan)
