"""Begin a larger network with the weights of a smaller one: tools/widen.py MODEL -o DIR.

--widths makes the U-Net wider, --refine puts a second one behind it, silent, or widens that;
--slices lets it see more slices. What is not named stays as it is. New channels start with
random weights of their own and are heard by nobody, so that the larger network gives the same
answers (Chen et al. 2016, Net2Net, arXiv 1511.05641, in spirit). A recipe goes on from DIR with
`training.start_from`.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from medddim.checkpoint import Checkpoint, build_network, named_tensors, save
from medddim.models import WEIGHTS


def main() -> None:
    """Write the checkpoint folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--widths", type=int, nargs="+")
    parser.add_argument("--refine", type=int, nargs="+")
    parser.add_argument("--slices", type=int)
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    narrow = Checkpoint.open(asked.model)
    larger = {"widths": asked.widths, "refine": asked.refine, "slices": asked.slices}
    larger = {name: value for name, value in larger.items() if value}
    known = narrow.recipe.network
    if other := larger.keys() - type(known).model_fields:
        parser.error(f"a {known.kind} has no {', '.join(sorted(other))}")
    network = type(known)(**known.model_dump() | larger)
    recipe = narrow.recipe.model_copy(update={"network": network})
    folded = network.unshuffle**network.spatial_dims
    seen = known.slices * folded
    more = (network.slices * folded - seen) // 2
    if more and (network.sees_scan or getattr(network, "detail_gain", 0)):
        parser.error("--slices expects a network that sees nothing but the state")
    torch.manual_seed(recipe.training.seed)
    wide = build_network(recipe)
    for name, tensor in load_file(narrow.folder / WEIGHTS).items():
        weights = tensor.float()
        if "input_block.conv" in name and ".conv2." not in name:  # sees the slices themselves
            weights = between_silent(weights, seen=seen, more=more)
        layer = named_tensors(wide)[name].data
        joined = "upsamples" in name and "conv_block.conv1" in name
        widen(weights, into=layer, turned="transp_conv" in name, joined=joined)
    save(asked.output, recipe, wide)


def between_silent(weights: Tensor, *, seen: int, more: int) -> Tensor:
    """The weights of a first layer that sees `more` channels on both sides of the `seen` ones."""
    images, others = weights[:, :seen], weights[:, seen:]
    silent = torch.zeros_like(images[:, :1]).expand(-1, more, *images.shape[2:])
    return torch.cat([silent, images, silent, others], 1)


def widen(weights: Tensor, *, into: Tensor, turned: bool, joined: bool) -> None:
    """Copy a layer, and silence its new inputs for its old outputs.

    `turned`: inputs come first. `joined`: a skip is joined to them, so that they are two halves,
    and each half has grown.
    """
    if weights.ndim == 1:
        into[: len(weights)] = weights
        return
    if turned:
        weights, into = weights.transpose(0, 1), into.transpose(0, 1)
    outputs, inputs = weights.shape[:2]
    if joined and inputs != into.shape[1]:
        old, new = weights.chunk(2, 1), into.chunk(2, 1)
    else:
        old, new = (weights,), (into,)
    for narrow, wide in zip(old, new, strict=True):
        wide[:outputs] = 0
        wide[:outputs, : narrow.shape[1]] = narrow


if __name__ == "__main__":
    main()
