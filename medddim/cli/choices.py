"""Options of which one value is chosen; a misspelt one is answered with the nearest."""

from __future__ import annotations

from typing import Any

import click

from medddim.errors import did_you_mean


class Choice(click.Choice[str]):
    """As click's, which lists the values."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value chosen. Raises BadParameter."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as problem:
            hint = did_you_mean(str(value), self.choices)
            self.fail(f"{problem.message.removesuffix('.')}{hint}", param, ctx)
