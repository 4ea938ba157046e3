"""A table of text: columns as wide as their cells, never cut, the same in a terminal and a file."""

from __future__ import annotations

from collections.abc import Sequence

import click


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print titles and rows; a column of figures stands to the right."""
    columns = list(zip(titles, *rows, strict=True))
    cells = [_aligned(column) for column in columns]
    for number, line in enumerate(zip(*cells, strict=True)):
        click.secho("  ".join(line).rstrip(), bold=number == 0)


def _aligned(column: Sequence[str]) -> list[str]:
    width = max(map(len, column))
    figures = all(cell.lstrip("-")[:1].isdigit() or cell == "-" for cell in column[1:])
    return [cell.rjust(width) if figures else cell.ljust(width) for cell in column]
