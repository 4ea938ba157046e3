"""The mean of the weights of two models, where one is a fine-tuning of the other.

    python tools/average.py MODEL FINE_TUNED [--share 0.5] -o DIR

SHARE is that of the fine-tuned one. The mean keeps most of what each of the two does better
(Wortsman et al. 2022, WiSE-FT, arXiv 2109.01903). The recipe is that of FINE_TUNED.
"""

import argparse
from pathlib import Path

from safetensors.torch import load_file

from medddim.checkpoint import Checkpoint, build_network, copy_tensors, named_tensors, save
from medddim.models import WEIGHTS

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("model")
parser.add_argument("fine_tuned")
parser.add_argument("--share", type=float, default=0.5)
parser.add_argument("-o", "--output", type=Path, required=True)
asked = parser.parse_args()

both = [Checkpoint.open(name) for name in (asked.model, asked.fine_tuned)]
one, other = (load_file(checkpoint.folder / WEIGHTS) for checkpoint in both)
network = build_network(both[1].recipe)
mean = {
    name: (1 - asked.share) * one[name].float() + asked.share * tensor.float()
    for name, tensor in other.items()
}
copy_tensors(mean, into=named_tensors(network))
save(asked.output, both[1].recipe, network)
