"""What `medddim train` says: how long it takes, how far it is, how good it became."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medddim.cli.needs import duration

if TYPE_CHECKING:
    from medddim.recipe import Recipe, TrainingRecipe
    from medddim.training.rehearsal import Timing


def takes(training: TrainingRecipe, taken: Timing, device: str) -> str:
    """How long a training takes here, and what of it."""
    from medddim.networks import choose_device

    return (
        f"{training.steps} steps, about {duration(taken.seconds(training))} on this machine "
        f"({choose_device(device).type}, {duration(taken.step)} a step)"
    )


def show(step: int, steps: int | None, figures: Mapping[str, float]) -> None:
    """One line for each step that was reported, of so many; the others pass in silence.

    None: how many there will be follows from the time that they may take.
    """
    if len(figures) > 1:
        of = "" if steps is None else f"/{steps}"
        click.echo(f"{step:>7}{of}  {'  '.join(_stated(figures))}")


def _stated(figures: Mapping[str, float]) -> Iterator[str]:
    """What a person follows a run by; log.jsonl has all figures."""
    from medddim.training.validation import INPUT, PSNR

    if "loss" in figures:
        yield f"loss {figures['loss']:.3f}"
    judged = [name.removeprefix(PSNR) for name in figures if name.startswith(PSNR)]
    if judged:
        before = {at: figures.get(INPUT + at) for at in judged}
        of_input = {at: "" if db is None else f" (input {db:.2f})" for at, db in before.items()}
        yield "PSNR " + ", ".join(
            f"{figures[PSNR + at]:.2f} dB{of_input[at]} at {at}" for at in judged
        )
    if rate := figures.get("steps_per_second"):
        yield f"{duration(1 / rate)} a step"


def kept(recipe: Recipe, run: Path) -> str:
    """Of which step the weights are, and whether the training helped."""
    from medddim.training.board import best_step

    best = best_step(run)
    if best is None:
        return "nothing was held out: the weights are those of the last step"
    if best == 0:
        return (
            f"no step was better on the scans held out than {recipe.training.start_from}, which "
            "the run began with: the weights are still those"
        )
    return f"the weights are those of step {best}, the best on the scans held out"
