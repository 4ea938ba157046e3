"""How much CPU does the noise passport add to `medddim inspect`, for 10 million voxels?

    python benchmarks/inspect_cost.py

Made scans of 10 million voxels, one thread: a 3D head, thick slices, CT. Seconds of CPU for the
passport, the least of three; the scan is in memory already.
"""

from __future__ import annotations

import time

import numpy as np
from quality import table

from medddim.noise import noise_passport
from medddim.volume import Volume

SCANS = {
    "3D head, 216 x 216 x 216": ((216, 216, 216), (1, 1, 1), "MR"),
    "thick slices, 512 x 512 x 38": ((512, 512, 38), (0.5, 0.5, 4), "MR"),
    "CT, 512 x 512 x 38": ((512, 512, 38), (0.7, 0.7, 3), "CT"),
}


def main() -> None:
    """Measure and print."""
    rows = []
    for name, (shape, spacing, modality) in SCANS.items():
        noise = np.random.default_rng(1).standard_normal((1, *shape), np.float32)
        x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij", sparse=True)
        inside = (np.hypot(x, y) < 0.8) & (np.abs(z) <= 1)
        bright, air = (40.0, -1000.0) if modality == "CT" else (400.0, 0.0)
        voxels = np.where(inside, bright, air)[None] + 12 * noise
        voxels = voxels if modality == "CT" else np.abs(voxels)
        unit = "HU" if modality == "CT" else ""
        scan = Volume(voxels.astype(np.float32), np.diag([*spacing, 1.0]), modality, unit)
        seconds = min(cost(scan) for _ in range(3))
        rows.append([name, f"{np.prod(shape) / 1e6:.1f}", f"{seconds:.2f}"])
    print(table(["scan", "million voxels", "CPU s"], rows))


def cost(scan: Volume) -> float:
    """Seconds of CPU of one passport."""
    began = time.process_time()
    noise_passport(scan)
    return time.process_time() - began


if __name__ == "__main__":
    main()
