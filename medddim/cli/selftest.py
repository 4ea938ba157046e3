"""`medddim selftest`: the closed forms of the diffusion core, on this machine."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from medddim.cli.examples import examples
from medddim.cli.table import print_table

if TYPE_CHECKING:
    from medddim.selftest import Check


@click.command(epilog=examples("selftest", "selftest --json"))
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a check.")
def selftest(as_json: bool) -> None:
    """Check the diffusion core on this machine against what is known exactly, in seconds."""
    from medddim.selftest import run

    checks = []
    for check in run():
        checks.append(check)
        if as_json:
            click.echo(json.dumps({**vars(check), "ok": check.ok}))
    if not as_json:
        _print(checks)
    sys.exit(0 if all(check.ok for check in checks) else 1)


def _print(checks: list[Check]) -> None:
    rows = [(one.name, f"{one.figure:.2g}", _limit(one), "ok" if one.ok else "WRONG")
            for one in checks]  # fmt: skip
    print_table(("check", "figure", "limit", "verdict"), rows)
    bad = sum(not one.ok for one in checks)
    click.echo(f"{len(checks) - bad} as they should be, {bad} wrong")


def _limit(check: Check) -> str:
    return f"{check.low:g} to {check.high:g}" if check.low else f"at most {check.high:g}"
