"""Shares of a whole on the command line: 0.07 or 7% is one, 90 or 90% a percentage."""

from __future__ import annotations

import re
from typing import Any

import click


class Share(click.FloatRange):
    """A number from 0 to 1, or in per cent; `of` 100, a percentage with or without its sign."""

    name = "share"

    def __init__(self, of: int = 1, *, min_open: bool = False, max_open: bool = False) -> None:
        super().__init__(0, of, min_open=min_open, max_open=max_open)
        self.of = of

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number. Raises BadParameter, which says how per cent are written."""
        if isinstance(value, str) and value.strip().endswith("%"):
            try:
                value = float(value.strip().removesuffix("%")) * self.of / 100
            except ValueError:
                self.fail(f"{value!r} is not a valid share", param, ctx)
        try:
            return float(super().convert(value, param, ctx))
        except click.BadParameter as problem:
            self.fail(problem.message + self._as_per_cent(value), param, ctx)

    def _as_per_cent(self, value: Any) -> str:
        if self.of != 1 or not re.fullmatch(r"\s*\d+(\.\d+)?\s*", str(value)):
            return ""
        number = float(value)
        return f" {number:g} per cent is {number:g}%, or {number / 100:g}." * (1 < number <= 100)
