"""`medddim bids`: a BIDS data set in, a BIDS derivative out."""

from __future__ import annotations

import copy
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from medddim.cli import batches
from medddim.cli.choices import Choice, Existing
from medddim.cli.enhance import enhance, job_when_needed
from medddim.cli.examples import examples

LISTS = ("--participant-label", "--participant_label", "--session-id", "--session-label")
OF_ENHANCE = ("model", "steps", "fidelity", "factor", "spacing_mm", "noise", "device", "precision")
SHOWN_AS: dict[str | None, dict[str, str]] = {
    "model": {
        "help": "A shipped model, a checkpoint folder, `identity`, which changes nothing, or "
        "`auto`: mr-denoise-fast or ct-denoise, by what each scan is; with --factor or --spacing "
        "mr-superres."
    },
    "steps": {"show_default": "1"},
}
"""What the help says of options of `enhance` beside which its --quality and --samples are not."""


class AfterContract(click.Command):
    """The command line of a BIDS App, whose options take several labels behind one name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Name the option again before each further label, which is how click has it."""
        return super().parse_args(ctx, repeated(args))


def repeated(args: list[str]) -> list[str]:
    """`--participant-label 01 02` as `--participant-label 01 --participant-label 02`."""
    spelled: list[str] = []
    listing = ""
    for arg in args:
        if arg.startswith("-"):
            listing = arg if arg in LISTS else ""
        elif listing and spelled[-1] != listing:
            spelled.append(listing)
        spelled.append(arg)
    return spelled


def with_options(other: click.Command, names: tuple[str, ...]) -> Callable[[Any], Any]:
    """A decorator that gives a command these options of another."""

    def add(command: Any) -> Any:
        options = {option.name: option for option in other.params}
        for name in names:
            option = copy.copy(options[name])
            vars(option).update(SHOWN_AS.get(name, {}))
            command.params.append(option)
        return command

    return add


@with_options(enhance, OF_ENHANCE)
@click.command(
    cls=AfterContract,
    epilog=examples(
        "bids BIDS_DIR OUT participant",
        "bids BIDS_DIR OUT participant --participant-label 01 02",
    ),
)
@click.argument("bids_dir", type=Existing(file_okay=False))
@click.argument("output", metavar="OUT", type=click.Path(file_okay=False, path_type=Path))
@click.argument("level", metavar="participant", type=Choice(["participant"]))
@click.option(
    "--participant-label", "--participant_label", "participants", multiple=True,
    metavar="LABEL...", help="Only these participants, with or without sub-.",
)  # fmt: skip
@click.option(
    "--session-id", "--session-label", "sessions", multiple=True, metavar="LABEL...",
    help="Only these sessions, with or without ses-.",
)  # fmt: skip
@click.option(
    "--bids-filter-file", "filters", type=Existing(dir_okay=False),
    help='Which images, as for fMRIPrep: JSON such as {"t1w": {"suffix": "T1w"}}.',
)  # fmt: skip
@click.option(
    "--skip-bids-validation", "--skip_bids_validator", "skip", is_flag=True,
    help="Take files, too, whose names BIDS does not know.",
)  # fmt: skip
@batches.seed_option
@batches.resume_option
@batches.dry_run_option
@batches.json_option
def bids(bids_dir: Path, output: Path, as_json: bool, **options: Any) -> None:
    """Enhance the images of a BIDS data set into the BIDS derivative OUT.

    By default every magnitude with the suffix T1w, T2w, PDw, FLAIR, T2starw, inplaneT1, inplaneT2,
    UNIT1, dwi or bold. Participants are independent: several runs may share OUT.
    """
    from medddim.integrations.bids import Choice, participants
    from medddim.integrations.bids.choice import read_filters, require_described

    if not options["skip"]:
        require_described(bids_dir)

    chosen = Choice(
        options.pop("participants"),
        options.pop("sessions"),
        None if (path := options.pop("filters")) is None else read_filters(path),
        validate=not options.pop("skip"),
    )
    options.pop("level")
    how = {key: options.pop(key) for key in ("resume", "dry_run")}
    steps = options.pop("steps")
    job = job_when_needed(
        steps=1 if steps is None else steps, samples=None, residual=False, **options
    )
    good, counts = True, Counter[str]()
    for outcome in participants(bids_dir, output, job=job, choice=chosen, **how):
        batches.show(outcome, as_json=as_json)
        counts[outcome.status] += 1
        good &= outcome.good
    if not as_json:
        stated = ", ".join(f"{count} {status}" for status, count in counts.items())
        where = "nothing was written" if how["dry_run"] else f"see {output}"
        click.echo(f"{stated}; {where}")
    sys.exit(0 if good else 1)
