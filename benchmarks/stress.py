"""Does a model make scans worse that it was not made for? Every scan against its input.

    python benchmarks/stress.py SCANS... [--model mr-denoise] [--levels 0.01 0.1] [--known-noise]
    python benchmarks/stress.py SCANS... --model mr-superres --levels 2 --slices 48

Each scan is taken as the truth, although it holds noise of its own, made worse, and enhanced in one
step. Levels are those of quality.py; for super-resolution, how many times thicker the slices are
made, and the input is their cubic interpolation. A denoiser is given nothing but the scan, or, with
`--known-noise`, the noise that was added. `worse in` names every figure of
`medddim.metrics.compare` in which the result is further from the truth than its input by more than
TOLERANCES. At little added noise an honest denoiser takes the truth's own noise too, and is worse
by these figures: `own noise` tells how much there is, in the unit of `level`, or in HU.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from quality import degraded, table
from superres import cubic, divisible

from medddim import formats
from medddim.errors import MedddimError
from medddim.inference.enhancer import Enhancer
from medddim.metrics import Scores, compare
from medddim.metrics.noise import estimate_noise
from medddim.scaling import Scaling
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

TITLES = [
    *("scan", "own noise", "level", "PSNR (dB)", "SSIM", "RMSE (%)", "HF power", "bias (%)"),
    "worse in",
]
TOLERANCES = {"PSNR": 0.05, "SSIM": 0.002, "NMSE": 0.01, "RMSE": 0.006, "HF power": 0.02}
TOLERANCES |= {"bias": 0.001}
"""Less is no difference: dB, SSIM, share of the input's NMSE and RMSE (both 0.05 dB, nearly), share
of the truth's power, share of the data range."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.01, 0.05, 0.10])
    parser.add_argument("--known-noise", action="store_true", help="give the model the noise added")
    parser.add_argument("--slices", type=int, default=3, help="only so many, in the middle")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    rows = []
    for name, scan in scans(asked.scans, enhancer.recipe.modality, slices=asked.slices):
        for level in asked.levels:
            rows.append([name, *judged(scan, level, enhancer, known=asked.known_noise)])
            print(*rows[-1], sep="  ", flush=True)
    worse_in = [row[-1] for row in rows]
    kept = f"In {worse_in.count('-')} of {len(rows)} rows the result is worse in no figure."
    text = f"{table(TITLES, rows)}\n\n{kept}"
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def scans(roots: list[Path], modality: str, *, slices: int) -> Iterator[tuple[str, Volume]]:
    """The scans of a modality; NIfTI files do not say theirs and are taken for the model's."""
    for series in formats.find(*roots):
        try:
            scan = formats.read(series)
        except MedddimError:
            continue
        if scan.modality in ("", modality):
            yield series.name, middle_slices(scan.taken_for(modality), slices)


def judged(scan: Volume, level: float, enhancer: Enhancer, *, known: bool) -> list[str]:
    """The cells of TITLES, but for the first."""
    scale = Scaling.fit(scan, **enhancer.recipe.scaling.model_dump()).scale
    own = estimate_noise(scan)
    if enhancer.recipe.task == "superresolve":
        shown = f"x {level:g}"
        truth, before, after = _superresolved(scan, round(level), enhancer)
    else:
        shown, truth = f"{level:.0%}", scan
        before, added = degraded(scan, level, recipe=enhancer.recipe)
        after = enhancer(before, noise=added if known else None)
    noise = f"{own:.0f} HU" if scan.unit == "HU" else f"{own / scale:.1%}"
    pair = (compare(before, truth), compare(after, truth))
    return [noise, shown, *_figures(*pair), worse(*pair)]


def _superresolved(scan: Volume, times: int, enhancer: Enhancer) -> tuple[Volume, Volume, Volume]:
    """The truth, the cubic interpolation of its thicker slices, and the result."""
    truth, larger = divisible(scan, (times, 1, 1))
    coarse = larger(truth, np.random.default_rng(0))
    return truth, cubic(larger, coarse), enhancer(coarse, factor=larger.factors)


def _figures(before: Scores, after: Scores) -> list[str]:
    """Input and result; RMSE and bias as shares of the data range."""
    span = before.data_range / 100
    pairs = (
        (before.psnr_db, after.psnr_db, 2),
        (before.ssim, after.ssim, 3),
        (before.rmse / span, after.rmse / span, 2),
        (before.hf_power, after.hf_power, 2),
        (before.local_bias / span, after.local_bias / span, 2),
    )
    return [f"{one:.{digits}f} → {two:.{digits}f}" for one, two, digits in pairs]


def worse(before: Scores, after: Scores) -> str:
    """The figures in which the result is further from the truth than its input."""
    losses = {
        "PSNR": before.psnr_db - after.psnr_db,
        "SSIM": before.ssim - after.ssim,
        "NMSE": after.nmse / before.nmse - 1,
        "RMSE": after.rmse / before.rmse - 1,
        "HF power": abs(after.hf_power - 1) - abs(before.hf_power - 1),
        "bias": (after.local_bias - before.local_bias) / before.data_range,
    }
    return ", ".join(name for name, loss in losses.items() if loss > TOLERANCES[name]) or "-"


if __name__ == "__main__":
    main()
