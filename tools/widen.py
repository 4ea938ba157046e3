"""Begin a larger network with the weights of a smaller one: tools/widen.py MODEL WIDTH... -o DIR.

With --refine WIDTH... a second U-Net stands behind the first, silent. New channels start with
random weights of their own and are heard by nobody, so that the larger network gives the same
answers (Chen et al. 2016, Net2Net, arXiv 1511.05641, in spirit). A recipe goes on from DIR with
`training.start_from`.
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from medddim.checkpoint import WEIGHTS, Checkpoint, build_network, named_tensors, save


def main() -> None:
    """Write the checkpoint folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("widths", type=int, nargs="+")
    parser.add_argument("--refine", type=int, nargs="+", default=[])
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    narrow = Checkpoint.open(asked.model)
    larger = {"widths": tuple(asked.widths), "refine": tuple(asked.refine)}
    network = narrow.recipe.network.model_copy(update=larger)
    recipe = narrow.recipe.model_copy(update={"network": network})
    torch.manual_seed(recipe.training.seed)
    wide = build_network(recipe)
    for name, tensor in load_file(narrow.folder / WEIGHTS).items():
        widen(tensor.float(), into=named_tensors(wide)[name].data, turned="transp_conv" in name)
    save(asked.output, recipe, wide)


def widen(weights: Tensor, *, into: Tensor, turned: bool) -> None:
    """Copy a layer, and silence its new inputs for its old outputs; `turned`: inputs come first."""
    if weights.ndim == 1:
        into[: len(weights)] = weights
        return
    if turned:
        weights, into = weights.transpose(0, 1), into.transpose(0, 1)
    outputs, inputs = weights.shape[:2]
    # Where a skip is joined, the inputs are two halves, and each half has grown.
    halves = 2 if inputs % 2 == 0 and inputs != into.shape[1] and inputs == 2 * outputs else 1
    if not turned and halves == 2:
        old, new = weights.chunk(2, 1), into.chunk(2, 1)
    else:
        old, new = (weights,), (into,)
    for narrow, wide in zip(old, new, strict=True):
        wide[:outputs] = 0
        wide[:outputs, : narrow.shape[1]] = narrow


if __name__ == "__main__":
    main()
