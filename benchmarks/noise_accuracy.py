"""How far off is the estimated noise? Real scans with a known amount of noise added.

    python benchmarks/noise_accuracy.py SCANS [--modality MR|CT] [-o table.md]

A cell is the estimate over the truth, less one, in per cent. Real scans hold noise of their own, so
the truth is the noise added and what the estimator reads in the scan itself, "own", in quadrature:
where "own" is wrong, low levels look better or worse than they are.

MR: Rician noise as a share of the 99.5th percentile, and "zero-filled" noise, complex noise in 60 %
of k-space along the first in-plane axis, the usual case of an interpolated scan. CT: low dose; the
noise added is the median standard deviation over windows of 9 x 9 pixels in soft tissue.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import mean

import numpy as np
from scipy.fft import fft, fftfreq, ifft
from scipy.ndimage import uniform_filter

from medddim import formats
from medddim.degradation import LowDose, RicianNoise
from medddim.metrics.noise import estimate_noise
from medddim.volume import Volume

LEVELS = (0.01, 0.02, 0.05, 0.10, 0.16)
ZERO_FILLED_LEVELS = (0.02, 0.05, 0.10)
MEASURED = 0.6
DOSES = (0.5, 0.25, 0.10)
SLICES = 12
Row = dict[str, str | float]


def main() -> None:
    """Measure every scan, print the table, and write it if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--modality", choices=["MR", "CT"], default="MR")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    arguments = parser.parse_args()
    rows = []
    for series in formats.find(arguments.scans):
        scan = middle(formats.read(series.files[0]))
        unit = "HU" if arguments.modality == "CT" else ""
        scan = replace(scan, modality=arguments.modality, unit=unit)
        errors = dict(ct_errors(scan) if arguments.modality == "CT" else mr_errors(scan))
        rows.append({"scan": series.name, **errors})
        print(rows[-1], flush=True)
    text = table(rows)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


def middle(volume: Volume) -> Volume:
    """The slices in the middle, of the first channel: as good as all, and sooner."""
    axis = 1 + volume.slice_axis
    first = max(0, (volume.voxels.shape[axis] - SLICES) // 2)
    kept = [slice(0, 1), *[slice(None)] * 3]
    kept[axis] = slice(first, first + SLICES)
    return replace(volume, voxels=volume.voxels[tuple(kept)])


def mr_errors(scan: Volume) -> Iterator[tuple[str, float]]:
    """Errors in per cent for white and for zero-filled noise."""
    own, bright = estimate_noise(scan), float(np.percentile(scan.voxels, 99.5))
    yield "own %", 100 * own / bright
    for level in LEVELS:
        noisy = RicianNoise(level)(scan, np.random.default_rng(0))
        yield f"{level:.0%}", error(noisy, own, level * bright)
    for level in ZERO_FILLED_LEVELS:
        noisy = scan.with_voxels(with_zero_filled_noise(scan, level * bright))
        yield f"{level:.0%} zero-filled", error(noisy, own, level * bright)


def with_zero_filled_noise(scan: Volume, sigma: float) -> np.ndarray:
    """A magnitude whose k-space was measured in part; `sigma` is that of its voxels."""
    axis = min({1, 2, 3} - {1 + scan.slice_axis})
    real, imaginary = np.random.default_rng(0).standard_normal((2, *scan.voxels.shape))
    noise = sigma / np.sqrt(MEASURED) * (real + 1j * imaginary)
    shape = [1, 1, 1, 1]
    shape[axis] = scan.voxels.shape[axis]
    measured = np.abs(fftfreq(shape[axis])).reshape(shape) < MEASURED / 2
    return np.abs(ifft(measured * fft(scan.voxels + noise, axis=axis), axis=axis))


def ct_errors(scan: Volume) -> Iterator[tuple[str, float]]:
    """Errors in per cent for lower doses."""
    own = estimate_noise(scan)
    yield "own HU", own
    for fraction in DOSES:
        noisy = LowDose(fraction)(scan, np.random.default_rng(0))
        yield f"{fraction:.0%} dose", error(noisy, own, in_soft_tissue(noisy, scan))


def in_soft_tissue(noisy: Volume, scan: Volume) -> float:
    """The median standard deviation of what was added, over windows in soft tissue."""
    size = [1, 9, 9, 9]
    size[1 + scan.slice_axis] = 1
    tissue = np.abs(uniform_filter(scan.voxels.clip(-1024, 3071), size)) < 150
    added = (noisy.voxels - scan.voxels).astype(np.float64)
    return float(np.median(np.sqrt(uniform_filter(added**2, size)[tissue])))


def error(noisy: Volume, own: float, added: float) -> float:
    """The estimate against the truth, in per cent."""
    return 100 * (estimate_noise(noisy) / float(np.hypot(own, added)) - 1)


def table(rows: list[Row]) -> str:
    """A row for each scan, then the mean of the absolute errors and the worst."""
    names = [name for name in rows[0] if name != "scan"]
    lines = [["scan", *names], ["---"] * (1 + len(names))]
    lines += [[str(row["scan"]), *(f"{row[name]:+.1f}" for name in names)] for row in rows]
    for title, summary in (("mean, absolute", mean), ("worst, absolute", max)):
        lines.append(
            [title, *(f"{summary(abs(float(row[name])) for row in rows):.1f}" for name in names)]
        )
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
