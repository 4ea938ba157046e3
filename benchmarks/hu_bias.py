"""Does a CT model move Hounsfield units? Uniform soft tissue before and after, at several doses.

    python benchmarks/hu_bias.py SCANS [--model ct-denoise] [--doses 1 0.25 0.10] [--slices 5]

Uniform is where the scan itself, over 9 x 9 pixels, lies between -150 and 150 HU on average and
varies by no more than 1.2 times its own noise. The mean is over all of those pixels; the last
column is what 95 % of the 9 x 9 windows stay below, noise left in them included.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from quality import table
from scipy.ndimage import uniform_filter

from medddim import formats
from medddim.degradation import LowDose
from medddim.inference.enhancer import Enhancer
from medddim.metrics.noise import estimate_noise
from medddim.noise.ct import SOFT_TISSUE_HU, WINDOW
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

TITLES = ["scan", "own noise (HU)", "dose", "input", "result", "95 % of windows within"]


def main() -> None:
    """One line a scan and dose, all in HU against the scan as it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", default="ct-denoise")
    parser.add_argument("--doses", type=float, nargs="+", default=[1.0, 0.25, 0.10])
    parser.add_argument("--slices", type=int, default=5, help="only so many, in the middle")
    asked = parser.parse_args()
    enhancer, body = Enhancer.load(asked.model), []
    for series in formats.find(asked.scans):
        scan = middle_slices(formats.read(series).taken_for("CT"), asked.slices)
        own = estimate_noise(scan)
        where = uniform(scan, own)
        for dose in asked.doses:
            worse = scan
            if dose < 1:
                worse = LowDose(dose, noise_hu=own)(scan, np.random.default_rng(0))
            before, after = (planes(v) - planes(scan) for v in (worse, enhancer(worse)))
            local = np.abs(uniform_filter(after, (0, WINDOW, WINDOW))[where])
            means = [f"{change[where].mean():+.2f}" for change in (before, after)]
            spread = f"{np.percentile(local, 95):.1f}"
            body.append([series.name, f"{own:.1f}", f"{dose:.0%}", *means, spread])
    print(table(TITLES, body))


def planes(scan: Volume) -> npt.NDArray[np.float64]:
    """The first channel, slices first."""
    return np.moveaxis(scan.voxels[0], scan.slice_axis, 0).astype(np.float64)


def uniform(scan: Volume, noise: float) -> npt.NDArray[np.bool_]:
    """Where the windows of soft tissue hold little but noise."""
    hu = planes(scan)
    mean, square = (uniform_filter(image, (0, WINDOW, WINDOW)) for image in (hu, hu**2))
    deviation = np.sqrt(np.maximum(square - mean**2, 0))
    return (np.abs(mean) < SOFT_TISSUE_HU) & (deviation < 1.2 * noise)


if __name__ == "__main__":
    main()
