"""Is the spread of samples as large as the error? Real scans with noise added, the truth known.

    python benchmarks/calibration.py SCANS [--model mr-denoise-vp] [--samples 8] [--steps 4 8 16]

SCANS is a folder of MR scans taken as the truth; their middle slices are made noisy and the true
level is given. Measured in the foreground, over samples of exact posterior draws each figure has a
value that is known:

    one sample      PSNR of one, less that of the 1-step answer: -3.01 dB
    mean            PSNR of the mean of K, less the same: -10 log10(1 + 1 / K) dB
    spread / error  of the mean, rms, the spread grown by sqrt(1 + 1 / K), as the mean errs: 1
    within twice    the voxels whose error is below twice that spread: Student's t, K - 1 degrees
    most / least    rms error where the spread is in its largest fifth, over that in the smallest

The truth holds noise of its own, 1 to 3 % of its signal, and so did the scans of training: samples
draw such noise, too.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.metrics.masks import foreground
from medddim.training.dataset import middle_slices
from medddim.volume import Array, Volume

FIGURES = ("one sample", "mean", "hf power", "spread / error", "within twice", "most / least")
Row = dict[str, float]


def main() -> None:
    """Measure every scan, print one row a scan and the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", default="mr-denoise-vp")
    parser.add_argument("--levels", type=float, nargs="+", default=(0.05, 0.10))
    parser.add_argument("--steps", type=int, nargs="+", default=(4, 8, 16))
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--slices", type=int, default=3)
    asked = parser.parse_args()
    enhancer, scans = Enhancer.load(asked.model), formats.find(asked.scans)
    print(f"| noise | steps | scan | {' | '.join(FIGURES)} |\n{'| --- ' * (3 + len(FIGURES))}|")
    for level in asked.levels:
        for steps in asked.steps:
            rows = []
            for series in scans:
                clean = middle_slices(formats.read(series), asked.slices)
                rows.append(measure(enhancer, clean, level, steps=steps, count=asked.samples))
                show(f"{level:.0%}", steps, series.name, rows[-1])
            means = {name: float(np.mean([row[name] for row in rows])) for name in FIGURES}
            show(f"{level:.0%}", steps, f"**mean of {len(rows)}**", means)
    count = asked.samples
    print(
        f"exact, {count} samples: {-10 * math.log10(2):.2f} dB, "
        f"{-10 * math.log10(1 + 1 / count):.2f} dB, 1, 1, "
        f"{student.cdf(2, count - 1) - student.cdf(-2, count - 1):.0%}"
    )


def show(*cells: object) -> None:
    """One row of the table."""
    *case, row = cells
    assert isinstance(row, dict)
    print("| " + " | ".join([*map(str, case), *(f"{row[name]:.2f}" for name in FIGURES)]) + " |")


def measure(enhancer: Enhancer, clean: Volume, level: float, *, steps: int, count: int) -> Row:
    """The figures of one scan at one level of noise."""
    degradation = RicianNoise(level)
    noisy, noise = degradation(clean, np.random.default_rng(0)), degradation.sigma(clean)
    regression = compare(enhancer(noisy, noise=noise), clean).psnr_db
    answers = [enhancer(noisy, steps=steps, seed=seed, noise=noise) for seed in range(count)]
    scores = [compare(answer, clean) for answer in answers]
    voxels = np.stack([answer.voxels for answer in answers])
    mean = clean.with_voxels(voxels.mean(0))
    inside = foreground(clean.voxels[0], slice_axis=clean.slice_axis)[None]
    spread = voxels.std(0, ddof=1)[inside] * math.sqrt(1 + 1 / count)
    error = np.abs(mean.voxels - clean.voxels)[inside]
    least, most = np.quantile(spread, [0.2, 0.8])
    return {
        "one sample": float(np.mean([one.psnr_db for one in scores])) - regression,
        "mean": compare(mean, clean).psnr_db - regression,
        "hf power": float(np.mean([one.hf_power for one in scores])),
        "spread / error": rms(spread) / rms(error),
        "within twice": float(np.mean(error < 2 * spread)),
        "most / least": rms(error[spread >= most]) / rms(error[spread <= least]),
    }


def rms(values: Array) -> float:
    """The root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


if __name__ == "__main__":
    main()
