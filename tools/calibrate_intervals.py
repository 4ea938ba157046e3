"""Calibrate the intervals of a model over held-out scans (conformal risk control).

    python tools/calibrate_intervals.py MODEL SCANS... [--levels 0.02 0.05 0.10] [--source TEXT]

MODEL is a checkpoint folder; SCANS are taken as the truth, of people that the model was not
trained on, and made noisy (MR: Rician noise of these levels; CT: these shares of the dose). Of each
the middle --slices. One pass over all voxels fits how wide intervals are, and one factor for each
coverage makes them hold. INTERVALS is written beside the weights.

The truth holds noise of its own: what is covered is the scan as measured, so that intervals are
somewhat wider than those of the noiseless scan would be.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from medddim.checkpoint import Checkpoint
from medddim.inference.enhancer import Enhancer
from medddim.inference.intervals import INTERVALS

sys.path.insert(0, str(Path(__file__).parent.parent / "benchmarks"))

from intervals import calibrated, pairs


def main() -> None:
    """Measure, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.02, 0.05, 0.10])
    parser.add_argument("--coverage", type=float, nargs="+", default=[80, 90, 95])
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--source", default="scans held out")
    asked = parser.parse_args()
    folder = Checkpoint.open(asked.model).folder
    found = list(pairs(Enhancer.load(folder), asked.scans, asked.levels, slices=asked.slices))
    calibration = calibrated(found, asked.coverage, source=asked.source)
    calibration.save(folder)
    print(f"{folder / INTERVALS}: {calibration.in_words}, factors {calibration.factors}")


if __name__ == "__main__":
    main()
