"""Does the first training of a new user help? The recipe of `train --init`, as it was written.

    medddim train --init mine.yaml --data SCANS --hours 0.33
    python benchmarks/first_training.py mine.yaml [--cpu-minutes 20] [-o RUN]

Trains without an edit, for so many minutes of processor time at most. Each row is a validation on
the held-out subjects, 5 middle slices with Rician noise, in one step: PSNR in dB of the input and
of the answer; step 0 is the model in the package, where the recipe begins with one.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from quality import table

from medddim.recipe import Recipe
from medddim.training.trainer import train
from medddim.training.validation import INPUT, PSNR


class _Enough(Exception):
    """The minutes are over."""


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--cpu-minutes", type=float, default=20)
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    recipe = Recipe.load(asked.recipe)
    print(f"{recipe.training.steps} steps; held out: {', '.join(recipe.data.validate_on)}\n")
    with tempfile.TemporaryDirectory() as folder:
        run = asked.output or Path(folder) / "run"
        found = validations(recipe, run, most=asked.cpu_minutes)
    names = [key.removeprefix(INPUT) for key in found[0][2] if key.startswith(INPUT)]
    titles = [title for name in names for title in (f"input at {name}", f"answer at {name}")]
    rows = [
        [f"step {step}", f"{minutes:.1f}", *cells(figures, names)]
        for step, minutes, figures in found
    ]
    print(table(["after", "CPU minutes", *titles], rows))


def validations(
    recipe: Recipe, run: Path, *, most: float
) -> list[tuple[int, float, dict[str, float]]]:
    """Train until the recipe or the minutes end: the step, minutes and figures of each."""
    began, found = time.process_time(), list[tuple[int, float, dict[str, float]]]()

    def follow(step: int, figures: Mapping[str, float]) -> None:
        minutes = (time.process_time() - began) / 60
        if any(name.startswith(PSNR) for name in figures):
            found.append((step, minutes, dict(figures)))
            print(f"step {step}, {minutes:.1f} CPU minutes: {figures}", flush=True)
        if minutes > most:
            raise _Enough

    try:
        train(recipe, run, progress=follow)
    except _Enough:
        print(f"stopped after {most:g} CPU minutes\n")
    return found


def cells(figures: Mapping[str, float], names: list[str]) -> list[str]:
    """PSNR of input and answer at each level."""
    return [f"{figures[key + name]:.2f}" for name in names for key in (INPUT, PSNR)]


if __name__ == "__main__":
    main()
