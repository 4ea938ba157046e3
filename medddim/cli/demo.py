"""`medddim demo`: the main job on real scans, and a page to look at."""

from __future__ import annotations

from pathlib import Path

import click

from medddim.cli.evaluate import print_scores
from medddim.cli.examples import examples


@click.command(
    epilog=examples(
        "demo",
        "demo -o look/",
    )
)
@click.option(
    "-o",
    "--output",
    default="medddim_demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder for the demo's scans, page and picture.",
)
def demo(output: Path) -> None:
    """Enhance two real scans that ship with installed packages; end with a page and a table."""
    if output.exists() and any(output.iterdir()):
        raise click.UsageError(f"{output} is not empty: name a new folder with -o")
    from medddim.demo import run_demo

    result = run_demo(output, say=click.echo)
    print_scores(result.rows, more=("seconds", "network evaluations", "noise level"))
    click.echo(f"page     {result.page}\npicture  {result.picture}")
