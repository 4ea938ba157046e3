"""`medddim models`: what is installed, what it was made from, and whether it is unaltered."""

from __future__ import annotations

import sys

import click

from medddim.cli.examples import Group, examples
from medddim.cli.table import print_table


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog=examples(
        "models",
        "models show mr-denoise",
        "models verify",
    ),
)
@click.pass_context
def models(context: click.Context) -> None:
    """List, show or verify the installed models."""
    if context.invoked_subcommand is None:
        context.invoke(list_models)


@models.command("list", epilog=examples("models list"))
def list_models() -> None:
    """One line a model: name, task, modality, size."""
    from medddim.digest import sha256_of
    from medddim.models import RECIPE, WEIGHTS, folder_of
    from medddim.recipe import Recipe

    rows = []
    for name in _shipped():
        folder = folder_of(name)
        recipe, size = Recipe.load(folder / RECIPE), (folder / WEIGHTS).stat().st_size / 1e6
        kind = (recipe.modality, recipe.task)
        rows.append((name, *kind, f"{size:.1f} MB", sha256_of(folder / WEIGHTS)[:12]))
    print_table(("name", "kind", "task", "size", "sha256"), rows)


@models.command("show", epilog=examples("models show mr-denoise", "models show run/"))
@click.argument("name")
def show_model(name: str) -> None:
    """Print the card of the model NAME: data, licence, range, figures, limits."""
    from medddim.digest import sha256_of
    from medddim.models import CARD, RECIPE, WEIGHTS, folder_of

    folder = folder_of(name)
    shown = folder / CARD
    if not shown.is_file():
        click.echo(f"{name} has no card; its recipe is:\n")
        shown = folder / RECIPE
    click.echo(shown.read_text(encoding="utf-8"))
    click.echo(f"sha256 of the weights: {sha256_of(folder / WEIGHTS)}")


@models.command("verify", epilog=examples("models verify"))
def verify_models() -> None:
    """Compare the weights of every shipped model with the sha256 on record."""
    from medddim.digest import sha256_of
    from medddim.models import WEIGHTS, folder_of, recorded_sha256

    names, recorded = _shipped(), recorded_sha256()
    found = {name: sha256_of(folder_of(name) / WEIGHTS) for name in names}
    altered = [name for name in names if found[name] != recorded.get(name)]
    for name in names:
        click.echo(
            f"{name:20} {'ALTERED: install medddim again' if name in altered else 'unaltered'}"
        )
    sys.exit(3 if altered else 0)


def _shipped() -> list[str]:
    from medddim.errors import CheckpointError
    from medddim.models import shipped

    names = shipped()
    if not names:
        raise CheckpointError("no model is installed; install medddim again")
    return names
