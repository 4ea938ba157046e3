"""Does super-resolution keep what was measured? Enhance, write, read, make coarse again, compare.

    python benchmarks/consistency.py SCANS --model RUN [--factor 4] [--slices 8]

The largest difference from the input, as a share of its range, of the Volume the model returns and
of the file it is written to (whose stored type may round). The limit is 1e-4 for the Volume.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.inference.enhancer import Enhancer
from medddim.inference.suitability import factors_of
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

LIMIT = 1e-4


def main() -> None:
    """One line a scan; exit code 1 if one is beyond the limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", required=True)
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--slices", type=int, default=8, help="only so many, in the middle")
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    good = True
    print("| scan | returned | written |\n| --- | --- | --- |")
    for series in formats.find(*asked.scans):
        if series.refusal:
            continue
        whole = formats.read(series)
        scan = middle_slices(whole, asked.slices)
        fine = enhancer(scan, factor=asked.factor, steps=asked.steps)
        larger = LargerVoxels(factors_of(enhancer.recipe, scan, asked.factor))
        returned = difference(larger, fine, scan)
        with tempfile.TemporaryDirectory() as folder:
            formats.write(replace(fine, source=whole.source), folder, name="fine")
            written = difference(larger, formats.read(Path(folder)), scan)
        good &= returned <= LIMIT
        print(f"| {series.name} | {returned:.1e} | {written:.1e} |", flush=True)
    raise SystemExit(0 if good else 1)


def difference(larger: LargerVoxels, fine: Volume, scan: Volume) -> float:
    """The largest, as a share of the input's range."""
    again = larger(fine, np.random.default_rng(0))
    return float(np.abs(again.voxels - scan.voxels).max() / np.ptp(scan.voxels))


if __name__ == "__main__":
    main()
