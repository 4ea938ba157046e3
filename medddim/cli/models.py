"""`medddim models`: what is installed, what it was made from, and whether it is unaltered."""

from __future__ import annotations

import sys

import click

from medddim.cli.table import print_table


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List, show or verify the installed models."""
    if context.invoked_subcommand is None:
        context.invoke(list_models)


@models.command("list")
def list_models() -> None:
    """One line a model: name, task, modality, size."""
    from medddim.checkpoint import WEIGHTS, Checkpoint

    rows = []
    for name in _shipped():
        model = Checkpoint.open(name)
        size = (model.folder / WEIGHTS).stat().st_size / 1e6
        kind = (model.recipe.modality, model.recipe.task)
        rows.append((name, *kind, f"{size:.1f} MB", model.sha256[:12]))
    print_table(("name", "kind", "task", "size", "sha256"), rows)


@models.command("show")
@click.argument("name")
def show_model(name: str) -> None:
    """Print the card of the model NAME: data, licence, range, figures, limits."""
    from medddim.checkpoint import Checkpoint

    model = Checkpoint.open(name)
    click.echo(model.card or f"{name} has no card; its recipe is:\n\n{model.recipe.dump()}")
    click.echo(f"sha256 of the weights: {model.sha256}")


@models.command("verify")
def verify_models() -> None:
    """Compare the weights of every shipped model with the sha256 on record."""
    from medddim.checkpoint import Checkpoint, recorded_sha256

    names, recorded = _shipped(), recorded_sha256()
    altered = [name for name in names if Checkpoint.open(name).sha256 != recorded.get(name)]
    for name in names:
        click.echo(
            f"{name:20} {'ALTERED: install medddim again' if name in altered else 'unaltered'}"
        )
    sys.exit(3 if altered else 0)


def _shipped() -> list[str]:
    from medddim.checkpoint import shipped
    from medddim.errors import CheckpointError

    names = shipped()
    if not names:
        raise CheckpointError("no model is installed; install medddim again")
    return names
