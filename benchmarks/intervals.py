"""Do the intervals hold on people they were not calibrated on, and are they worth having?

    python benchmarks/intervals.py SCANS... [--model mr-denoise] [--levels 0.02 0.05 0.10]

SCANS are taken as the truth (they hold noise of their own) and made noisy; of each the middle
--slices. Calibrated anew without each subject in turn (what a file's name says before its first
underscore), intervals are then asked for on that subject:

    coverage    share of the object's voxels within the interval: the mean over scans, and in five
                bins of intensity (fifths of the object's voxels, of the truth)
    width       mean width over that of a band of constant width (a share of what the network sees
                as 1), and of one that is constant in units of the noise, both calibrated on the
                same scans to the same risk
    error kept  share of the squared error in the 10 % widest voxels
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from paired import subject_of
from quality import degraded, table

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.inference.intervals import Calibration, factor_for, features, fit_width
from medddim.metrics import body, foreground
from medddim.training.dataset import middle_slices
from medddim.volume import Array

AT_MOST = 20000
"""Voxels of each scan that the width is fitted to."""
BINS = 5


@dataclass(frozen=True)
class Pair:
    """The object's voxels of one scan at one level: truth, error, features; `noise` in its unit."""

    scan: str
    subject: str
    truth: Array
    error: Array
    seen: Array
    noise: float
    share: float

    @property
    def scale(self) -> float:
        """What the network sees as 1."""
        return self.noise / self.share


def main() -> None:
    """One row a scan and level, then the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.02, 0.05, 0.10])
    parser.add_argument("--coverage", type=float, default=90)
    parser.add_argument("--slices", type=int, default=5)
    asked = parser.parse_args()
    enhancer = Enhancer.load(asked.model)
    found = list(pairs(enhancer, asked.scans, asked.levels, slices=asked.slices))
    rows = []
    for subject in dict.fromkeys(one.subject for one in found):
        others = [one for one in found if one.subject != subject]
        known = calibrated(others, [asked.coverage], source="the other subjects")
        alpha = 1 - asked.coverage / 100
        constant = factor_for([one.error / one.scale for one in others], alpha=alpha)
        by_noise = factor_for([one.error / one.noise for one in others], alpha=alpha)
        held_out = [one for one in found if one.subject == subject]
        for one in held_out:
            bands = (constant * one.scale, by_noise * one.noise)
            rows.append(measured(one, known, asked.coverage, bands))
    titles = ["scan", "noise", "coverage", *(f"bin {n + 1}" for n in range(BINS))]
    text = [[row["scan"], f"{row['noise']:.1%}", *cells(row)] for row in rows]
    means = {key: np.mean([row[key] for row in rows], axis=0) for key in FIGURES}
    text.append([f"mean of {len(rows)}", "", *cells(means)])
    print(table([*titles, "width / constant", "/ by noise", "error kept"], text))


FIGURES = ("coverage", "bins", "width", "widest")


def cells(row: dict[str, Any]) -> list[str]:
    """The figures of one row."""
    bins = [f"{one:.1%}" for one in row["bins"]]
    widths = [f"{one:.2f}" for one in row["width"]]
    return [f"{row['coverage']:.1%}", *bins, *widths, f"{row['widest']:.0%}"]


def pairs(
    enhancer: Enhancer, scans: Sequence[Path], levels: Sequence[float], *, slices: int
) -> Iterator[Pair]:
    """Every scan at every level, denoised."""
    for series in formats.find(*scans):
        clean = formats.read(series).taken_for(enhancer.recipe.modality)
        if clean.modality != enhancer.recipe.modality or clean.channels > 1:
            continue
        clean = middle_slices(clean, slices)
        inside = (body if clean.in_hu else foreground)(clean.voxels, slice_axis=clean.slice_axis)
        for level in levels:
            noisy, sigma = degraded(clean, level, recipe=enhancer.recipe)
            plan = enhancer.plan(noisy)
            share = plan.facts["noise_level"]  # as estimated: so it is for a user
            noise = share * plan.scaling.scale
            answer = enhancer.answer(plan).voxels[0]
            seen = features(noisy.voxels[0], answer, noise=noise, axis=clean.slice_axis)
            seen[0] = np.log(max(share, 1e-6))
            truth = clean.voxels[0]
            error = np.abs(answer - truth)[inside]
            name = series.name
            yield Pair(
                name, subject_of(Path(name).name), truth[inside], error, seen[:, inside],
                noise=noise, share=share,
            )  # fmt: skip
            print(f"{name} {level:g}: noise {sigma:.3g}, estimated {noise:.3g}", flush=True)


def calibrated(found: Sequence[Pair], coverages: Sequence[float], *, source: str) -> Calibration:
    """The function of the width, fitted to all scans, and the factor for each coverage."""
    some = [slice(None, None, max(1, one.error.size // AT_MOST)) for one in found]
    intercept, weights = fit_width(
        [one.seen[:, part] for one, part in zip(found, some, strict=True)],
        [one.error[part] / one.noise for one, part in zip(found, some, strict=True)],
    )
    shares = [one.share for one in found]
    known = Calibration(
        source,
        len(found),
        (round(0.8 * min(shares), 4), round(1.25 * max(shares), 4)),
        intercept,
        weights,
        {},
    )
    ratios = [one.error / width(one, known) for one in found]
    factors = {f"{c:g}": round(factor_for(ratios, alpha=1 - c / 100), 4) for c in coverages}
    return Calibration(source, len(found), known.noise, intercept, weights, factors)


def width(pair: Pair, known: Calibration) -> Array:
    """The half width before the factor."""
    return known.width(pair.seen, noise=pair.noise, share=pair.share)


def measured(
    pair: Pair, known: Calibration, coverage: float, bands: tuple[float, float]
) -> dict[str, Any]:
    """The figures of one scan; `bands` are the half widths of the constant ones."""
    half = width(pair, known) * known.factors[f"{coverage:g}"]
    within = pair.error <= half
    edges = np.quantile(pair.truth, np.linspace(0, 1, BINS + 1)[1:-1])
    which = np.digitize(pair.truth, edges)
    bins = np.array([within[which == n].mean() for n in range(BINS)])
    widest = half >= np.quantile(half, 0.9)
    squares = np.square(pair.error, dtype=np.float64)
    return {
        "scan": pair.scan,
        "noise": pair.share,
        "coverage": within.mean(),
        "bins": bins,
        "width": half.mean() / np.array(bands),
        "widest": squares[widest].sum() / squares.sum(),
    }


if __name__ == "__main__":
    main()
