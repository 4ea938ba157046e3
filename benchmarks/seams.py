"""Does tiling leave seams? One real scan, enhanced whole and in tiles.

    python benchmarks/seams.py SCAN [--model mr-denoise] [--tiles 64 96] [--slices 3] [--factor 2]

The largest difference, as a share of the range of the scan, in float32 and in bfloat16.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.training.dataset import middle_slices


def main() -> None:
    """One line for each tile and number format."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path)
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--tiles", type=int, nargs="+", default=[64, 96])
    parser.add_argument("--slices", type=int, default=3, help="only so many, in the middle")
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--factor", type=int, help="for a super-resolution model")
    asked = parser.parse_args()
    scan = middle_slices(formats.read(asked.scan), asked.slices)
    print("| number format | tile | largest difference |\n| --- | --- | --- |")
    for precision in ("fp32", "bf16"):
        enhancer = Enhancer.load(asked.model, precision=precision)
        answers = {}
        for enhancer.tile in (10_000, *asked.tiles):
            answers[enhancer.tile] = enhancer(scan, steps=asked.steps, factor=asked.factor)
        whole = answers.pop(10_000)
        for tile, answer in answers.items():
            difference = np.abs(answer.voxels - whole.voxels).max() / np.ptp(scan.voxels)
            print(f"| {precision} | {tile} | {difference:.1e} |", flush=True)


if __name__ == "__main__":
    main()
