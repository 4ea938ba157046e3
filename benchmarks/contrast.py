"""How much of the contrast of small structures does a denoiser keep, and does it make any up?

    python benchmarks/contrast.py SCANS [--model mr-denoise] [--levels 0.05 0.10] [-o table.md]

SCANS is a folder of scans taken as the truth; of each the middle --slices. Inserts (ellipsoids
with an edge of one voxel, bright and dark, SIZES_MM across) are put into the truth where tissue is
even, with the contrast that gives each of SNRS to a matched filter in the noise that is
added: the template's answer to the insert over the standard deviation of its answers to the noise.
The same noise is added with and without inserts (MR: Rician, its level given to every method; CT:
that of the share of the dose, its level estimated), and both are denoised.

    kept      (answer with - answer without) over the contrast put in, in the core of the insert:
              1 is all of it; the mean over inserts, by SNR, and the share of inserts below one half
    false     per mille of the places in tissue where the template for 4 mm finds more contrast in
              the answer than in the truth, by that of an insert of SNR 2
    PSNR      in dB, foreground, without inserts

--wide gives curves of contrast kept against PSNR: the network's answer with local means put back
that are so wide (voxels; medddim.inference.put_back), 0 for nothing put back. The baselines are
those of medddim (DIPY's non-local means needs `pip install dipy`).
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from quality import degraded, table
from scipy.ndimage import uniform_filter
from scipy.signal import fftconvolve

from medddim import formats
from medddim.baselines import BASELINES
from medddim.degradation import RicianNoise
from medddim.degradation.inserts import Insert
from medddim.degradation.rician import rician
from medddim.errors import ScoreError
from medddim.inference.enhancer import Enhancer
from medddim.inference.insertion import (
    SIZES_MM,
    even_places,
    floor_of,
    kept,
    plant,
    radii_of,
    with_inserts,
)
from medddim.inference.plan import ScanPlan
from medddim.inference.put_back import put_back
from medddim.inference.settings import Settings
from medddim.metrics import body, compare, foreground
from medddim.training.dataset import middle_slices
from medddim.volume import Array, Volume

SNRS = (4.5, 6.0, 7.5, 9.0, 12.0, 18.0)
BINS = (("SNR 4 to 8", 4.0, 8.0), ("SNR 8 and more", 8.0, np.inf))
COPIES = 2
EVEN = 0.15
"""Of the tissue, the most even share, where inserts lie: less is kept there than elsewhere."""
FALSE_SNR, FALSE_MM = 2.0, 4.0
Row = dict[str, Any]


def main() -> None:
    """One line a scan, level and method, then the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", default="mr-denoise", help="shipped, or a run folder")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--steps", type=int, nargs="+", default=[1])
    parser.add_argument("--wide", type=float, nargs="*", default=[])
    parser.add_argument("--baselines", nargs="*", default=["nlm-dipy"], choices=sorted(BASELINES))
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--middle", type=int, help="of each slice, only so many rows and columns")
    parser.add_argument("-o", "--output", type=Path, help="write the table here too (Markdown)")
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    rows = []
    for series in formats.find(asked.scans):
        clean = formats.read(series).taken_for(enhancer.recipe.modality)
        if clean.modality != enhancer.recipe.modality or clean.channels > 1:
            continue
        clean = middle_of(middle_slices(clean, asked.slices), asked.middle)
        for level in asked.levels:
            for row in measure(enhancer, asked, clean, level):
                rows.append(row | {"scan": series.name})
                print(
                    series.name,
                    f"{level:g}",
                    row["method"],
                    *figures_of([row]),
                    sep="  ",
                    flush=True,
                )
    text = means(rows)
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")


def middle_of(scan: Volume, edge: int | None) -> Volume:
    """The scan, or so many rows and columns in the middle of its slices."""
    box = [slice(0, n) for n in scan.shape]
    for axis in {0, 1, 2} - {scan.slice_axis} if edge else ():
        first = max((scan.shape[axis] - edge) // 2, 0)
        box[axis] = slice(first, first + edge)
    return scan.crop(*box)


def measure(
    enhancer: Enhancer, asked: argparse.Namespace, clean: Volume, level: float
) -> Iterator[Row]:
    """One row for each method."""
    noisy, sigma = degraded(clean, level, recipe=enhancer.recipe)
    inside = tissue(clean)
    noise = noisy.voxels[0] - clean.voxels[0]
    with_them, planted, spread = inserted(clean, noise, inside)
    noisier = with_noise_of(clean, noisy, with_them, level, enhancer)
    for method, without, there in answers(enhancer, asked, noisy, noisier, sigma=sigma):
        left = [
            (one.times_noise / spread[one.diameter_mm], one.share)
            for one in kept(there.voxels[0] - without.voxels[0], planted)
        ]
        widest = spread.get(FALSE_MM, max(spread.values()))
        yield {
            "level": level,
            "method": method,
            "kept": left,
            "false": made_up(without.voxels[0], clean, inside, widest),
            "psnr": compare(without, clean).psnr_db,
        }


def answers(
    enhancer: Enhancer, asked: argparse.Namespace, noisy: Volume, noisier: Volume, *, sigma: float
) -> Iterator[tuple[str, Volume, Volume]]:
    """Each method's name, and its answers to the scan without and with inserts."""
    for steps in asked.steps:
        answer = partial(enhancer, steps=steps, noise=sigma)
        yield f"{enhancer.name}, {steps} step", answer(noisy), answer(noisier)
    for name in asked.baselines:
        baseline = partial(BASELINES[name], noise=sigma)
        yield name, baseline(noisy), baseline(noisier)
    if not asked.wide:
        return
    both = []
    for scan in (noisy, noisier):
        plan = enhancer.plan(scan, Settings(noise=sigma))
        same = replace(plan.consistency, puts_back=False)
        both.append((plan, enhancer.answer(replace(plan, consistency=same))))
    for wide in asked.wide:
        yield f"{enhancer.name}, {wide:g} wide", *(changed(*one, wide) for one in both)


def changed(plan: ScanPlan, answer: Volume, wide: float) -> Volume:
    """The network's answer, with local means put back that are so wide."""
    if not wide:
        return answer
    scan, same = plan.scan, plan.consistency
    noise = None if scan.in_hu else same.level if same.noise_map is None else same.noise_map
    grid = {"spacing_mm": scan.spacing_mm, "slice_axis": scan.slice_axis, "wide": wide}
    put = put_back(answer.voxels[0], scan.voxels[0], noise=noise, **grid)
    return answer.with_voxels(put[None])


def inserted(
    clean: Volume, noise: Array, inside: Array
) -> tuple[Volume, list[Any], dict[float, float]]:
    """The truth with inserts, the inserts, and the spread of each template's contrast in noise."""
    spread = {}
    for size in SIZES_MM:
        if size >= min(clean.spacing_mm):
            contrast = apparent(noise, template(size, clean.spacing_mm))
            spread[size] = float(contrast[inside].std())
    wanted = [(size, snr * spread[size]) for snr in SNRS for size in sorted(spread)[::-1]] * COPIES
    floor = floor_of(clean, float(np.percentile(clean.voxels, 99.5)))
    among: dict[str, Any] = {"floor": floor, "generator": np.random.default_rng(0)}
    places = even_places(clean, [size for size, _ in wanted], even=EVEN, **among)
    planted = plant(clean, wanted, places, noise=1.0, **among)
    return clean.with_voxels(with_inserts(clean.voxels[0], planted)[None]), planted, spread


def with_noise_of(
    clean: Volume, noisy: Volume, with_them: Volume, level: float, enhancer: Enhancer
) -> Volume:
    """The scan with inserts and the same noise; of MR the magnitude is taken anew."""
    if clean.in_hu:
        return noisy.with_voxels(noisy.voxels + with_them.voxels - clean.voxels)
    # the level is a share of the bright end, which inserts must not move
    generator = np.random.default_rng(0)
    return noisy.with_voxels(rician(with_them.voxels, RicianNoise(level).sigma(clean), generator))


def template(size_mm: float, spacing_mm: tuple[float, ...]) -> Array:
    """What, correlated with an image, gives the contrast of an insert of this size."""
    radii = radii_of(size_mm, spacing_mm)
    shape = tuple(2 * int(r + 2) + 1 for r in radii)
    _, profile = Insert(tuple((n - 1) / 2 for n in shape), tuple(radii)).profile(shape)
    return profile / np.square(profile).sum()


def apparent(image: Array, weights: Array) -> Array:
    """The contrast of an insert that the template sees at every place, against what is around."""
    wide = [3 * n for n in weights.shape]
    around = image - uniform_filter(image, wide)
    return fftconvolve(around, weights[::-1, ::-1, ::-1], mode="same")


def made_up(answer: Array, clean: Volume, inside: Array, spread: float) -> float:
    """Per mille of the places in tissue where the answer has contrast that the truth lacks."""
    weights = template(FALSE_MM, clean.spacing_mm)
    true, found = apparent(clean.voxels[0], weights), apparent(answer, weights)
    more = np.abs(found) - np.abs(true) > FALSE_SNR * spread
    return float(1000 * more[inside].mean())


def tissue(clean: Volume) -> Array:
    """Where there is something to see."""
    try:
        return (body if clean.in_hu else foreground)(clean.voxels, slice_axis=clean.slice_axis)
    except ScoreError:
        return np.ones(clean.shape, dtype=bool)


def figures_of(rows: list[Row]) -> list[str]:
    """The figures of some rows together: means over their inserts, and over the rows."""
    inserts = [one for row in rows for one in row["kept"]]
    cells = []
    for _, low, high in BINS:
        shares = [share for snr, share in inserts if low <= snr < high]
        lost = np.mean([share < 0.5 for share in shares]) if shares else np.nan
        mean = np.mean(shares) if shares else np.nan
        cells.append(f"{mean:.3f} ({lost:.0%} of {len(shares)} below half)")
    false = np.nanmean([row["false"] for row in rows])
    return [*cells, f"{false:.2f}", f"{np.mean([row['psnr'] for row in rows]):.2f}"]


def means(rows: list[Row]) -> str:
    """A Markdown table of the means over scans."""
    groups: dict[tuple[float, str], list[Row]] = defaultdict(list)
    for row in rows:
        groups[row["level"], row["method"]].append(row)
    titles = ["level", "method", *(f"kept, {name}" for name, _, _ in BINS)]
    body = [[f"{level:g}", method, *figures_of(group)] for (level, method), group in groups.items()]
    return table([*titles, "false, per mille", "PSNR (dB)"], body)


if __name__ == "__main__":
    main()
