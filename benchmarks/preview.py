"""What does one slice cost while somebody waits for it, against its network alone?

    python benchmarks/preview.py [--models mr-denoise-fast mr-denoise ct-denoise]

A scan of 256 x 256 x 24 voxels with noise, its plan made once (what that takes stands beside it),
the model loaded. The network alone is called on as many slices as the preview gives it, and on no
more. CPU seconds on one thread, the least of three runs.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any

import torch
from quality import table
from speed import cpu_seconds, noisy_head

from medddim.inference.enhancer import Enhancer
from medddim.networks.contract import Network


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    models = ["mr-denoise-fast", "mr-denoise", "ct-denoise"]
    parser.add_argument("--models", nargs="+", default=models)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    rows = [row(model) for model in asked.models]
    print(table(["model", "plan", "preview", "network alone", "preview / network"], rows))


def row(model: str) -> list[str]:
    """The seconds of one model."""
    enhancer = Enhancer.load(model, precision="fp32")
    scan = noisy_head("slices")[1]
    if enhancer.recipe.modality == "CT":
        scan = replace(scan, voxels=scan.voxels * 1000 - 1000, modality="CT", unit="HU")
    plan = enhancer.plan(scan)
    calls: list[tuple[Any, dict[str, Any]]] = []
    network = enhancer.denoiser.network
    assert isinstance(network, Network)  # for the type checker
    keep = network.register_forward_pre_hook(
        lambda _, given, named: calls.append((given, named)), with_kwargs=True
    )
    enhancer.preview(scan, 12, plan=plan)
    keep.remove()

    def alone() -> None:
        with torch.inference_mode():
            for given, named in calls:
                network(*given, **named)

    planned = cpu_seconds(lambda: enhancer.plan(scan))
    shown = cpu_seconds(lambda: enhancer.preview(scan, 12, plan=plan))
    bare = cpu_seconds(alone)
    return [model, *(f"{one:.3f}" for one in (planned, shown, bare)), f"{shown / bare:.2f}"]


if __name__ == "__main__":
    main()
