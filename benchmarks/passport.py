"""How near does the noise passport come to what a simulated scanner did?

    python benchmarks/passport.py SCANS... [--levels 0.05 0.1] [--draws 2] [--seed 1]

SCANS are taken as the subject; they hold noise of their own, which the truth leaves out, so the
cleaner they are the better. Each is acquired by a simulated scanner drawn from the ranges of
SNRAware (Xue et al. 2025, arXiv 2503.18162): k-space kept to 1, 0.75, 0.65 or 0.55 along each
in-plane axis, a Gaussian raw filter, a Tukey, Hann or Fermi one, partial Fourier, a g-factor.
Printed are, for each level: the error of the level (over the object, against the median of the true
one), of the correlation to the next voxel and of the measured share along both in-plane axes; the
correlation of the level's map with the true one in the object where it varies by more than 1.5;
seconds of CPU for a scan, whatever its size: as many slices of a large one are read.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.degradation.chi import g_factor_map
from medddim.degradation.kspace import KSpaceAxis, correlation_of
from medddim.degradation.mr_scanner import acquire
from medddim.noise import noise_passport
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

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
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    rows = list(measured(asked))
    print("| level | error of the level | correlation | share | map | s / scan |")
    print("| --- | --- | --- | --- | --- | --- |")
    for level in asked.levels:
        print("| " + " | ".join([f"{level:.0%}", *cells([r for one, r in rows if one == level])]))


def measured(asked: argparse.Namespace) -> Iterator[tuple[float, Row]]:
    """A row for each scan, draw and level."""
    generator = np.random.default_rng(asked.seed)
    for path in asked.scans:
        for series in formats.find(path):
            scan = middle_slices(formats.read(series).taken_for("MR"), asked.slices)
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
        "map": [float(np.corrcoef(true, found.level_map[inside])[0, 1])] if varies else [],
        "seconds": [seconds],
    }


def cells(rows: list[Row]) -> Iterator[str]:
    """Medians, and what nine of ten are better than."""
    for name, form in (("level", ".1%"), ("lag", ".3f"), ("share", ".3f")):
        low, high = np.quantile([one for row in rows for one in row[name]], [0.5, 0.9])
        yield f"{low:{form}} (p90 {high:{form}})"
    maps = [one for row in rows for one in row["map"]]
    yield f"{np.median(maps):.2f} (p10 {np.quantile(maps, 0.1):.2f})" if maps else "-"
    yield f"{np.median([row['seconds'] for row in rows]):.2f} |"


if __name__ == "__main__":
    main()
