"""`medddim evaluate`: results against references, with the range that was used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from medddim.cli.table import print_table

FIGURES = ("psnr_db", "ssim", "rmse", "hf_power")


@click.command()
@click.argument("candidate", type=click.Path(exists=True, path_type=Path))
@click.argument("reference", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for scores.csv, scores.json and, with --input, the page and picture.",
)
@click.option(
    "--input",
    "noisy",
    type=click.Path(exists=True, path_type=Path),
    help="The scans before enhancement, measured too.",
)
@click.option("--protocol", default="medddim", show_default=True, help="Named range, window, mask.")
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a result.")
def evaluate(
    candidate: Path,
    reference: Path,
    output: Path,
    noisy: Path | None,
    protocol: str,
    as_json: bool,
) -> None:
    """Measure CANDIDATE scans against REFERENCE scans: PSNR, SSIM, RMSE, high-frequency power."""
    import json

    from medddim.report.evaluation import evaluate as measure

    rows = measure(candidate, reference, output, noisy=noisy, protocol=protocol)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row))
    else:
        print_scores(rows)
        click.echo(f"see {output / ('scores.csv' if noisy is None else 'report.html')}")


def print_scores(rows: Sequence[Mapping[str, Any]], *, more: Sequence[str] = ()) -> None:
    """The table of results; `more` names further columns. Range and mask stand below it."""
    columns = ("scan", "result", *FIGURES, *more)
    print_table(columns, [[_cell(row.get(column)) for column in columns] for row in rows])
    for terms in dict.fromkeys(_terms(row) for row in rows if "protocol" in row):
        click.secho(terms, dim=True)


def _terms(row: Mapping[str, Any]) -> str:
    unit = row["unit"] or "(arbitrary unit)"
    return (
        f"{row['scan']}: protocol {row['protocol']}, data range {row['data_range']:.4g} {unit}, "
        f"{row['mask']} mask of {row['voxels']} voxels, {row['dimensions']}D SSIM"
    )


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
    return "-" if value is None else str(value)
