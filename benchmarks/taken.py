"""Of noise added to heads that have none of their own: how much is taken, and how much else?

    python benchmarks/taken.py HEADS... [--model mr-denoise-fast ...] [--levels 0.01 0.02] \
        [--bm4d PYTHON]

HEADS are templates and averages, or scans cleaner than the noise that is added (white, Rician); of
each the middle --slices. What a method removed is regressed, in the object, on the noise that was
added and on the head's fine detail (the head less its blur of 1.5 voxels within the slices), both
at once:

    taken     the coefficient of the noise: 1 if all of it was taken
    detail    that of the detail: 0 if none was taken
    read      the level that the passport reads, over the one that was added

Models are given nothing but the scan, and once more the true level ("stated"); DIPY's non-local
means is given the true level, and so is BM4D, by a Python that has it. What is kept of small
structures on the same heads is printed by contrast.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from quality import Method, table
from scanner_noise import bm4d
from scipy.ndimage import gaussian_filter

from medddim import formats
from medddim.baselines import BASELINES
from medddim.degradation import MrScanner, RicianNoise
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.noise import noise_passport
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

OBJECT, BLUR = 0.2, 1.5
"""Voxels brighter than this share of the bright end are read; the width of the blur, in voxels."""
BASELINE = "nlm-dipy"
TITLES = ["head", "level", "read", "method", "taken", "detail", "PSNR (dB)"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("heads", type=Path, nargs="+")
    parser.add_argument("--model", nargs="+", default=["mr-denoise-fast"])
    parser.add_argument("--levels", type=float, nargs="+", default=[0.01, 0.02])
    parser.add_argument("--slices", type=int, default=24)
    parser.add_argument("--bm4d", help="a Python with bm4d and numpy below 2.4")
    asked = parser.parse_args()
    enhancers = [Enhancer.load(name) for name in asked.model]
    rows = []
    for path in asked.heads:
        head = formats.read(formats.find(path)[0]).taken_for("MR")
        head = middle_slices(head, asked.slices)
        for level in asked.levels:
            noisy = RicianNoise(level)(head, np.random.default_rng(0))
            sigma = RicianNoise(level).sigma(head)
            read = f"{noise_passport(noisy).level / sigma:.2f}"
            for name, method in methods(enhancers, sigma, level, asked.bm4d):
                name_of_head = path.name.split(".")[0]
                figures = figures_of(head, noisy, method(noisy))
                rows.append([name_of_head, f"{level:.0%}", read, name, *figures])
                print(*rows[-1], flush=True)
    print(table(TITLES, rows))


def methods(
    enhancers: list[Enhancer], sigma: float, level: float, python: str | None
) -> Iterator[tuple[str, Method]]:
    """Every model, given nothing and given the level; the baseline, and BM4D if there is one."""
    for enhancer in enhancers:
        yield enhancer.name, enhancer
        yield f"{enhancer.name}, stated", partial(enhancer, noise=sigma)
    yield BASELINE, partial(BASELINES[BASELINE], noise=sigma)
    if python:
        yield "BM4D", partial(bm4d, python, MrScanner(level=level), sigma=sigma)


def figures_of(head: Volume, noisy: Volume, answer: Volume) -> list[str]:
    """Shares of the noise and of the detail that were taken, and the PSNR."""
    truth = head.voxels[0].astype(np.float64)
    inside = truth > OBJECT * np.percentile(truth, 99.5)
    blur = [0 if axis == head.slice_axis else BLUR for axis in range(3)]
    detail = truth - gaussian_filter(truth, blur)
    noise, removed = noisy.voxels[0] - truth, noisy.voxels[0] - answer.voxels[0]
    known = np.stack([noise[inside], detail[inside], np.ones(np.count_nonzero(inside))], axis=1)
    (taken, lost, _), *_ = np.linalg.lstsq(known, removed[inside], rcond=None)
    return [f"{taken:.2f}", f"{lost:+.3f}", f"{compare(answer, head).psnr_db:.2f}"]


if __name__ == "__main__":
    main()
