"""What is left of a scanner's own noise? Measured on scans of one object taken again and again.

    python benchmarks/repeats.py REPEATS [--model MODEL ...]

REPEATS is a folder of NIfTI files whose last axis counts acquisitions of one object. With r1, r2
two of them, x1 what the model makes of r1 and s2 = mean((r1 - r2)^2) / 2, the error left is
(mean((x1 - r2)^2) - s2) / s2, bias included: 1 if nothing was done. Taken where the signal is above
5 s and away from rims, which move between acquisitions. Nothing is given but the scan.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from quality import table
from scipy.ndimage import binary_erosion, gaussian_gradient_magnitude, uniform_filter

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.volume import Array, Volume


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repeats", type=Path)
    parser.add_argument("--model", nargs="+", default=["mr-denoise"])
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    enhancers = {name: Enhancer.load(name) for name in asked.model}
    body = []
    for series in formats.find(asked.repeats):
        scans = formats.read(series).taken_for("MR")
        images = acquisitions(scans)
        cells = [f"{left(image_pairs(images, one)):.2f}" for one in enhancers.values()]
        ratio = [f"{float(cell) / float(cells[0]):.2f}" for cell in cells[1:]]
        body.append([series.name, *cells, *ratio])
        print(*body[-1], flush=True)
    titles = ["scan", *enhancers, *(f"{name} / first" for name in list(enhancers)[1:])]
    text = table(titles, body)
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def acquisitions(scans: Volume) -> list[Volume]:
    """One scan each of a 4D series, or of a 3D file whose third axis counts acquisitions."""
    if scans.channels > 1:
        return [replace(scans, voxels=scans.voxels[n : n + 1]) for n in range(scans.channels)]
    return [scans.crop(slice(None), slice(None), slice(n, n + 1)) for n in range(scans.shape[2])]


def image_pairs(images: list[Volume], enhancer: Enhancer) -> list[tuple[Array, Array, Array]]:
    """For neighbours in time: the first, what the model makes of it, the second."""
    return [
        (one.voxels[0], enhancer(one).voxels[0], other.voxels[0]) for one, other in pairwise(images)
    ]


def left(pairs: list[tuple[Array, Array, Array]]) -> float:
    """The error left as a share of the noise variance, the mean over pairs."""
    shares = []
    for first, made, second in pairs:
        s = float(np.sqrt(np.median((first - second) ** 2) / 0.4549 / 2)) or 1.0
        smooth = uniform_filter((first + second) / 2, (3, 3, 1))
        bright = binary_erosion(smooth > 5 * s, np.ones((3, 3, 1)), iterations=2)
        slope = gaussian_gradient_magnitude((first + second) / 2, 1.5)
        used = bright & (slope <= np.percentile(slope[bright], 80)) if bright.any() else bright
        s2 = float(np.mean((first - second)[used] ** 2)) / 2
        shares.append((float(np.mean((made - second)[used] ** 2)) - s2) / s2)
    return float(np.mean(shares))


if __name__ == "__main__":
    main()
