"""How good is super-resolution? Isotropic scans, made coarse and then fine, by model and baselines.

    python benchmarks/superres.py SCAN... [--model mr-superres] [--factors 4,1,1 2,2,2] [--last 1]

A SCAN is a file or a folder of scans taken as the truth; the first factor is that of the slices.
`--last 0.25` judges the last quarter of the slices only, the part a model was not trained on. With
nothing measured but means over blocks, every method has the same to go by. Times are of one
run, side by side, on this machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK
from quality import per_subject, summary

from medddim import formats
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.training.scans import some_slices
from medddim.volume import Array, Volume

Method = Callable[[LargerVoxels, Volume], Volume]
Factors = tuple[int, int, int]


def main() -> None:
    """Measure, print, and write the tables if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-superres")
    parser.add_argument("--factors", type=_factors, nargs="+", default=[(4, 1, 1), (2, 2, 2)])
    parser.add_argument("--steps", type=int, nargs="+", default=[1])
    parser.add_argument("--last", type=float, default=1.0, help="share of the slices to judge")
    parser.add_argument("-o", "--output", type=Path, help="write the tables here too (Markdown)")
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    methods: dict[str, Method] = {
        "cubic": cubic,
        "lanczos": lanczos,
        "cubic, consistent": lambda larger, coarse: larger.finer(coarse),
    }
    for steps in asked.steps:
        methods[f"{enhancer.name}, {steps} steps"] = partial(_enhanced, enhancer, steps)
    rows = list(measure(asked, methods))
    labels = {row["level"]: "x".join(map(str, row["level"])) for row in rows}
    text = "\n\n".join(
        [*(per_subject(rows, level, labels) for level in labels), summary(rows, labels)]
    )
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def _factors(text: str) -> Factors:
    x, y, z = (int(part) for part in text.split(","))
    return (x, y, z)


def measure(asked: argparse.Namespace, methods: dict[str, Method]) -> Iterator[dict]:
    """One row for each scan, factor and method."""
    for series in formats.find(*asked.scans):
        whole = some_slices(formats.read(series).taken_for("MR"), 1 - asked.last, 1.0)
        for factors in asked.factors:
            clean, larger = divisible(whole, factors)
            coarse = larger(clean, np.random.default_rng(0))
            for name, method in methods.items():
                began = time.perf_counter()
                fine = method(larger, coarse)
                seconds = time.perf_counter() - began
                scores = compare(fine, clean).as_dict()
                print(f"{series.name} {factors} {name}: {scores['psnr_db']:.2f} dB", flush=True)
                row = {"scan": series.name, "level": factors, "method": name, "seconds": seconds}
                yield row | scores


def divisible(scan: Volume, factors: Factors) -> tuple[Volume, LargerVoxels]:
    """The scan without the voxels at its ends that fill no larger one.

    The first factor is that of the slices.
    """
    order = [scan.slice_axis, *(axis for axis in range(3) if axis != scan.slice_axis)]
    along = [0, 0, 0]
    for axis, factor in zip(order, factors, strict=True):
        along[axis] = factor
    larger = LargerVoxels((along[0], along[1], along[2]))
    kept = (slice(n // f * f) for n, f in zip(scan.shape, along, strict=True))
    return scan.crop(*kept), larger


def cubic(larger: LargerVoxels, coarse: Volume) -> Volume:
    """A cubic spline."""
    return larger.on_finer_grid(coarse, np.stack([larger.cubic(image) for image in coarse.voxels]))


def lanczos(larger: LargerVoxels, coarse: Volume) -> Volume:
    """SimpleITK's windowed sinc of radius 5."""

    def finer(image: Array) -> Array:
        source = SimpleITK.GetImageFromArray(image.T)
        grid = SimpleITK.ResampleImageFilter()
        grid.SetSize([n * f for n, f in zip(image.shape, larger.factors, strict=True)])
        grid.SetOutputSpacing([1 / f for f in larger.factors])
        grid.SetOutputOrigin([(1 / f - 1) / 2 for f in larger.factors])
        grid.SetInterpolator(SimpleITK.sitkLanczosWindowedSinc)
        grid.SetUseNearestNeighborExtrapolator(True)
        return SimpleITK.GetArrayFromImage(grid.Execute(source)).T

    return larger.on_finer_grid(coarse, np.stack([finer(image) for image in coarse.voxels]))


def _enhanced(enhancer: Enhancer, steps: int, larger: LargerVoxels, coarse: Volume) -> Volume:
    return enhancer(coarse, factor=larger.factors, steps=steps)


if __name__ == "__main__":
    main()
