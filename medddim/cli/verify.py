"""`medddim verify`: written results against their sources."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from medddim.cli import batches
from medddim.cli.choices import Existing
from medddim.cli.examples import examples
from medddim.cli.table import print_table

if TYPE_CHECKING:
    from medddim.batch.verify import Verdict


@click.command(
    epilog=examples(
        "verify better/",
        "verify better/ --json",
    )
)
@click.argument("output", type=Existing(file_okay=False))
@batches.json_as(help="One line of JSON a result, and one for the record of each run.")
def verify(output: Path, as_json: bool) -> None:
    """Check the results in OUTPUT, the folder of an earlier run or `bids`, against their sources.

    Nothing lost, altered or left over; geometry, unit and scale; for DICOM the identifiers, the
    provenance and, where they are installed, what dciodvfy and dcentvfy say.
    """
    from medddim.batch import validators
    from medddim.batch.verify import verify as check

    verdicts = []
    for verdict in check(output):
        verdicts.append(verdict)
        if as_json:
            click.echo(verdict.line())
    if not as_json:
        _print(verdicts)
        if lacking := validators.missing():
            click.echo(f"not checked: {', '.join(lacking)}, not installed (Debian: dicom3tools)")
    sys.exit(0 if all(verdict.good for verdict in verdicts) else 1)


def _print(verdicts: Sequence[Verdict]) -> None:
    from medddim.batch.verify import TOPICS

    columns = [topic for topic in TOPICS if any(topic in one.topics for one in verdicts)]
    rows = [(one.name, str(one.files), *(_cell(one, topic) for topic in columns))
            for one in verdicts]  # fmt: skip
    print_table(("result", "files", *columns), rows)
    for one in verdicts:
        for topic, problem in one.topics.items():
            if problem:
                click.echo(f"{click.style('wrong', fg='red')}  {one.name}: {topic}: {problem}")
        for topic, faults in one.inherited.items():
            click.echo(f"note   {one.name}: {topic}: its source has the same: {faults}")
    results = [one.good for one in verdicts if not one.of_record]
    records = [one.good for one in verdicts if one.of_record]
    click.echo(f"results: {_counted(results)}; record: {_counted(records)}")


def _counted(good: Sequence[bool]) -> str:
    return f"{sum(good)} sound, {len(good) - sum(good)} wrong"


def _cell(verdict: Verdict, topic: str) -> str:
    if topic not in verdict.topics:
        return "-"
    return "WRONG" if verdict.topics[topic] else "ok"
