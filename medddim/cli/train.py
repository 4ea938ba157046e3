"""`medddim train`: make a model from a recipe and a folder of scans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click


@click.command()
@click.argument("recipe", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
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
def train(recipe: Path, output: Path, data: Path | None, resume: bool, device: str) -> None:
    """Train the model that RECIPE, a YAML file, describes."""
    from medddim import trainer
    from medddim.enhancer import choose_device
    from medddim.recipe import Recipe

    asked = Recipe.load(recipe)
    trainer.train(
        asked,
        output,
        data=data,
        resume=resume,
        device=choose_device(device),
        progress=lambda step, figures: _show(step, asked.training.steps, figures),
    )
    click.echo(f"checkpoint in {output}; try: medddim enhance SCANS -o OUT --model {output}")


def _show(step: int, steps: int, figures: Mapping[str, float]) -> None:
    """One line for each step that was reported; the others pass in silence."""
    if len(figures) > 1:
        told = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        click.echo(f"{step:>7}/{steps}  {told}")
