"""Is what a model takes from real scans the noise that the passport says they have?

    python benchmarks/whitened.py SCANS... [--model mr-denoise-fast] [--slices 16]

Nothing is added: of the middle slices of each scan, the model's residual (scan minus answer) is
divided by the passport's filters of k-space. If all of the noise was taken, and nothing else, it is
then white: printed are its correlations at 1, 2 and 3 voxels within the slices (the one furthest
from 0 of both axes), in the object; and those of the residual's size with edges of the answer and
of the residual with its brightness (`medddim.metrics.residual`), which noise has not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from quality import table
from scanner_noise import first_channel
from scipy.ndimage import binary_erosion

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.metrics.residual import residual
from medddim.noise import noise_passport
from medddim.noise.level import correlations, white
from medddim.noise.planes import Slabs
from medddim.noise.spectrum import noise_power, plane_filter
from medddim.training.dataset import middle_slices

TITLES = ["scan", "noise", "fits", "lag 1", "lag 2", "lag 3", "edges", "signal"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise-fast")
    parser.add_argument("--slices", type=int, default=16)
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    print(table(TITLES, [measured(path, enhancer, asked.slices) for path in asked.scans]))


def measured(path: Path, enhancer: Enhancer, slices: int) -> list[str]:
    """The row of one scan."""
    scan = middle_slices(first_channel(formats.read(formats.find(path)[0]).taken_for("MR")), slices)
    answer = enhancer(scan)
    found = noise_passport(scan)
    bright = float(np.percentile(scan.voxels, 99.5))
    image = Slabs.of(scan).planes
    filters = plane_filter(*noise_power(image))
    taken = scan.with_voxels(scan.voxels - answer.voxels)
    rest, *_ = white(Slabs.of(taken).planes, filters)
    brightness, *_ = white(image, filters)
    object_ = binary_erosion(brightness > 0.2 * bright, np.ones((1, 3, 3)), iterations=2)
    along = np.array([correlations(rest, object_, axis) for axis in (1, 2)])
    lags = along[np.abs(along).argmax(axis=0), range(3)]
    shown = scan.voxels[0] > 0.2 * bright
    images = answer.voxels[0].astype(np.float64), scan.voxels[0].astype(np.float64)
    judged = residual(*images, slice_axis=scan.slice_axis, mask=shown)
    figures = [f"{one:+.2f}" for one in (*lags, judged.edges, judged.signal)]
    fits = "yes" if found.fits else "no"
    return [path.name.split(".")[0], f"{found.level / bright:.1%}", fits, *figures]


if __name__ == "__main__":
    main()
