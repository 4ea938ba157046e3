"""What is left of a scanner's own noise? Measured on scans of one object taken again and again.

    python benchmarks/repeats.py REPEATS [--model MODEL ...]
    python benchmarks/repeats.py REPEATS --differ [--model MODEL ...]

REPEATS is a folder of NIfTI files whose last axis counts acquisitions of one object. With r1, r2
two of them, x1 what the model makes of r1 and s2 = mean((r1 - r2)^2) / 2, the error left is
(mean((x1 - r2)^2) - s2) / s2, bias included: 1 if nothing was done. Taken where the signal is above
5 s and away from rims, which move between acquisitions. Nothing is given but the scan.

Not all that differs is noise. --differ says of the first two acquisitions, where that is measured:

    smooth     the variance of the difference blurred by 4 pixels, less what noise of the
               difference's own correlation to the next two pixels keeps of such a blur, as a share
               of the variance: drift, brightness, B0
    edges      the share of the variance that a shift of the object explains: the difference
               regressed on the gradient of the mean, along rows and columns
    large      the standard deviation over that by the median: 1 of normal noise
    bright     the level in the brighter half over that in the darker: 1 of noise of a receiver
    least      the error left by an answer that lacks noise and nothing else: half of what is smooth
               or at edges between two acquisitions belongs to each of them
    read       the passport's level of the first acquisition over that of the difference
    MODEL      the error left after it, and, after the +, how much of that is no noise: the error
               left less half the variance of the difference of both answers
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from quality import table
from scipy.ndimage import (
    binary_erosion,
    gaussian_filter,
    gaussian_gradient_magnitude,
    uniform_filter,
)

from medddim import formats
from medddim.inference.enhancer import Enhancer
from medddim.noise import noise_passport
from medddim.volume import Array, Volume

BLUR = 4.0
DIFFER = ["scan", "smooth", "edges", "large", "bright", "least", "read"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repeats", type=Path)
    parser.add_argument("--model", nargs="+", default=["mr-denoise"])
    parser.add_argument("--differ", action="store_true")
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    enhancers = {name: Enhancer.load(name) for name in asked.model}
    if asked.differ:
        rows = differences(asked.repeats, list(enhancers.values()))
        return print(table([*DIFFER, *enhancers], list(rows)))
    body = []
    for series in formats.find(asked.repeats):
        scans = formats.read(series).taken_for("MR")
        images = acquisitions(scans)
        error = [left(image_pairs(images, one)) for one in enhancers.values()]
        cells = [*error, *(one / error[0] for one in error[1:])]
        body.append([series.name, *(f"{cell:.2f}" for cell in cells)])
        print(*body[-1], flush=True)
    titles = ["scan", *enhancers, *(f"{name} / first" for name in list(enhancers)[1:])]
    text = table(titles, body)
    print(text)
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
    return None


def acquisitions(scans: Volume) -> list[Volume]:
    """One scan each of a 4D series, or of a 3D file whose third axis counts acquisitions."""
    if scans.channels > 1:
        return [replace(scans, voxels=scans.voxels[n : n + 1]) for n in range(scans.channels)]
    return [scans.crop(slice(None), slice(None), slice(n, n + 1)) for n in range(scans.shape[2])]


def image_pairs(images: list[Volume], enhancer: Enhancer) -> list[tuple[Array, Array, Array]]:
    """For neighbours in time: the first, what the model makes of it, the second."""
    return [
        (one.voxels[0], enhancer(one).voxels[0], other.voxels[0]) for one, other in pairwise(images)
    ]


def left(pairs: list[tuple[Array, Array, Array]]) -> float:
    """The error left as a share of the noise variance, the mean over pairs."""
    shares = []
    for first, made, second in pairs:
        used = measured_in(first, second)
        s2 = float(np.mean((first - second)[used] ** 2)) / 2
        shares.append((float(np.mean((made - second)[used] ** 2)) - s2) / s2)
    return float(np.mean(shares))


def measured_in(first: Array, second: Array) -> Array:
    """Where the signal is 5 times the noise, away from rims."""
    s = float(np.sqrt(np.median((first - second) ** 2) / 0.4549 / 2)) or 1.0
    smooth = uniform_filter((first + second) / 2, (3, 3, 1))
    bright = binary_erosion(smooth > 5 * s, np.ones((3, 3, 1)), iterations=2)
    slope = gaussian_gradient_magnitude((first + second) / 2, 1.5)
    found: Array = bright & (slope <= np.percentile(slope[bright], 80)) if bright.any() else bright
    return found


def differences(folder: Path, enhancers: list[Enhancer]) -> Iterator[list[str]]:
    """A row for each file: what differs between its first two acquisitions."""
    for series in formats.find(folder):
        images = acquisitions(formats.read(series).taken_for("MR"))
        first, second = (one.voxels[0].astype(np.float64) for one in images[:2])
        used, apart, mean = measured_in(first, second), first - second, (first + second) / 2
        if not used.any():
            continue
        values = apart[used]
        variance, normal = float(np.mean(values**2)), float(np.median(np.abs(values))) / 0.6745
        slopes = np.stack([np.gradient(mean, axis=axis)[used] for axis in (0, 1)], axis=1)
        shift, *_ = np.linalg.lstsq(slopes, values, rcond=None)
        edges = float(np.mean((slopes @ shift) ** 2)) / variance
        smooth = smooth_share(apart, used)
        bright = mean > np.median(mean[used])
        levels = [np.median(np.abs(apart[used & one])) for one in (bright, ~bright)]
        figures = [smooth, edges, np.sqrt(variance) / normal, levels[0] / levels[1]]
        figures += [min(smooth + edges, 1), noise_passport(images[0]).level / normal * np.sqrt(2)]
        after = (split(images[:2], used, enhancer) for enhancer in enhancers)
        yield [series.name, *(f"{one:.2f}" for one in figures), *after]


def split(images: list[Volume], used: Array, enhancer: Enhancer) -> str:
    """The error left after a model, as noise + what is no noise."""
    first, second = (one.voxels[0][used].astype(np.float64) for one in images)
    one, other = (enhancer(image).voxels[0][used] for image in images)
    s2 = float(np.mean((first - second) ** 2)) / 2
    left = (float(np.mean((one - second) ** 2)) - s2) / s2
    noise = float(np.mean((one - other) ** 2)) / 2 / s2
    return f"{noise:.2f} {left - noise:+.2f}"


def smooth_share(apart: Array, used: Array) -> float:
    """What of a difference is smooth, less what is smooth of noise, as a share of its variance."""
    weight = used.astype(np.float64)
    blur = (BLUR, BLUR, 0)
    inside = np.maximum(gaussian_filter(weight, blur), 1e-6)
    blurred = gaussian_filter(apart * weight, blur) / inside
    variance = float(np.mean(apart[used] ** 2))
    kept = 1 / (4 * np.pi * BLUR**2)  # of white noise
    for axis in (0, 1):
        along, there = np.moveaxis(apart - blurred, axis, 0), np.moveaxis(used, axis, 0)
        lags = []
        for lag in (1, 2):
            both = there[lag:] & there[:-lag]
            lags.append(float(np.mean((along[lag:] * along[:-lag])[both])) / variance)
        kept *= max(1 + 2 * sum(lags), 0.1)
    return max(float(np.mean(blurred[used] ** 2)) / variance - kept, 0.0)


if __name__ == "__main__":
    main()
