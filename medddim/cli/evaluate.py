"""`medddim evaluate`: results against references, with the range that was used."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from medddim.cli.choices import Existing
from medddim.cli.examples import examples
from medddim.cli.table import print_table


@click.command(
    epilog=examples(
        "evaluate better/ reference/ -o scores/",
        "evaluate better/ reference/ -o scores/ --input study/   with a page to look at",
        "evaluate better/ reference/ -o scores/ --protocol all",
    )
)
@click.argument("candidate", type=Existing())
@click.argument("reference", type=Existing())
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the tables (CSV, JSON) and, with --input, the page and picture.",
)
@click.option(
    "--input",
    "noisy",
    type=Existing(),
    help="The scans before enhancement, measured too.",
)
@click.option(
    "--against",
    type=Existing(),
    help="The results of another method, measured too.",
)
@click.option(
    "--protocol",
    default="medddim",
    show_default=True,
    help="Named range, window, mask and kernel; `all` for every one that fits the scan.",
)
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a result.")
def evaluate(
    candidate: Path,
    reference: Path,
    output: Path,
    noisy: Path | None,
    against: Path | None,
    protocol: str,
    as_json: bool,
) -> None:
    """Measure CANDIDATE scans against REFERENCE scans, and say under which terms.

    A protocol is medddim, mr, ct, fastmri, monai, corediff, ldct (abdomen), ldct-chest, ldct-neuro
    or all. Scans are matched by name, DICOM also by UID.
    """
    import json

    from medddim.report.evaluation import evaluate as measure

    found = measure(candidate, reference, output, noisy=noisy, against=against, protocol=protocol)
    if as_json:
        for row in found.scans:
            click.echo(json.dumps(row))
    else:
        print_scores(found.scans)
        print_differences(found.differences)
        click.echo(f"see {output / ('scores.csv' if noisy is None else 'report.html')}")
    for name, why in found.not_measured.items():
        click.secho(f"{name}: not measured, in no mean: {why}", fg="yellow", err=True)
    if swapped := found.swapped:
        stated = (
            f"the references of {', '.join(swapped)} are results of medddim, and what was measured "
            "is not: the order is CANDIDATE, then REFERENCE"
        )
        click.secho(stated, fg="yellow", err=True)
    if left := found.without_result:
        stated = f"no result for {len(left)} of the references, in no mean: {', '.join(left)}"
        click.secho(stated, fg="yellow", err=True)
    sys.exit(1 if found.not_measured else 0)


def print_scores(rows: Sequence[Mapping[str, Any]], *, more: Sequence[str] = ()) -> None:
    """The table of results; `more` names further columns. Range and mask stand below it."""
    from medddim.metrics.scores import FIGURES

    several = len({row["protocol"] for row in rows if "protocol" in row}) > 1
    columns = ("scan", "result", *(["protocol"] if several else []), *FIGURES, *more)
    print_table(columns, [[_cell(row.get(column)) for column in columns] for row in rows])
    for terms in dict.fromkeys(_terms(row) for row in rows if "protocol" in row):
        click.secho(terms, dim=True)


def print_differences(rows: Sequence[Mapping[str, Any]]) -> None:
    """The paired differences, with their interval where there are two subjects or more."""
    if not rows:
        return
    columns = ("compared", "protocol", "figure", "mean", "low", "high", "subjects")
    click.echo()
    print_table(columns, [[_cell(row[column]) for column in columns] for row in rows])
    click.secho("low to high: 95 % bootstrap interval of the mean over subjects", dim=True)


def _terms(row: Mapping[str, Any]) -> str:
    from medddim.metrics.scores import Passport

    if "refused" in row:
        return f"{row['scan']}: protocol {row['protocol']}: {row['refused']}"
    return f"{row['scan']}: {Passport.of(row).in_words()}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3g}" if value else "0"
    return "-" if value is None else str(value)
