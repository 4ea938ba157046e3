"""RED-CNN (Chen et al. 2017, arXiv 1702.00288), the usual learned baseline for low-dose CT.

    python benchmarks/red_cnn.py SCANS -o red-cnn.safetensors
    python benchmarks/quality.py SCANS --model ct-denoise --red-cnn red-cnn.safetensors ...

Ten layers of 96 filters of 5 x 5, shortcuts and squared error as in the paper. It is trained on the
pairs of a recipe of ours: the same scans, doses, kernels and augmentation. It does not get the
level of the noise, as in the paper. It begins by saying what a step of it and one of the recipe's
network cost: 52 and 41 GFLOP with the defaults, so that 7000 of these are 0.37 PFLOP, 8000 of those
0.33.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from medddim.checkpoint import build_network
from medddim.networks import autocast
from medddim.recipe import Recipe
from medddim.scaling import Scaling
from medddim.training.dataset import PairSource
from medddim.training.scans import chosen, read_all
from medddim.volume import Volume

RECIPE = Path(__file__).parents[1] / "medddim" / "recipes" / "ct_denoise_2d.yaml"
FILTERS, SHORTCUT_AFTER = 96, (1, 3)
CPU = torch.device("cpu")


class RedCnn(nn.Module):
    """Five convolutions and five transposed ones, without padding; images `(n, 1, h, w)`."""

    def __init__(self) -> None:
        super().__init__()
        ends = [1, FILTERS, FILTERS, FILTERS, FILTERS, FILTERS]
        pairs = list(itertools.pairwise(ends))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 5) for a, b in pairs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 5) for a, b in reversed(pairs))

    def forward(self, image: Tensor) -> Tensor:
        """The clean image, in the range of `image`."""
        x, kept = image, [image]
        for number, layer in enumerate(self.down):
            x = functional.relu(layer(x))
            if number in SHORTCUT_AFTER:
                kept.append(x)
        for number, layer in enumerate(self.up):
            x = layer(x)
            if number % 2 == 0:
                x = x + kept.pop()
            x = functional.relu(x) if number < len(self.up) - 1 else x
        return x


def gflop(network: nn.Module, *inputs: Tensor, **known: Tensor) -> float:
    """What a step of training costs, forward and back, as torch counts it."""
    with FlopCounterMode(display=False) as counter:
        network(*inputs, **known).sum().backward()
    network.zero_grad()
    return float(counter.get_total_flops()) / 1e9


def say_costs(recipe: Recipe, network: nn.Module, *, batch: int, patch: int) -> None:
    """Print them, of `network` and of the recipe's own."""
    size, own = recipe.training, build_network(recipe)
    seen = torch.zeros(size.batch, recipe.network.slices, size.patch, size.patch)
    level = torch.ones(1, 1, 1, 1)
    theirs = gflop(own, seen, torch.ones(size.batch), strength=level)
    print(f"a step of RED-CNN: {gflop(network, torch.zeros(batch, 1, patch, patch)):.1f} GFLOP")
    print(f"a step of {recipe.name}: {theirs:.1f} GFLOP", flush=True)


def main() -> None:
    """Train; say the loss as it goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--steps", type=int, default=7000)
    parser.add_argument("--rate", type=float, default=3e-4, help="of learning, at the start")
    parser.add_argument("--patch", type=int, default=48)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    torch.manual_seed(0)
    recipe, network = Recipe.load(RECIPE), RedCnn()
    say_costs(recipe, network, batch=asked.batch, patch=asked.patch)
    training = recipe.training.model_copy(update={"patch": asked.patch, "batch": asked.batch})
    recipe = recipe.model_copy(
        update={"training": training, "network": recipe.network.model_copy(update={"slices": 1})}
    )
    scans = read_all(chosen(recipe.data, asked.scans, modality="CT")[0], modality="CT")
    source = PairSource(recipe, list(scans.values()))
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters(), lr=asked.rate)
    losses: list[float] = []
    for step in range(asked.steps):
        for group in optimiser.param_groups:
            group["lr"] = asked.rate * min(1, 2 * (1 - step / asked.steps))
        pairs = source.draw(step)
        with autocast(CPU, "auto"):
            scan = torch.from_numpy(pairs.scan).contiguous(memory_format=torch.channels_last)
            answer = network(scan)
        loss = functional.mse_loss(answer.float(), torch.from_numpy(pairs.clean))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
        if step % 100 == 99:
            print(f"{step + 1}: loss {np.mean(losses[-100:]):.5f}", flush=True)
        if step % 500 == 499 or step == asked.steps - 1:
            save_file({k: v.contiguous() for k, v in network.state_dict().items()}, asked.output)


class RedCnnMethod:
    """A trained RED-CNN as one more method of quality.py; the noise level is ignored."""

    def __init__(self, weights: Path) -> None:
        self.recipe, self.network = Recipe.load(RECIPE), RedCnn().eval()
        self.network.load_state_dict(load_file(weights))
        self.network.to(memory_format=torch.channels_last)

    def __call__(self, volume: Volume, *, noise: float) -> Volume:
        """The scan denoised slice by slice, in HU."""
        scaling = Scaling.fit(volume, **self.recipe.scaling.model_dump())
        images = np.moveaxis(scaling.apply(volume.voxels[0]), volume.slice_axis, 0)
        answer = np.empty_like(images)
        for number, image in enumerate(images):
            padded = functional.pad(torch.from_numpy(image)[None, None], (12,) * 4, "reflect")
            with torch.inference_mode(), autocast(CPU, "auto"):
                answer[number] = self.network(padded)[0, 0, 12:-12, 12:-12].float().numpy()
        return volume.with_voxels(scaling.undo(np.moveaxis(answer, 0, volume.slice_axis))[None])


if __name__ == "__main__":
    main()
