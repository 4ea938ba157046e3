"""`medddim train`: make a model from a recipe and a folder of scans."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from medddim.recipe import Recipe


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run folder; it becomes a checkpoint that `enhance --model` takes.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of scans; overrides the recipe's data.root.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@click.option(
    "--device",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
)
@click.option(
    "--devices",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many devices of that kind share each batch.",
)
@click.option("--smoke", is_flag=True, help="Prove RECIPE on two scans in about a minute.")
def train(
    recipe: Path,
    output: Path | None,
    data: Path | None,
    resume: bool,
    device: str,
    devices: int,
    smoke: bool,
) -> None:
    """Train the model that RECIPE, a YAML file, describes."""
    from medddim.checkpoint import shipped
    from medddim.recipe import Recipe
    from medddim.training import trainer

    if (output is None) != smoke:
        raise click.UsageError("expected either -o RUN or --smoke")
    asked = Recipe.load(recipe)
    if output is None:
        _prove(asked, data, device)
        return
    trainer.train(
        asked,
        output,
        data=data,
        resume=resume,
        device=device,
        devices=devices,
        progress=lambda step, figures: _show(step, asked.training.steps, figures),
    )
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:  # of several processes the first one speaks
        model = output.absolute() if str(output) in shipped() else output
        click.echo(f"checkpoint in {output}; try: medddim enhance SCANS -o OUT --model {model}")


def _prove(recipe: Recipe, data: Path | None, device: str) -> None:
    from medddim.training.rehearsal import STEPS, smoke

    figures = smoke(
        recipe,
        data=data,
        device=device,
        progress=lambda step, figures: _show(step, STEPS, figures),
    )
    click.echo(
        f"the recipe works: trained, saved, resumed, loaded, applied. All of its "
        f"{recipe.training.steps} steps take about {figures['hours']:.1f} hours here"
    )


def _show(step: int, steps: int, figures: Mapping[str, float]) -> None:
    """One line for each step that was reported; the others pass in silence."""
    if len(figures) > 1:
        told = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        click.echo(f"{step:>7}/{steps}  {told}")
