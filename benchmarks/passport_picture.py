"""A picture of what scanners did to the noise: its spectrum, and what the passport makes of it.

    python benchmarks/passport_picture.py PAIRS... -o docs/images/noise.png

PAIRS are NIfTI files of two acquisitions of one slice. For each: the slice; the power spectrum of
how the two differ, which is noise; the spectrum of the filters that the passport finds in the first
one alone. Both spectra are those of k-space from 0 (lower left) to Nyquist, on one grey scale.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from passport import difference
from repeats import acquisitions
from scipy.ndimage import gaussian_filter

from medddim import formats
from medddim.noise.planes import Slabs
from medddim.noise.spectrum import noise_power, plane_filter

mpl.use("Agg")
from matplotlib import pyplot as plt


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pairs", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    asked = parser.parse_args()
    figure, rows = plt.subplots(len(asked.pairs), 3, figsize=(7.5, 2.6 * len(asked.pairs)))
    for row, path in zip(np.atleast_2d(rows), asked.pairs, strict=True):
        draw(row, path)
    figure.tight_layout()
    figure.savefig(asked.output, dpi=70)


def draw(row: np.ndarray, path: Path) -> None:
    """One scan: the slice, the noise's spectrum, the passport's."""
    first, second = acquisitions(formats.read(formats.find(path)[0]).taken_for("MR"))[:2]
    level, _, bright = difference(first.voxels[0], second.voxels[0])
    planes, again = Slabs.of(first).planes, Slabs.of(second).planes
    noise = (planes - again) * np.float32(np.sqrt(0.5))
    true, _ = noise_power((planes + again) / 2, noise)
    found = plane_filter(*noise_power(planes))
    lines = [np.linspace(0, 1, size) for size in true.shape]
    true = gaussian_filter(true, 2)
    true /= np.median(true[8 : true.shape[0] // 2, 8 : true.shape[1] // 2])
    parts = {
        f"{path.name[:-7]}, noise {level / bright:.1%}": (planes[len(planes) // 2].T, 0, bright),
        "noise: spectrum of the difference": (true.T, 0, 1.2),
        "as the passport has it": (found.power(*lines).T, 0, 1.2),
    }
    for axes, (title, (image, low, high)) in zip(row, parts.items(), strict=True):
        axes.imshow(image, cmap="gray", vmin=low, vmax=high, origin="lower")
        axes.set_title(title, fontsize=7)
        axes.set_axis_off()


if __name__ == "__main__":
    main()
