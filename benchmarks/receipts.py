"""Does a receipt say what a separate experiment says, what does it cost, and is invention flagged?

    python benchmarks/receipts.py SCANS... [--model mr-denoise-fast] [--levels 0.05] [--slices 12]

SCANS are taken as the truth and made noisy; of each the middle --slices. For every scan and level:

    apart     mean distance, over sizes and contrasts, of the share kept that the receipt gives from
              that of inserts at other places (another seed; as many as the receipt wants, each
              place drawn by itself, in as many whole answers as that takes), the worst, and how
              many sizes and contrasts of the receipt are within WITHIN; then the mean distance
              expected by chance alone, from the standard errors of both; and of the sizes and
              contrasts whose standard errors allow it (SURE), how many are within WITHIN
    answer    CPU time of the answer with its receipt over that of the answer
    cost      CPU time of `medddim enhance --receipt` over that of `medddim enhance`, of the scan
              as a NIfTI file, without this file's imports
    flagged   AUROC of the map of `medddim.metrics.invention` (its most within the place) between
              even tissue of the answer with a false structure of SIZES_MM and --contrast times the
              noise and even tissue without, by size and together, in --copies answers; not measured
              if the contrast is 0
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from contrast import tissue
from quality import degraded, table

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.inference.insertion import (
    GAP,
    SIZES_MM,
    Planted,
    apart,
    even_places,
    floor_of,
    kept,
    plant,
    with_inserts,
)
from medddim.inference.plan import ScanPlan
from medddim.inference.receipt import Receipt, reach_of, wanted_of
from medddim.inference.settings import Settings
from medddim.inference.trust import receipt_of
from medddim.metrics.invention import invented
from medddim.training.dataset import middle_slices
from medddim.volume import Array, Volume

SEED = 1000
"""Of the separate experiment; a receipt has that of its settings, 0."""
WITHIN, SURE = 0.05, 0.025
"""What distance counts as agreement, and the largest standard error with which it can be seen."""
APART = 4
"""Voxels between two inserts of one answer of the separate experiment."""
RUN = "from medddim.cli import main; main()"
Shares = dict[tuple[float, float], list[float]]


def main() -> None:
    """One row a scan and level, then the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise-fast")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05])
    parser.add_argument("--slices", type=int, default=12)
    parser.add_argument("--copies", type=int, default=4)
    parser.add_argument("--contrast", type=float, default=3.0)
    asked = parser.parse_args()
    enhancer, rows, seen = Enhancer.load(asked.model), [], defaultdict(list)
    for series in formats.find(*asked.scans):
        clean = formats.read(series).taken_for(enhancer.recipe.modality)
        if clean.modality != enhancer.recipe.modality or clean.channels > 1:
            continue
        for level in asked.levels:
            noisy, _ = degraded(middle_slices(clean, asked.slices), level, recipe=enhancer.recipe)
            row, flags = measured(enhancer, noisy, asked)
            rows.append([series.name, f"{level:g}", *row, *aurocs(flags)])
            for size, pairs in flags.items():
                seen[size] += pairs
            print("  ".join(rows[-1]), flush=True)
    sizes = [f"{size:g} mm" for size in SIZES_MM]
    titles = ["scan", "level", "apart", "worst", "within", "by chance", "sure", "answer", "cost"]
    titles += [*sizes, "flagged"]
    for there in (True, False):
        places = sum(one[1] is there for pairs in seen.values() for one in pairs)
        print(f"{places} places {'with' if there else 'without'} a false structure")
    print(table(titles, [*rows, ["together", *[""] * 8, *aurocs(seen)]]))


def measured(
    enhancer: Enhancer, noisy: Volume, asked: argparse.Namespace
) -> tuple[list[str], dict[float, list[tuple[float, bool]]]]:
    """The figures of the receipt, and how far false structures stand out, by size."""
    plan = enhancer.plan(noisy, Settings())
    enhancer.answer(plan)  # the first of a shape is slower
    began = time.process_time()
    answer = enhancer.answer(plan)
    answered = time.process_time()
    receipt = receipt_of(enhancer, plan, answer)
    cost = (time.process_time() - began) / (answered - began)
    agreed = against(receipt, separate(enhancer, plan, answer))
    copies = asked.copies if asked.contrast else 0
    flags = stand_out(plan, answer, contrast=asked.contrast, copies=copies)
    return [*agreed, f"{cost:.2f}", f"{of_command(noisy, asked.model):.2f}"], flags


def of_command(noisy: Volume, model: str) -> float:
    """CPU time of the command with a receipt over that of the command without."""
    with tempfile.TemporaryDirectory() as folder:
        scan, seconds = Path(folder) / "scan.nii.gz", []
        nibabel.save(nibabel.Nifti1Image(noisy.voxels[0], noisy.affine), scan)
        for number, more in enumerate(([], ["--receipt"])):
            began = resource.getrusage(resource.RUSAGE_CHILDREN)
            out = Path(folder) / f"out{number}"
            command = [sys.executable, "-c", RUN, "enhance", scan, "-o", out]
            command += ["--model", model, "--force", *more]
            subprocess.run(command, check=True, capture_output=True)
            ended = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds.append(ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime)
    return seconds[1] / seconds[0]


def placed(
    plan: ScanPlan, image: Volume, wanted: list[Any], seed: int, gap: int | None = GAP
) -> list[Planted]:
    """Inserts in a whole image, in units of the scan's noise."""
    floor, generator = floor_of(image, plan.scaling.scale), np.random.default_rng(seed)
    among: dict[str, Any] = {"floor": floor, "generator": generator}
    places = even_places(image, [size for size, _ in wanted], **among)
    noise = plan.facts["noise_level"] * plan.scaling.scale
    return plant(image, wanted, places, noise=noise, gap=gap and [gap] * 3, **among)


def separate(enhancer: Enhancer, plan: ScanPlan, answer: Volume) -> Shares:
    """The share kept of inserts in the whole scan, answered whole, by size and contrast.

    Each place is drawn by itself, from all that are even; inserts that are near each other go into
    different answers, so that no place is rarer for having little room around it.
    """
    shares: Shares = defaultdict(list)
    network: Any = enhancer.denoiser.network
    gaps = [min(far, APART) for far in reach_of(plan, halo=network.halo)]
    left = placed(plan, plan.scan, wanted_of(plan.scan), SEED, gap=None)
    while left:
        planted, left = apart(left, gaps)
        there = with_inserts(plan.scan.voxels[0], planted)[None]
        found = enhancer.answer(plan.of(plan.scan.with_voxels(there)))
        for one in kept(found.voxels[0] - answer.voxels[0], planted):
            shares[one.diameter_mm, one.times_noise].append(one.share)
    return shares


def against(receipt: Receipt, shares: Shares) -> list[str]:
    """How far apart receipt and experiment are: mean, worst, share within, by chance, if sure."""
    distances, errors = [], []
    for line in receipt.lines:
        others = shares.get((line.diameter_mm, line.times_noise), [])
        if len(others) > 1:
            distances.append(abs(line.mean - np.mean(others)))
            errors.append(np.hypot(line.error, np.std(others, ddof=1) / np.sqrt(len(others))))
    if not distances:
        return ["-"] * 5
    mean, worst = f"{np.mean(distances):.3f}", f"{max(distances):.3f}"
    within, sure = np.array(distances) <= WITHIN, np.array(errors) <= SURE
    by_chance = np.mean(errors) * np.sqrt(2 / np.pi)  # the mean of |x| of a normal distribution
    seen = f"{int(within[sure].sum())} of {int(sure.sum())}"
    return [mean, worst, f"{within.sum()} of {within.size}", f"{by_chance:.3f}", seen]


def stand_out(
    plan: ScanPlan, answer: Volume, *, contrast: float, copies: int
) -> dict[float, list[tuple[float, bool]]]:
    """By size: the most of the map at a place of even tissue, and whether it was planted there."""
    found: dict[float, list[tuple[float, bool]]] = defaultdict(list)
    scan, image = plan.scan.voxels[0], answer.voxels[0]
    axis = plan.scan.slice_axis
    wanted = [(size, contrast) for size in SIZES_MM[::-1]] * 4
    inside = tissue(plan.scan)
    plain = invented(image, scan, slice_axis=axis, inside=inside)
    for copy in range(copies):
        planted = placed(plan, answer, wanted, SEED + copy)
        false = invented(with_inserts(image, planted), scan, slice_axis=axis, inside=inside)
        elsewhere = placed(plan, answer, wanted, SEED + copies + copy)
        for deviations, places, there in ((false, planted, True), (plain, elsewhere, False)):
            for one in places:
                found[one.diameter_mm].append((most(deviations, one), there))
    return found


def most(deviations: Array, one: Planted) -> float:
    """The most of the map within a structure."""
    box, profile = one.insert.profile(deviations.shape)
    return float(deviations[box][profile > 0].max())


def aurocs(found: dict[float, list[tuple[float, bool]]]) -> list[str]:
    """The area under the curve for each size, and for all together."""
    everything = [pair for pairs in found.values() for pair in pairs]
    return [auroc(found.get(size, [])) for size in SIZES_MM] + [auroc(everything)]


def auroc(pairs: list[tuple[float, bool]]) -> str:
    """How often a planted place stands out more than one that is not."""
    there = np.array([value for value, planted in pairs if planted])[:, None]
    absent = np.array([value for value, planted in pairs if not planted])[None]
    if not there.size or not absent.size:
        return "-"
    return f"{np.mean((there > absent) + 0.5 * (there == absent)):.3f}"


if __name__ == "__main__":
    main()
