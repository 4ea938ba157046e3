"""Values of which there are so many, and paths; a misspelt one is answered with the nearest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from medddim.errors import MedddimError, did_you_mean, nearest_path


class Choice(click.Choice[str]):
    """As click's, which lists the values."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value chosen. Raises BadParameter."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as problem:
            hint = did_you_mean(str(value), self.choices)
            self.fail(f"{problem.message.removesuffix('.')}{hint}", param, ctx)


class Existing(click.Path):
    """The path of what must be there, a file or a folder unless `kinds` rule one out."""

    def __init__(self, **kinds: bool) -> None:
        super().__init__(exists=True, path_type=Path, **kinds)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises BadParameter."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as problem:
            hint = "" if Path(value).exists() else nearest_path(Path(value))
            printable = str(MedddimError(hint))
            self.fail(f"{problem.message.removesuffix('.')}{printable}", param, ctx)
