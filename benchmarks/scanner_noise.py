"""How good is a denoiser at the noise that scanners make, given nothing but the scan?

    python benchmarks/scanner_noise.py SCANS [--model MODEL] [--against MODEL] [--bm4d PYTHON]

SCANS are taken as the subject. Each is acquired by a simulated scanner drawn from the ranges of
SNRAware (Xue et al. 2025, arXiv 2503.18162): k-space kept to 1, 0.75, 0.65 or 0.55 along each
in-plane axis (all three where the scan is isotropic), a Gaussian raw filter, partial Fourier, a
g-factor; --draws acquisitions a scan and level, or one of a --preset such as white. The truth is
the same acquisition without noise.
MODEL is given nothing but the scan. --against names models that are given the true level. --bm4d
names a Python in which BM4D is installed with a numpy that its spectrum input bears (below 2.4); it
is given the true spectrum and level, and Rician bias is taken from its answer. Scans are cut to
--slices in the middle and, where they are isotropic, to a cube of --cube voxels. --averaged 2 2 2
takes means of so many voxels first, which hold little noise of their own. PSNR in the foreground,
in dB.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from paired import subject_of
from quality import table

from medddim import formats
from medddim.degradation import LargerVoxels, MrScanner
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.noise.rice import signal_of_mean
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

KEPT, STRENGTHS, PARTIAL = (1.0, 0.75, 0.65, 0.55), (0.8, 1, 1.5, 2, 2.25), (1, 0.875, 0.75, 0.625)
BM4D = """
import sys, numpy, bm4d
known = numpy.load(sys.argv[1])
numpy.save(sys.argv[2], bm4d.bm4d(known["noisy"].astype(float), known["psd"].astype(float)))
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--against", nargs="*", default=[])
    parser.add_argument("--bm4d", help="a Python with bm4d and numpy below 2.4")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--slices", type=int, default=16)
    parser.add_argument("--cube", type=int, default=96)
    parser.add_argument("--averaged", type=int, nargs=3, default=(1, 1, 1))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--preset", help="one of MrScanner's acquisitions, in place of drawn ones")
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    rows = list(measured(asked))
    text = "\n\n".join(summary(rows, level) for level in asked.levels)
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def measured(asked: argparse.Namespace) -> Iterator[dict]:
    """A row for each scan, level, draw and method."""
    enhancer = Enhancer.load(asked.model)
    others = {name: Enhancer.load(name) for name in asked.against}
    for series in formats.find(*asked.scans):
        scan = first_channel(formats.read(series).taken_for("MR"))
        subject = cut(LargerVoxels(tuple(asked.averaged))(scan, np.random.default_rng(0)), asked)
        for level in asked.levels:
            for draw in range(asked.draws):
                scanner = drawn(np.random.default_rng([asked.seed, draw]), level, subject)
                if asked.preset:
                    scanner = MrScanner.preset(asked.preset, level=level)
                noisy, truth = scanner(subject, seed=asked.seed + draw), scanner.truth(subject)
                sigma = scanner.sigma(subject)
                answers = {"noisy": noisy, f"{enhancer.name}, given nothing": enhancer(noisy)}
                for name, other in others.items():
                    answers[f"{name}, given the level"] = other(noisy, noise=sigma)
                if asked.bm4d:
                    answers["BM4D, given the spectrum"] = bm4d(asked.bm4d, scanner, noisy, sigma)
                for method, answer in answers.items():
                    scores = compare(answer, truth)
                    row = {"scan": series.name, "level": level, "method": method}
                    yield {**row, "psnr_db": scores.psnr_db, "hf_power": scores.hf_power}
                    print(series.name, level, draw, method, f"{scores.psnr_db:.2f}", flush=True)


def first_channel(scan: Volume) -> Volume:
    """The first image of a 4D scan."""
    return (
        scan.with_voxels(scan.voxels[:1])
        if scan.channels == 1
        else replace(scan, voxels=scan.voxels[:1])
    )


def cut(scan: Volume, asked: argparse.Namespace) -> Volume:
    """A cube in the middle of an isotropic scan, the middle slices of another."""
    if max(scan.spacing_mm) > 1.3 * min(scan.spacing_mm):
        return middle_slices(scan, asked.slices)
    starts = [max((n - asked.cube) // 2, 0) for n in scan.shape]
    box = tuple(slice(first, first + asked.cube) for first in starts)
    affine = scan.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ starts
    return replace(scan, voxels=scan.voxels[(slice(None), *box)], affine=affine)


def drawn(generator: np.random.Generator, level: float, scan: Volume) -> MrScanner:
    """An acquisition from the ranges."""
    across = max(scan.spacing_mm) < 1.3 * min(scan.spacing_mm)
    return MrScanner(
        level,
        readout=float(generator.choice(KEPT)),
        phase=float(generator.choice(KEPT)),
        slices=float(generator.choice(KEPT)) if across else 1.0,
        filter="gaussian",
        strength=float(generator.choice(STRENGTHS)),
        partial=float(generator.choice(PARTIAL)),
        g_factor=float(generator.choice([1.0, 1.5, 2.0])),
    )


def bm4d(python: str, scanner: MrScanner, noisy: Volume, sigma: float) -> Volume:
    """BM4D, given the power spectrum of the noise where the g-factor is 1."""
    power = np.ones(())
    for axis, response in enumerate(scanner.responses(noisy)):
        shape = [-1 if axis == other else 1 for other in range(3)]
        power = power * np.square(response, dtype=float).reshape(shape)
    psd = sigma**2 * power / power.mean() * noisy.voxels[0].size
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.npz", Path(folder) / "found.npy"
        np.savez(given, noisy=noisy.voxels[0], psd=psd)
        subprocess.run([python, "-c", BM4D, given, found], check=True)
        answer = np.load(found)
    return noisy.with_voxels((sigma * signal_of_mean(answer / sigma))[None])


def summary(rows: list[dict], level: float) -> str:
    """Means over subjects, and the first model minus each other."""
    there = [row for row in rows if row["level"] == level]
    methods = list(dict.fromkeys(row["method"] for row in there))
    subjects = list(dict.fromkeys(subject_of(row["scan"]) for row in there))

    def mean(method: str, figure: str, subject: str) -> float:
        values = [
            row[figure]
            for row in there
            if row["method"] == method and subject_of(row["scan"]) == subject
        ]
        return float(np.mean(values))

    body = []
    for method in methods:
        psnr = np.array([mean(method, "psnr_db", subject) for subject in subjects])
        ours = np.array([mean(methods[1], "psnr_db", subject) for subject in subjects])
        power = np.mean([mean(method, "hf_power", subject) for subject in subjects])
        gain = f"{(ours - psnr).mean():+.2f}"
        body.append([method, f"{psnr.mean():.2f}", f"{power:.2f}", gain])
    titles = ["method", "PSNR in dB", "HF power", f"{methods[1]}, minus it"]
    return f"{level:.0%} noise, {len(subjects)} subjects\n\n{table(titles, body)}"


if __name__ == "__main__":
    main()
