"""One picture of what a result says of itself: its receipt, and a planted structure that lights up.

    python benchmarks/trust_picture.py [SCAN] [--model mr-denoise-fast] [-o docs/images/trust.png]

Without SCAN, the head that ships with nilearn; its middle --slices, Rician noise of --level. From
left to right: the noisy scan, the result with a false disc planted in it (three times the noise, a
circle marks it), the map of what was invented (in standard deviations; white is 8 and more), and
the share of contrast kept, by diameter, for inserts of 1, 2 and 4 times the noise.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # before pyplot: a picture for a file, wherever this runs

import matplotlib.pyplot as plt
import numpy as np

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.formats import samples
from medddim.inference.enhancer import Enhancer
from medddim.inference.receipt import Receipt
from medddim.metrics import foreground
from medddim.metrics.invention import invented, summarised
from medddim.training.dataset import middle_slices

RADIUS, HEIGHT, END = 4, 3.0, 8.0


def main() -> None:
    """Denoise, ask for the receipt, plant a disc, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scan", type=Path, nargs="?")
    parser.add_argument("--model", default="mr-denoise-fast")
    parser.add_argument("--level", type=float, default=0.05)
    parser.add_argument("--slices", type=int, default=7)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/images/trust.png"))
    asked = parser.parse_args()
    scan = samples.mr_head() if asked.scan is None else formats.read(asked.scan)
    clean = middle_slices(scan.taken_for("MR"), asked.slices)
    degradation = RicianNoise(asked.level)
    noisy, noise = degradation(clean, np.random.default_rng(0)), degradation.sigma(clean)
    enhancer = Enhancer.load(asked.model)
    answer, receipt = enhancer(noisy, noise=noise), enhancer.receipt(noisy, noise=noise)
    inside = foreground(clean.voxels[0], slice_axis=clean.slice_axis)
    place = np.argwhere(inside)[int(inside.sum() * 0.37)]
    shown, middle = answer.voxels[0].copy(), int(place[2])
    x, y = np.ogrid[: shown.shape[0], : shown.shape[1]]
    shown[..., middle][np.hypot(x - place[0], y - place[1]) <= RADIUS] += HEIGHT * noise
    found = invented(shown, noisy.voxels[0], slice_axis=clean.slice_axis, inside=inside)
    print(receipt.words, summarised(found, inside).words, sep="\n")
    images = [image[..., middle].T for image in (noisy.voxels[0], shown, found)]
    figure = draw(images, place, receipt, bright=float(np.percentile(clean.voxels, 99.5)))
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(asked.output, dpi=110)


def draw(images: list[Any], place: Any, receipt: Receipt, *, bright: float) -> Any:
    """Three pictures and a chart, side by side."""
    figure, (*panels, chart) = plt.subplots(1, 4, figsize=(14, 3.8), layout="constrained")
    titles = ("noisy scan", "result with a false disc", "invented, in standard deviations")
    for panel, image, title in zip(panels, images, titles, strict=True):
        panel.imshow(image, origin="lower", cmap="gray", vmin=0, vmax=bright)
        panel.set_title(title, fontsize=10)
        panel.set_axis_off()
    panels[2].images[0].set_clim(0, END)
    panels[1].add_patch(plt.Circle(place[:2], 2.5 * RADIUS, fill=False, color="orange"))
    for times in sorted({line.times_noise for line in receipt.lines}):
        lines = [line for line in receipt.lines if line.times_noise == times]
        sizes, means = [one.diameter_mm for one in lines], [one.mean for one in lines]
        spread = [one.spread for one in lines]
        chart.errorbar(sizes, means, spread, marker="o", capsize=3, label=f"{times:g}x noise")
    chart.set(xlabel="diameter (mm)", ylabel="contrast kept", ylim=(0, 1.2))
    chart.axhline(1, color="0.7", linewidth=0.8)
    chart.legend(frameon=False)
    chart.set_title("receipt of this scan", fontsize=10)
    return figure


if __name__ == "__main__":
    main()
