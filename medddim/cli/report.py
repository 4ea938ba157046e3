"""`medddim report`: the page of a run, made after it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from medddim.cli.choices import Existing
from medddim.cli.examples import examples


@click.command(
    epilog=examples(
        "report better/                            scan beside result: better/report.html",
        "report better/ 'sub-01/*' -o sub-01.html  of some scans alone",
        "report better/ --reference clean/         measured against clean scans, too",
    )
)
@click.argument("output", type=Existing(file_okay=False))
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "-o",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE|DIR",
    help="Where the page goes.  [OUTPUT/report.html]",
)
@click.option(
    "--reference",
    type=Existing(),
    help="Clean scans, matched by name, DICOM also by UID: the results are measured against them.",
)
def report(output: Path, names: tuple[str, ...], page: Path | None, reference: Path | None) -> None:
    """Make one page to look at from OUTPUT, the folder of an earlier `enhance` or `bids`.

    Each result beside its scan, what was changed, its maps, and where to doubt it, in one HTML file
    that needs nothing but itself. NAMEs are scans or patterns; of many scans the first are shown.
    """
    from medddim.report.results import report_results

    made = report_results(output, page, names=names, reference=reference)
    for name, why in made.not_shown.items():
        click.secho(f"{name}: not shown: {why}", fg="yellow", err=True)
    for name, why in made.unmatched.items():
        click.secho(f"{name}: shown without a reference: {why}", fg="yellow", err=True)
    click.echo(f"{len(made.shown)} shown; see {made.path}")
    sys.exit(1 if made.not_shown or made.unmatched else 0)
