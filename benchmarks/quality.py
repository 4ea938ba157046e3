"""How good is a denoiser? Real scans, made noisy, restored by the model and by its rivals.

    python benchmarks/quality.py SCANS [--model mr-denoise] [--levels 0.05 0.10] [-o table.md]

SCANS is a folder of MR scans taken as the truth, although they hold noise of their own (1-3 % of
their signal): no figure against them can rise without limit. The noise is seeded; its true level
is given to every method. Times are of one run, side by side, on this machine.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from medddim import formats
from medddim.baselines import BASELINES
from medddim.degradation import RicianNoise
from medddim.enhancer import Enhancer
from medddim.metrics import compare
from medddim.volume import Volume

Method = Callable[..., Volume]
RIVALS = ("identity", "nlm-dipy-blockwise", "nlm-dipy")
FIGURES = ("psnr_db", "ssim", "hf_power", "seconds")


def main() -> None:
    """Measure, print, and write the tables if asked."""
    arguments = parse()
    enhancer = Enhancer.load(arguments.model)
    methods: dict[str, Method] = {name: BASELINES[name] for name in arguments.rivals}
    for steps in arguments.steps:
        methods[f"{enhancer.name}, {steps} steps"] = partial(enhancer, steps=steps)
    rows = list(measure(arguments.scans, methods, levels=arguments.levels))
    text = "\n\n".join([*(per_subject(rows, level) for level in arguments.levels), summary(rows)])
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--rivals", nargs="*", default=RIVALS, choices=sorted(BASELINES))
    parser.add_argument("-o", "--output", type=Path, help="write the tables here too (Markdown)")
    return parser.parse_args()


def measure(scans: Path, methods: dict[str, Method], *, levels: list[float]) -> Iterator[dict]:
    """One row for each scan, level and method."""
    for series in formats.find(scans):
        clean = formats.read(series)
        for level in levels:
            degradation = RicianNoise(level)
            noisy = degradation(clean, np.random.default_rng(0))
            for name, method in methods.items():
                began = time.perf_counter()
                answer = method(noisy, noise=degradation.sigma(clean))
                seconds = time.perf_counter() - began
                scores = compare(answer, clean).as_dict()
                print(f"{series.name} {level:g} {name}: {scores['psnr_db']:.2f} dB", flush=True)
                yield {
                    "scan": series.name,
                    "level": level,
                    "method": name,
                    "seconds": seconds,
                    **scores,
                }


def per_subject(rows: list[dict], level: float) -> str:
    """PSNR and HF power of every scan, a column a method."""
    chosen = [row for row in rows if row["level"] == level]
    methods = list(dict.fromkeys(row["method"] for row in chosen))
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in chosen:
        cells[row["scan"]][row["method"]] = f"{row['psnr_db']:.2f} / {row['hf_power']:.2f}"
    body = [[scan, *(cells[scan][method] for method in methods)] for scan in cells]
    return f"{level:.0%} noise: PSNR in dB / HF power\n\n{table(['scan', *methods], body)}"


def summary(rows: list[dict]) -> str:
    """Means over scans."""
    groups: dict[tuple[float, str], list[dict]] = defaultdict(list)
    for row in rows:
        groups[row["level"], row["method"]].append(row)
    body = [
        [f"{level:.0%}", method, *(f"{np.mean([row[f] for row in group]):.3f}" for f in FIGURES)]
        for (level, method), group in sorted(groups.items(), key=lambda item: item[0][0])
    ]
    count = len({row["scan"] for row in rows})
    title = (
        f"Means over {count} scans; PSNR and SSIM in the foreground, data range 0 to the 99.5th "
        "percentile of the reference"
    )
    return f"{title}\n\n{table(['noise', 'method', *FIGURES], body)}"


def table(titles: list[str], body: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
