"""Does the noise passport of CT know what made the noise?

    python benchmarks/ct_texture.py SCANS... [--slices 6] [--fraction 0.1] [--seed 1]

For each scan its verdict as it is; then at a small fraction of its dose, where most noise is that
of filtered back-projection (kernel "standard"); then with that blurred by a Gaussian of 1.5 mm,
which is a smooth kernel; and denoised by total variation, which stands for reconstructions that
spare edges. Printed are the verdicts, and in the end how often they were right, wrong, or "cannot
tell".
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from quality import table
from scipy.ndimage import gaussian_filter
from skimage.restoration import denoise_tv_chambolle

from medddim import formats
from medddim.degradation.axial import axial_axis, in_plane_mm
from medddim.degradation.low_dose import LowDose
from medddim.noise import noise_passport
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

MADE = {
    "low dose": "filtered back-projection",
    "blurred": "smooth kernel",
    "total variation": "iterative or learned",
}
BLUR_MM, WEIGHT = 1.5, 0.8


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--slices", type=int, default=6)
    parser.add_argument("--fraction", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rows, counts = [], {name: Counter[str]() for name in MADE}
    for path in asked.scans:
        for series in formats.find(path):
            scan = middle_slices(formats.read(series).taken_for("CT"), asked.slices)
            verdicts = [verdict(scan)]
            for name, made in variants(scan, asked.fraction, asked.seed).items():
                verdicts.append(verdict(made))
                right = {MADE[name]: "right", "cannot tell": "cannot tell"}
                counts[name][right.get(verdicts[-1], "wrong")] += 1
            rows.append([series.name, *verdicts])
    print(table(["scan", "as it is", *MADE], rows))
    for name, count in counts.items():
        print(f"{name}: " + ", ".join(f"{word} {number}" for word, number in count.items()))


def verdict(scan: Volume) -> str:
    """What the passport says; a scan without even soft tissue does not tell."""
    texture = noise_passport(scan).texture
    return texture.looks if texture else "cannot tell"


def variants(scan: Volume, fraction: float, seed: int) -> dict[str, Volume]:
    """The scan with noise of three kinds."""
    low = LowDose(fraction)(scan, np.random.default_rng(seed))
    axis = 1 + axial_axis(scan)
    blur = [0 if one in (0, axis) else BLUR_MM / in_plane_mm(scan) for one in range(4)]
    slices = np.moveaxis(low.voxels[0], axis - 1, 0).clip(-1024, 3071)
    weight = WEIGHT * noise_passport(low).level
    spared = np.stack([denoise_tv_chambolle(one, weight=weight) for one in slices])
    return {
        "low dose": low,
        "blurred": low.with_voxels(gaussian_filter(low.voxels, blur)),
        "total variation": low.with_voxels(np.moveaxis(spared, 0, axis - 1)[None]),
    }


if __name__ == "__main__":
    main()
