"""How near does the noise passport come to what a simulated scanner did?

    python benchmarks/passport.py SCANS... [--levels 0.05 0.1] [--draws 2] [--seed 1]
    python benchmarks/passport.py --repeats FOLDER

SCANS are taken as the subject; they hold noise of their own, which the truth leaves out, so the
cleaner they are the better. Each is acquired by a simulated scanner drawn from the ranges of
SNRAware (Xue et al. 2025, arXiv 2503.18162): k-space kept to 1, 0.75, 0.65 or 0.55 along each
in-plane axis, a Gaussian raw filter, a Tukey, Hann or Fermi one, partial Fourier, a g-factor.
Printed are, for each level: the error of the level (over the object, against the median of the true
one), of the correlation to the next voxel and of the measured share along both in-plane axes; the
correlation of the level's map with the true one in the object where it varies by more than 1.5;
seconds of CPU for a scan, whatever its size: as many slices of a large one are read.

FOLDER holds NIfTI files whose last axis counts acquisitions of one object. How two of them differ,
over the root of 2, is noise: its standard deviation (by the median, in the object, where it is 5
times above it and away from rims, less a blur of 6 pixels for drifts) and its correlation to the
next pixel are the truth. Beside them stands the passport of the first acquisition alone and, of 4D
series, that of the whole. Files whose volumes differ in contrast (a .bval beside them) are left
out.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from repeats import acquisitions
from scipy.ndimage import (
    binary_erosion,
    gaussian_filter,
    gaussian_gradient_magnitude,
    uniform_filter,
)

from medddim import formats
from medddim.degradation.chi import g_factor_map
from medddim.degradation.kspace import KSpaceAxis, correlation_of
from medddim.degradation.mr_scanner import acquire
from medddim.noise import noise_passport
from medddim.training.dataset import middle_slices
from medddim.volume import Array, Volume

KEPT, PARTIAL, G_FACTORS = (
    (1.0, 0.75, 0.65, 0.55),
    (1, 1, 1, 0.875, 0.75, 0.625),
    (1.0, 1.0, 2.0, 3.0),
)
FILTERS = [
    ("none", 0.0),
    *(("gaussian", s) for s in (0.8, 1, 1.5, 2, 2.25)),
    ("hann", 0.0),
    ("tukey", 0.5),
    ("fermi", 0.05),
]
Row = dict[str, list[float]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="*")
    parser.add_argument("--repeats", type=Path)
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    if asked.repeats:
        return against_repeats(asked.repeats)
    rows = list(measured(asked))
    print("| level | error of the level | correlation | share | map | s / scan |")
    print("| --- | --- | --- | --- | --- | --- |")
    for level in asked.levels:
        print("| " + " | ".join([f"{level:.0%}", *cells([r for one, r in rows if one == level])]))
    return None


def measured(asked: argparse.Namespace) -> Iterator[tuple[float, Row]]:
    """A row for each scan, draw and level."""
    generator = np.random.default_rng(asked.seed)
    for path in asked.scans:
        for series in formats.find(path):
            scans = formats.read(series).taken_for("MR")
            scan = acquisitions(scans)[0] if scans.channels > 1 else scans
            scan = middle_slices(scan, asked.slices)
            for _ in range(asked.draws):
                for level in asked.levels:
                    yield level, errors(scan, level, generator)


def errors(scan: Volume, level: float, generator: np.random.Generator) -> Row:
    """How far the passport of one acquisition is off."""
    plane = [axis for axis in range(3) if axis != scan.slice_axis]
    axes = [KSpaceAxis()] * 3
    for axis in plane:
        kind, strength = FILTERS[generator.integers(len(FILTERS))]
        axes[axis] = KSpaceAxis(float(generator.choice(KEPT)), kind, strength)
    phase = plane[int(generator.integers(2))]
    axes[phase] = replace(axes[phase], partial=float(generator.choice(PARTIAL)))
    responses = [axis.response(size) for axis, size in zip(axes, scan.shape, strict=True)]
    g_map = g_factor_map(scan.shape, float(generator.choice(G_FACTORS)), generator)
    sigma = np.float32(level * np.percentile(scan.voxels, 99.5)) * g_map
    noisy, clean = acquire(scan.voxels[0], responses, sigma, generator=generator)
    began = time.process_time()
    found = noise_passport(scan.with_voxels(noisy[None]))
    seconds = time.process_time() - began
    inside = clean > 0.2 * np.percentile(clean, 99.5)
    true = (sigma + np.zeros_like(clean))[inside]
    varies = np.ptp(true) > 0.5 * true.min()
    return {
        "level": [abs(found.level / float(np.median(true)) - 1)],
        "lag": [
            abs(found.correlation[axis][0] - correlation_of(responses[axis])[0]) for axis in plane
        ],
        "share": [abs(found.measured_share[axis] - axes[axis].share) for axis in plane],
        "map": [map_correlation(true, found.level_map[inside])] if varies else [],
        "seconds": [seconds],
    }


def map_correlation(true: Array, found: Array) -> float:
    """The correlation of the map with the true one; 0 of a flat one."""
    return float(np.corrcoef(true, found)[0, 1]) if np.ptp(found) else 0.0


def cells(rows: list[Row]) -> Iterator[str]:
    """Medians, and what nine of ten are better than."""
    for name, form in (("level", ".1%"), ("lag", ".3f"), ("share", ".3f")):
        low, high = np.quantile([one for row in rows for one in row[name]], [0.5, 0.9])
        yield f"{low:{form}} (p90 {high:{form}})"
    maps = [one for row in rows for one in row["map"]]
    yield f"{np.median(maps):.2f} (p10 {np.quantile(maps, 0.1):.2f})" if maps else "-"
    yield f"{np.median([row['seconds'] for row in rows]):.2f} |"


def against_repeats(folder: Path) -> None:
    """Print the passport of acquisitions beside how they differ."""
    print("| scan | noise / bright end | correlation | read / noise | correlation read | fits |")
    print("| --- | --- | --- | --- | --- | --- |")
    for path in sorted(folder.glob("*.nii.gz")):
        if path.with_name(path.name[:-7] + ".bval").exists():
            continue
        scans = formats.read(formats.find(path)[0]).taken_for("MR")
        images = acquisitions(scans)
        level, true, bright = difference(images[0].voxels[0], images[1].voxels[0])
        asked = {"": images[0], ", series": scans} if scans.channels > 1 else {"": images[0]}
        for name, scan in asked.items():
            found = noise_passport(scan)
            read = " ".join(f"{one:.2f}" for one, _ in found.correlation[:2])
            lags = " ".join(f"{one:.2f}" for one in true)
            row = [path.name[:-7] + name, f"{level / bright:.2%}", lags]
            row += [f"{found.level / level:.2f}", read, "yes" if found.fits else "no"]
            print("| " + " | ".join(row) + " |", flush=True)


def difference(first: Array, second: Array) -> tuple[float, list[float], float]:
    """The noise of two images `(x, y, z)`, its correlation along x and y, and the bright end."""
    noise, mean = (first - second) / np.sqrt(2), (first + second) / 2
    bright = float(np.percentile(mean, 99.5))
    level = float(np.median(np.abs(noise[mean > 0.2 * bright]))) / 0.6745
    smooth = uniform_filter(mean, (3, 3, 1))
    inside = smooth > min(max(5 * level, 0.15 * bright), 0.5 * bright)
    inside = binary_erosion(inside, np.ones((3, 3, 1)), iterations=2)
    slope = gaussian_gradient_magnitude(mean, (1.5, 1.5, 0))
    used = inside & (slope <= np.percentile(slope[inside], 70))
    weight, blur = used.astype(np.float32), (6, 6, 0)
    drift = gaussian_filter(noise * weight, blur) / np.maximum(gaussian_filter(weight, blur), 1e-6)
    noise = noise - drift
    level = float(np.median(np.abs(noise[used]))) / 0.6745
    noise = noise.clip(-4 * level, 4 * level)
    found = []
    for axis in (0, 1):
        along, there = np.moveaxis(noise, axis, 0), np.moveaxis(used, axis, 0)
        both = there[1:] & there[:-1]
        found.append(float((along[1:] * along[:-1])[both].mean() / (noise[used] ** 2).mean()))
    return level, found, bright


if __name__ == "__main__":
    main()
