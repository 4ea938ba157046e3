"""DDIM against DDPM on one trained network: quality by number of network evaluations.

    python benchmarks/ddim_vs_ddpm.py SCANS [--model mr-denoise-vp] [-o docs/ddim-vs-ddpm]

The same conditional network, the same starting noise, the same ladder; DDPM (ancestral sampling)
draws fresh noise at every step, DDIM none. SCANS is a folder of MR scans taken as the truth; the
middle slices are made noisy, their true noise level is given. Writes OUT.md and OUT.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from torch import Tensor

from medddim import formats
from medddim.degradation import RicianNoise
from medddim.diffusion import ancestral, ddim, keyed_noise
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.training.dataset import middle_slices

EVALUATIONS = (1, 2, 4, 8, 16, 50, 250, 1000)
FIGURES = {"psnr_db": "PSNR (dB)", "ssim": "SSIM", "hf_power": "high-frequency power"}


def ddpm(
    denoise: Callable[[Tensor, float], Tensor], start: Tensor, ladder: Tensor, *, path: Any
) -> Iterator[Tensor]:
    """Ancestral sampling with keyed noise: the draws of step n are the same in every run.

    As strong as the start, which is noise and nothing else.
    """

    def fresh(index: int) -> Tensor:
        return start.std() * keyed_noise(start.shape, seed=0, draw=index + 1)

    yield from ancestral(denoise, start, ladder, path=path, noise=fresh)


SAMPLERS = {"DDIM": ddim, "DDPM": ddpm}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", default="mr-denoise-vp")
    parser.add_argument("--level", type=float, default=0.05, help="Rician noise")
    parser.add_argument("--slices", type=int, default=3)
    parser.add_argument("--count", type=int, default=3, help="scans")
    parser.add_argument("--evaluations", type=int, nargs="+", default=EVALUATIONS)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    rows = list(measure(asked))
    text = table(rows, asked)
    print(text)
    if asked.output:
        asked.output.with_suffix(".md").write_text(text + "\n", encoding="utf-8")
        draw(rows, asked.output.with_suffix(".png"))


def measure(asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row for each scan, sampler and number of evaluations."""
    enhancer = Enhancer.load(asked.model)
    for series in formats.find(asked.scans)[: asked.count]:
        clean = middle_slices(formats.read(series), asked.slices)
        degradation = RicianNoise(asked.level)
        noisy = degradation(clean, np.random.default_rng(0))
        for name, enhancer.sampler in SAMPLERS.items():
            for steps in asked.evaluations:
                answer = enhancer(noisy, steps=steps, noise=degradation.sigma(clean))
                scores = compare(answer, clean).as_dict()
                print(f"{series.name} {name} {steps}: {scores['psnr_db']:.2f} dB", flush=True)
                yield {"scan": series.name, "sampler": name, "steps": steps, **scores}


def mean(rows: list[dict[str, Any]], figure: str, *, sampler: str, steps: int) -> float:
    """The mean of a figure over scans."""
    chosen = [r[figure] for r in rows if (r["sampler"], r["steps"]) == (sampler, steps)]
    return float(np.mean(chosen))


def table(rows: list[dict[str, Any]], asked: argparse.Namespace) -> str:
    """A Markdown table of means over scans."""
    lines = [
        f"Model {asked.model}, {asked.level:.0%} Rician noise, {asked.slices} middle slices of "
        f"{len({r['scan'] for r in rows})} scans; foreground, data range 0 to the 99.5th "
        "percentile of the reference.",
        "",
        "| evaluations | "
        + " | ".join(f"{name} {title}" for title in FIGURES.values() for name in SAMPLERS)
        + " |",
        "| --- |" + " --- |" * (len(FIGURES) * len(SAMPLERS)),
    ]
    for steps in asked.evaluations:
        cells = [
            f"{mean(rows, figure, sampler=name, steps=steps):.3f}"
            for figure in FIGURES
            for name in SAMPLERS
        ]
        lines.append(f"| {steps} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Three curves side by side."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, len(FIGURES), figsize=(11, 3.4), layout="constrained")
    steps = sorted({row["steps"] for row in rows})
    for axis, (key, title) in zip(axes, FIGURES.items(), strict=True):
        for name, marker in zip(SAMPLERS, "os", strict=True):
            means = [mean(rows, key, sampler=name, steps=n) for n in steps]
            axis.semilogx(steps, means, marker=marker, label=name)
        axis.set(xlabel="network evaluations", title=title)
        axis.grid(alpha=0.3)
    axes[0].legend()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
