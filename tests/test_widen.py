"""tools/widen.py: a larger network that begins with the answers of a smaller one."""

import runpy
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

from medddim.checkpoint import Checkpoint

TOOL = Path(__file__).parents[1] / "tools" / "widen.py"


def answer(model, seen):
    checkpoint = Checkpoint.open(model)
    network = checkpoint.denoiser(torch.device("cpu")).network.eval()
    middle, half = seen.shape[1] // 2, checkpoint.recipe.network.slices // 2
    state = seen[:, middle - half : middle + half + 1]
    with torch.no_grad():
        return network(state, torch.tensor([0.7]), strength=torch.full((1, 1, 1, 1), 0.1))


@pytest.mark.daily(2)
@pytest.mark.usefixtures("shipped_models")
def test_a_network_that_reads_the_noise_becomes_wider(tmp_path):
    widened("mr-denoise-fast", ["--widths", "64", "80", "104"], tmp_path / "larger")
    seen = torch.randn(1, 1, 32, 16, 24, generator=torch.Generator().manual_seed(0))
    strength = torch.full((1, 8, 1, 1, 1), 0.1)
    before, after = (
        Checkpoint.open(model).denoiser(torch.device("cpu")).network
        for model in ("mr-denoise-fast", tmp_path / "larger")
    )
    with torch.no_grad():
        one, other = (net(seen, torch.ones(1), strength=strength) for net in (before, after))
    assert one.abs().max() > 1
    assert other.numpy() == pytest.approx(one.numpy(), abs=1e-4)


def test_what_a_network_has_not_cannot_be_larger(tmp_path, capsys):
    with pytest.raises(SystemExit):
        widened("mr-denoise-fast", ["--slices", "3"], tmp_path / "larger")
    assert "a noise-unet has no slices" in capsys.readouterr().err


def widened(model, larger, folder):
    words = [TOOL, model, *larger, "-o", folder]
    with patch.object(sys, "argv", [str(word) for word in words]):
        runpy.run_path(str(TOOL), run_name="__main__")


@pytest.mark.daily(2)
@pytest.mark.usefixtures("shipped_models")
@pytest.mark.parametrize(
    "larger",
    [
        ["--slices", "5"],
        ["--widths", "72", "136", "200"],
        ["--refine", "16", "24", "32"],
        ["--widths", "72", "136", "200", "--refine", "16", "24", "32", "--slices", "7"],
    ],
    ids=" ".join,
)
def test_a_larger_network_gives_the_same_answers(larger, tmp_path):
    widened("ct-denoise", larger, tmp_path / "larger")
    seen = torch.randn(1, 7, 48, 40, generator=torch.Generator().manual_seed(0))
    before = answer("ct-denoise", seen)
    assert before.abs().max() > 1
    assert answer(tmp_path / "larger", seen) == pytest.approx(before, abs=1e-4)
    count = {
        name: sum(
            t.numel()
            for t in Checkpoint.open(model).denoiser(torch.device("cpu")).network.parameters()
        )
        for name, model in (("small", "ct-denoise"), ("large", tmp_path / "larger"))
    }
    assert count["large"] > count["small"]
