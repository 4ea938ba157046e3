"""Do the intervals hold on people they were not calibrated on, and are they worth having?

    python benchmarks/intervals.py SCANS... [--model mr-denoise] [--levels 0.02 0.05 0.10]

SCANS are taken as the truth (they hold noise of their own) and made noisy; of each the middle
--slices. Calibrated anew without each subject in turn (what a file's name says before its first
underscore), intervals are then asked for on that subject:

    coverage    share of the object's voxels within the interval: the mean over scans, and in five
                bins of intensity (fifths of the object's voxels, of the truth)
    / constant  mean width over that of a band of constant width (a share of what the network sees
                as 1, the same for all scans), calibrated on the same scans to the same risk
    / by noise  the same for a band that is constant in units of each scan's noise
    / in unit   the same for one that is constant in the scan's own unit: HU, of MR arbitrary
    error       share of the squared error in the 10 % widest voxels

and, behind each of the last four, what could be had at best, whatever the width were found from
(`at_best`). It takes errors to be normal once all is known that can be; `kurtosis`, of the errors
over the half widths, is 3 if they are normal as it is. The last row is not a mean over scans: their
voxels are taken together, as shares of what the network sees as 1, so that the widest are those of
the noisiest scans. With --whole all voxels count, air too, in place of the object's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
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

    @property
    def units(self) -> Array:
        """In which each of BANDS is constant."""
        return np.array([self.scale, self.noise, 1.0])


def main() -> None:
    """One row a scan and level, then the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path, nargs="+")
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.02, 0.05, 0.10])
    parser.add_argument("--coverage", type=float, default=90)
    parser.add_argument("--slices", type=int, default=5)
    parser.add_argument("--whole", action="store_true")
    asked = parser.parse_args()
    given = {"slices": asked.slices, "whole": asked.whole}
    found = list(pairs(Enhancer.load(asked.model), asked.scans, asked.levels, **given))
    held: list[Held] = []
    for subject in dict.fromkeys(one.subject for one in found):
        others = [one for one in found if one.subject != subject]
        theirs = [one for one in found if one.subject == subject]
        held += held_out(theirs, others, asked.coverage)
    rows = [measured(one, asked.coverage) for one in held]
    text = [[*one.name, *cells(row)] for one, row in zip(held, rows, strict=True)]
    means = {key: np.mean([row[key] for row in rows], axis=0) for key in FIGURES}
    text.append([f"mean of {len(rows)}", "", *cells(means)])
    everything = together(held)
    text.append([*everything.name, *cells(measured(everything, asked.coverage))])
    bins = [f"bin {n + 1}" for n in range(BINS)]
    ends = [name for one in (*BANDS, "error") for name in (one, "at best")]
    print(table(["scan", "noise", "coverage", *bins, *ends, "kurtosis"], text))


FIGURES = ("coverage", "bins", "width", "least", "widest", "most", "kurtosis")
BANDS = ("/ constant", "/ by noise", "/ in unit")


def cells(row: dict[str, Any]) -> list[str]:
    """The figures of one row."""
    bins = [f"{one:.1%}" for one in row["bins"]]
    widths = [f"{one:.2f}" for both in zip(row["width"], row["least"], strict=True) for one in both]
    errors = [f"{row[key]:.0%}" for key in ("widest", "most")]
    return [f"{row['coverage']:.1%}", *bins, *widths, *errors, f"{row['kurtosis']:.1f}"]


def pairs(
    enhancer: Enhancer,
    scans: Sequence[Path],
    levels: Sequence[float],
    *,
    slices: int,
    whole: bool = False,
) -> Iterator[Pair]:
    """Every scan at every level, denoised; `whole`: all of its voxels count as the object's."""
    for series in formats.find(*scans):
        clean = formats.read(series).taken_for(enhancer.recipe.modality)
        if clean.modality != enhancer.recipe.modality or clean.channels > 1:
            continue
        clean = middle_slices(clean, slices)
        inside = (body if clean.in_hu else foreground)(clean.voxels, slice_axis=clean.slice_axis)
        inside |= whole
        for level in levels:
            noisy, sigma = degraded(clean, level, recipe=enhancer.recipe)
            plan = enhancer.plan(noisy)
            share = plan.facts["noise_level"]  # as estimated: so it is for a user
            noise = share * plan.scaling.scale
            answer = enhancer.answer(plan).voxels[0]
            seen = features(answer, noise=noise, share=share, axis=clean.slice_axis)
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
    return known.width(pair.seen, noise=pair.noise)


@dataclass(frozen=True)
class Held:
    """A scan that was not calibrated on: all as shares of what the network sees as 1.

    `name` has the scan and its noise, `bands` the half width of each of BANDS.
    """

    name: tuple[str, str]
    truth: Array
    error: Array
    half: Array
    bands: Array


def held_out(theirs: Sequence[Pair], others: Sequence[Pair], coverage: float) -> Iterator[Held]:
    """The scans of one subject, and the half widths that the others give them."""
    alpha = 1 - coverage / 100
    known = calibrated(others, [coverage], source="the other subjects")
    constant = [
        factor_for([other.error / other.units[band] for other in others], alpha=alpha)
        for band in range(len(BANDS))
    ]
    for one in theirs:
        name = one.scan, f"{one.share:.1%}"
        half = width(one, known) * known.factors[f"{coverage:g}"]
        seen = [image / one.scale for image in (one.truth, one.error, half)]
        yield Held(name, *seen, np.array(constant) * one.units / one.scale)


def together(held: Sequence[Held]) -> Held:
    """The voxels of all scans as if they were of one."""
    images = [
        np.concatenate([getattr(one, name) for one in held]) for name in ("truth", "error", "half")
    ]
    sizes = [one.error.size for one in held]
    bands = np.average([one.bands for one in held], axis=0, weights=sizes)
    return Held(("all voxels together", ""), *images, bands)


def measured(one: Held, coverage: float) -> dict[str, Any]:
    """The figures of one scan."""
    within = one.error <= one.half
    fifths = np.array_split(np.argsort(one.truth, kind="stable"), BINS)
    widest = one.half >= np.quantile(one.half, 0.9)
    squares = np.square(one.error, dtype=np.float64)
    least, most = at_best(one.error, coverage)
    return {
        "coverage": within.mean(),
        "bins": np.array([within[fifth].mean() for fifth in fifths]),
        "width": one.half.mean() / one.bands,
        "least": least / one.bands,
        "widest": squares[widest].sum() / squares.sum(),
        "most": most,
        "kurtosis": kurtosis(one.error / one.half),
    }


def at_best(error: Array, coverage: float) -> tuple[float, float]:
    """The least mean half width, and the most of the squared error in the 10 % widest voxels.

    Suppose that `error` is, at each voxel, the size of a normal variable whose standard deviation
    s is all that can be known of it. An interval that covers `coverage` per cent at that voxel has
    a half width of z s, and the mean of s is sqrt(pi/2) times that of the errors. The mean of s^4
    is a third of that of their fourth powers, which gives the coefficient of variation of s^2, cv;
    a tenth of the voxels, however chosen, has 0.1 + sqrt(0.1 * 0.9) cv of the sum of s^2 at most
    (Cauchy and Schwarz), also if less than s is known. Nothing but the errors is needed.
    """
    z = NormalDist().inv_cdf((1 + coverage / 100) / 2)
    cv = np.sqrt(max(kurtosis(error) / 3 - 1, 0))
    return z * np.sqrt(np.pi / 2) * float(error.mean(dtype=np.float64)), 0.1 + 0.3 * float(cv)


def kurtosis(error: Array) -> float:
    """The fourth moment over the second squared, around 0: 3 of normal errors."""
    squares = np.square(error, dtype=np.float64)
    return float(np.square(squares).mean() / squares.mean() ** 2)


if __name__ == "__main__":
    main()
