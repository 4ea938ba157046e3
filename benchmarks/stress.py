"""Does a model make scans worse that it was not made for? Every scan against its input.

    python benchmarks/stress.py SCANS... [--model mr-denoise] [--levels 0.01 0.05 0.10]

Each scan of the folders is taken as the truth, although it holds noise of its own, made worse as
in quality.py, and enhanced in one step. A row a scan and level: PSNR and SSIM of input and result,
how far the high-frequency power is from that of the truth, and in which of these the result is
worse than its input. At little noise an honest denoiser takes the truth's own noise too, and is
worse by these figures: `own noise` tells how much there is, in the unit of `level`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from quality import degraded, table

from medddim import formats
from medddim.dataset import middle_slices
from medddim.enhancer import Enhancer
from medddim.errors import MedddimError
from medddim.metrics import Scores, compare
from medddim.metrics.noise import estimate_noise
from medddim.scaling import Scaling
from medddim.volume import Volume

TITLES = ["scan", "own noise", "level", "PSNR (dB)", "SSIM", "HF power", "worse in"]
TOLERANCES = {"PSNR": 0.05, "SSIM": 0.002, "HF power": 0.02}
"""Less than this is no difference: dB, SSIM, share of the truth's power."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.01, 0.05, 0.10])
    parser.add_argument("--slices", type=int, default=3, help="only so many, in the middle")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    rows = []
    for name, scan in scans(asked.scans, enhancer.recipe.modality, slices=asked.slices):
        for level in asked.levels:
            rows.append(judged(name, scan, level, enhancer))
            print(*rows[-1], sep="  ", flush=True)
    text = table(TITLES, rows)
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def scans(roots: list[Path], modality: str, *, slices: int) -> Iterator[tuple[str, Volume]]:
    """The scans of a modality; NIfTI files do not say theirs and are taken at their folder's."""
    for series in formats.find(*roots):
        try:
            scan = formats.read(series)
        except MedddimError:
            continue
        if scan.modality in ("", modality):
            yield series.name, middle_slices(scan.taken_for(modality), slices)


def judged(name: str, scan: Volume, level: float, enhancer: Enhancer) -> list[str]:
    """The cells of TITLES."""
    recipe = enhancer.recipe
    scale = Scaling.fit(scan, **recipe.scaling.model_dump()).scale
    noisy, sigma = degraded(scan, level, recipe=recipe)
    before, after = (compare(image, scan) for image in (noisy, enhancer(noisy, noise=sigma)))
    own = estimate_noise(scan)
    told = f"{own:.0f} HU" if scan.unit == "HU" else f"{own / scale:.1%}"
    shown = [
        f"{one:.{digits}f} → {two:.{digits}f}"
        for one, two, digits in (
            (before.psnr_db, after.psnr_db, 2),
            (before.ssim, after.ssim, 3),
            (before.hf_power, after.hf_power, 2),
        )
    ]
    return [name, told, f"{level:.0%}", *shown, worse(before, after)]


def worse(before: Scores, after: Scores) -> str:
    """The figures in which the result is further from the truth than its input."""
    losses = {
        "PSNR": before.psnr_db - after.psnr_db,
        "SSIM": before.ssim - after.ssim,
        "HF power": abs(after.hf_power - 1) - abs(before.hf_power - 1),
    }
    return ", ".join(name for name, loss in losses.items() if loss > TOLERANCES[name]) or "-"


if __name__ == "__main__":
    main()
