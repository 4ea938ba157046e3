"""How good is a denoiser? Real scans, made noisy, restored by the model and by its baselines.

    python benchmarks/quality.py SCANS [--model mr-denoise] [--levels 0.05 0.10] [-o table.md]

SCANS is a folder of scans taken as the truth, although they hold noise of their own (MR: 1-3 % of
their signal): no figure against them can rise without limit. What is added is seeded. For an MR
model it is Rician noise, whose true level is given to every method. For a CT model it is the noise
of a lower dose; levels are shares of that tube current at which the scan has the noise measured in
it. The model estimates its level, and baselines are given that estimate times each of --tuned, for
noise that is not white. Times are of one run, side by side, on this machine.

Last comes the model's first --steps minus each baseline: the mean over subjects (what a file's name
says before its first underscore; scans of one subject are not independent) with its 95 % bootstrap
interval, and how many subjects are better. A baseline given several --tuned multiples is there with
the one that has the best mean PSNR on these very scans, which favours the baseline. --red-cnn takes
the weights of red_cnn.py, --twin the run of the same network trained as plain regression; both are
baselines that take no multiples.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from paired import against, best, subject_of
from red_cnn import RedCnnMethod

from medddim import formats
from medddim.baselines import BASELINES
from medddim.degradation import LowDose, RicianNoise
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.metrics.noise import estimate_noise
from medddim.recipe import Recipe
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

Method = Callable[..., Volume]
USUAL = ("identity", "nlm-dipy-blockwise", "nlm-dipy")
FIGURES = ("psnr_db", "ssim", "hf_power", "seconds")


def main() -> None:
    """Measure, print, and write the tables if asked."""
    arguments = parse()
    enhancer = Enhancer.load(arguments.model)
    baselines = baselines_of(arguments)
    methods = {name: way for variants in baselines.values() for name, way in variants.items()}
    ours = [f"{enhancer.name}, {steps} steps" for steps in arguments.steps]
    methods |= {
        name: partial(enhancer, steps=steps)
        for name, steps in zip(ours, arguments.steps, strict=True)
    }
    for quality in arguments.qualities:
        name = f"{ours[0]}, {quality}"
        methods[name] = partial(enhancer, steps=arguments.steps[0], quality=quality)
    for fidelity in arguments.fidelity:
        how = {"steps": max(arguments.steps), "fidelity": fidelity}
        name = f"{enhancer.name}, {how['steps']} steps, fidelity {fidelity:g}"
        methods[name] = partial(enhancer, **how)
    rows = list(measure(arguments, methods, recipe=enhancer.recipe))
    kind = "dose" if enhancer.recipe.degradation.kind == "low-dose" else "noise"
    labels = {level: f"{level:.0%} {kind}" for level in arguments.levels}
    tables = [per_subject(rows, level, labels) for level in labels]
    text = "\n\n".join([*tables, summary(rows, labels), paired(rows, labels, ours[0], baselines)])
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", type=Path)
    parser.add_argument("--model", default="mr-denoise", help="shipped, or a run folder")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.05, 0.10])
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--baselines", nargs="*", default=USUAL, choices=sorted(BASELINES))
    parser.add_argument("--fidelity", type=float, nargs="*", default=[], help="of most steps")
    parser.add_argument("--qualities", nargs="*", default=[], choices=["fast", "best"])
    parser.add_argument("--tuned", type=float, nargs="+", default=[1.0], help="for the baselines")
    parser.add_argument("--red-cnn", type=Path, help="weights made by red_cnn.py")
    parser.add_argument("--twin", type=Path, help="run folder of the plain regression")
    parser.add_argument("--slices", type=int, help="only so many, in the middle of each scan")
    parser.add_argument("-o", "--output", type=Path, help="write the tables here too (Markdown)")
    return parser.parse_args()


def baselines_of(arguments: argparse.Namespace) -> dict[str, dict[str, Method]]:
    """Every baseline, and each multiple of sigma that it is given as a method of its own."""
    baselines: dict[str, dict[str, Method]] = {name: {} for name in arguments.baselines}
    for name in baselines:
        for times in arguments.tuned if name != "identity" else [1.0]:
            variant = f"{name}, {times:g} sigma" if times != 1 else name
            baselines[name][variant] = partial(_given, BASELINES[name], times)
    if arguments.red_cnn:
        baselines["red-cnn"] = {"red-cnn": RedCnnMethod(arguments.red_cnn)}
    if arguments.twin:
        twin = partial(Enhancer.load(arguments.twin), steps=1)
        baselines["twin"] = {"regression twin, 1 step": twin}
    return baselines


def _given(method: Method, times: float, volume: Volume, *, noise: float) -> Volume:
    return method(volume, noise=times * noise)


def degraded(clean: Volume, level: float, *, recipe: Recipe) -> tuple[Volume, float]:
    """The worse scan, and the noise level every method is given, in the scan's unit."""
    generator = np.random.default_rng(0)
    if recipe.degradation.kind == "low-dose":
        noisy = LowDose(level, noise_hu=estimate_noise(clean))(clean, generator)
        return noisy, estimate_noise(noisy)
    degradation = RicianNoise(level)
    return degradation(clean, generator), degradation.sigma(clean)


def measure(
    arguments: argparse.Namespace, methods: dict[str, Method], *, recipe: Recipe
) -> Iterator[dict]:
    """One row for each scan, level and method."""
    for series in formats.find(arguments.scans):
        clean = formats.read(series).taken_for(recipe.modality)
        if arguments.slices:
            clean = middle_slices(clean, arguments.slices)
        for level in arguments.levels:
            noisy, sigma = degraded(clean, level, recipe=recipe)
            for name, method in methods.items():
                began = time.perf_counter()
                answer = method(noisy, noise=sigma)
                seconds = time.perf_counter() - began
                scores = compare(answer, clean).as_dict()
                print(f"{series.name} {level:g} {name}: {scores['psnr_db']:.2f} dB", flush=True)
                yield {
                    "scan": series.name,
                    "subject": subject_of(series.name),
                    "level": level,
                    "method": name,
                    "seconds": seconds,
                    **scores,
                }


def per_subject(rows: list[dict], level: Hashable, labels: Mapping[Hashable, str]) -> str:
    """PSNR and HF power of every scan at one level of degradation, a column a method."""
    chosen = [row for row in rows if row["level"] == level]
    methods = list(dict.fromkeys(row["method"] for row in chosen))
    cells: dict[str, dict[str, str]] = defaultdict(dict)
    for row in chosen:
        cells[row["scan"]][row["method"]] = f"{row['psnr_db']:.2f} / {row['hf_power']:.2f}"
    body = [[scan, *(cells[scan][method] for method in methods)] for scan in cells]
    return f"{labels[level]}: PSNR in dB / HF power\n\n{table(['scan', *methods], body)}"


def summary(rows: list[dict], labels: Mapping[Hashable, str]) -> str:
    """Means over scans."""
    groups: dict[tuple[Hashable, str], list[dict]] = defaultdict(list)
    for row in rows:
        groups[row["level"], row["method"]].append(row)
    body = [
        [labels[level], method, *(f"{np.mean([row[f] for row in group]):.3f}" for f in FIGURES)]
        for (level, method), group in groups.items()
    ]
    count = len({row["scan"] for row in rows})
    title = (
        f"Means over {count} scans; PSNR and SSIM in the {rows[0]['mask']}, data range: "
        f"{rows[0]['range_rule']}"
    )
    return f"{title}\n\n{table(['degraded', 'method', *FIGURES], body)}"


def paired(
    rows: list[dict],
    labels: Mapping[Hashable, str],
    ours: str,
    baselines: Mapping[str, Iterable[str]],
) -> str:
    """The mean difference to each baseline at its best over subjects, and who is better."""
    body = []
    for level, variants in product(labels, baselines.values()):
        there = [row for row in rows if row["level"] == level]
        baseline = best(there, list(variants))
        body.append([labels[level], baseline, *against(there, ours, baseline)])
    titles = ["degraded", f"{ours}, minus", "psnr_db", "ssim", "subjects better in PSNR"]
    return f"Paired differences by subject, with 95 % bootstrap intervals\n\n{table(titles, body)}"


def table(titles: list[str], body: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [titles, ["---"] * len(titles), *body]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    main()
