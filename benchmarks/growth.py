"""How do time and memory of `medddim enhance` grow with the scan, the steps and the samples?

    python benchmarks/growth.py [--model MODEL] [--quality fast] [--plane 256] [--slices 25 50 100]
    python benchmarks/growth.py --model ct-denoise --plane 512 --slices 25 50 100 200 400

Every row is one whole process on one thread, from start to written file, on a made scan: CPU
seconds and peak memory. A straight line through time against slices, and how well it fits, stand
below the first table; then the same scan with more steps and more samples.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from quality import table
from speed import process

from medddim import formats
from medddim.models import shipped
from medddim.volume import Volume

RUN = "import sys; from medddim.cli import main; sys.exit(main())"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="mr-denoise-fast", choices=sorted(shipped()))
    parser.add_argument("--quality", default="best", choices=["best", "fast"])
    parser.add_argument("--plane", type=int, default=256)
    parser.add_argument("--slices", type=int, nargs="+", default=[25, 50, 100, 200])
    parser.add_argument("--steps", type=int, nargs="*", default=[2, 4, 8])
    parser.add_argument("--samples", type=int, nargs="*", default=[2, 4])
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    text = "\n\n".join([by_slices(asked), by_options(asked)])
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def by_slices(asked: argparse.Namespace) -> str:
    """A row for each number of slices, and the straight line through them."""
    rows = [(slices, *measured(asked, slices)) for slices in asked.slices]
    count, seconds = np.array([row[:2] for row in rows]).T
    slope, start = np.polyfit(count, seconds, 1)
    fits = np.corrcoef(count, seconds)[0, 1] ** 2
    body = [[str(n), f"{cpu:.1f}", f"{peak:.2f}"] for n, cpu, peak in rows]
    return (
        f"{asked.model}, quality {asked.quality}, {asked.plane} x {asked.plane} voxels a slice\n\n"
        f"{table(['slices', 'CPU s', 'peak GiB'], body)}\n\n"
        f"CPU seconds: {start:.1f} + {slope:.3f} for each slice, R2 {fits:.4f}"
    )


def by_options(asked: argparse.Namespace) -> str:
    """A row for each number of steps and samples, on the smallest scan."""
    options = [
        *(["--steps", str(steps)] for steps in asked.steps),
        *(["--steps", "4", "--samples", str(samples)] for samples in asked.samples),
    ]
    rows = [(" ".join(one), *measured(asked, asked.slices[0], *one)) for one in options]
    body = [[name, f"{cpu:.1f}", f"{peak:.2f}"] for name, cpu, peak in rows]
    return f"{asked.slices[0]} slices\n\n{table(['options', 'CPU s', 'peak GiB'], body)}"


def measured(asked: argparse.Namespace, slices: int, *options: str) -> tuple[float, float]:
    """CPU seconds and peak memory in GiB of one run."""
    with tempfile.TemporaryDirectory() as folder:
        shape, ct = (asked.plane, asked.plane, slices), asked.model.startswith("ct")
        # elsewhere: what this process holds at most counts as the peak of those that it starts
        making = get_context("spawn").Process(target=make, args=(folder, shape, ct))
        making.start()
        making.join()
        choice = ["--model", asked.model, "--quality", asked.quality, *options]
        source, output = Path(folder) / "in" / "scan.nii.gz", Path(folder) / "out" / "scan.nii.gz"
        command = [sys.executable, "-c", RUN, "enhance", str(source), "-o", "FOLDER", *choice]
        cpu, _, peak = process(command, output, 1)
    print(slices, *options, f"{cpu:.1f} CPU s, {peak:.2f} GiB", flush=True)
    return cpu, peak


def make(folder: str, shape: tuple[int, int, int], ct: bool) -> None:
    """Write a scan."""
    scan = phantom(shape, ct=ct)
    formats.write(scan, Path(folder) / "in", name="scan")
    if scan.modality == "MR":  # a NIfTI file does not say so
        (Path(folder) / "in" / "scan.json").write_text('{"Modality": "MR"}', encoding="utf-8")


def phantom(shape: tuple[int, int, int], *, ct: bool) -> Volume:
    """An ellipsoid with noise, in a scanner's integers."""
    places = np.ogrid[tuple(slice(-1, 1, n * 1j) for n in shape)]
    inside = sum(np.square(place / 0.85) for place in places) < 1
    generator = np.random.default_rng(0)
    noise = generator.standard_normal(shape, dtype=np.float32)
    if ct:
        voxels = np.where(inside, 40, -1000) + 20 * noise
        return Volume(np.round(voxels)[None], np.diag([0.7, 0.7, 1.5, 1]), "CT", unit="HU")
    voxels = np.hypot(1000 * inside + 40 * noise, 40 * generator.standard_normal(shape))
    return Volume(np.round(voxels)[None].astype(np.float32), np.diag([1.0, 1, 1, 1]), "MR")


if __name__ == "__main__":
    main()
