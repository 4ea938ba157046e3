"""How long a model takes in bf16 and in fp32 on this machine, and how far they differ.

python benchmarks/precision.py --model mr-denoise
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from medddim.inference.enhancer import Enhancer
from medddim.networks import choose_precision
from medddim.volume import Volume

SIZE, ROUNDS, NOISE = 192, 3, 50.0


def main() -> None:
    """Time both in turn; the quickest of some rounds counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mr-denoise")
    asked = parser.parse_args()
    generator = np.random.default_rng(0)
    voxels = 500 + NOISE * generator.standard_normal((1, SIZE, SIZE, 1))
    slice_ = Volume(voxels.astype(np.float32), np.diag([1.0, 1.0, 3.0, 1.0]))
    wired = {kind: Enhancer.load(asked.model, precision=kind) for kind in ("bf16", "fp32")}
    seconds: dict[str, list[float]] = {kind: [] for kind in wired}
    answers = {}
    for _ in range(ROUNDS):
        for kind, enhancer in wired.items():
            began = time.perf_counter()
            answers[kind] = enhancer(slice_, noise=NOISE).voxels
            seconds[kind].append(time.perf_counter() - began)
    quickest = {kind: min(times) for kind, times in seconds.items()}
    apart = float(np.sqrt(np.mean((answers["bf16"] - answers["fp32"]) ** 2))) / NOISE
    chosen = choose_precision(torch.device("cpu"), "auto")
    print(f"bf16 takes {quickest['bf16'] / quickest['fp32']:.2f} times as long as fp32 on this CPU")
    print(f"their answers differ by {apart:.2e} of the noise (root mean square)")
    print(f"auto is {chosen} here")


if __name__ == "__main__":
    main()
