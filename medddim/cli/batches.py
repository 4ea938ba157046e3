"""What `enhance` and `degrade` share: find the scans, run the job, show one line a scan."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from medddim.cli import engines
from medddim.cli.choices import Choice, Existing
from medddim.cli.needs import in_all
from medddim.cli.progress import bar, events

if TYPE_CHECKING:
    from medddim.batch import Job, Outcome
    from medddim.formats import Series

COLOURS = {"ok": "green", "done before": "green", "planned": "cyan", "refused": "yellow"}

scans_argument = click.argument("scans", nargs=-1, required=True, type=Existing())
output_as = partial(
    click.option,
    "-o",
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the results; never the input folder.",
)
output_option = output_as()
json_as = partial(click.option, "--json", "as_json", is_flag=True)
json_option = json_as(
    help="One line of JSON a scan; on stderr one a second that says how many scans are done."
)


def _valid_rule(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value:  # and load nothing to judge it
        return value
    from medddim.formats.select import Rule

    return _valid(Rule.parse, value)


def _valid_template(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value:  # and load nothing to judge it
        return value
    from medddim.formats.filename import require_template

    return _valid(require_template, value)


def _valid(require: Callable[[str], Any], value: str) -> str:
    from medddim.errors import RequestProblem

    try:
        require(value)
    except RequestProblem as problem:  # a grammar takes several lines
        raise click.BadParameter(str(problem)) from None
    return value


def _valid_attributes(context: click.Context, parameter: click.Parameter, value: str) -> str:
    if not value:  # and load nothing to judge it
        return value
    from medddim.errors import RequestProblem
    from medddim.formats.dicom.files import attributes_named

    try:
        return " and ".join(attributes_named(value))
    except RequestProblem as problem:
        raise click.BadParameter(str(problem)) from None


CHOICE = ("select", "exclude", "filename", "on_gap", "on_tilt", "stack_by")
"""The arguments that `choice_options` adds to a verb, as `batch.find` takes them."""

_CHOICE_OPTIONS = (
    click.option(
        "--select",
        default="",
        metavar="RULE",
        callback=_valid_rule,
        help="Only series whose header fits, such as 'Modality=MR and SeriesDescription~T2'.",
    ),
    click.option(
        "--exclude",
        default="",
        metavar="RULE",
        callback=_valid_rule,
        help="All but those series, such as 'SeriesDescription~localizer'.",
    ),
    click.option(
        "-f",
        "--filename",
        default="",
        metavar="TEMPLATE",
        callback=_valid_template,
        help="Names of results: %b the scan's own name, %f its folder, %s series number, %d series "
        "description, %p protocol, %e echo, %z sequence; / begins a folder.  [the scan's place "
        "below the folder given]",
    ),
    click.option(
        "--on-gap",
        default="refuse",
        show_default=True,
        type=Choice(["refuse", "split", "interpolate"]),
        help="Slices missing or unevenly spaced. split: one volume for each evenly spaced part; "
        "interpolate: fill gaps of 1 or 2 slices.",
    ),
    click.option(
        "--on-tilt",
        default="refuse",
        show_default=True,
        type=Choice(["refuse", "resample"]),
        help="A stack that leans (CT gantry): resample it to a right-angled grid.",
    ),
    click.option(
        "--stack-by",
        default="",
        metavar="ATTRIBUTE",
        callback=_valid_attributes,
        help="DICOM images at one place: what tells them apart, such as EchoTime, or "
        "'ImageType and (0019,10A2)', where the header does not say it by itself.",
    ),
)


def choice_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which series a verb takes, and what may be repaired in them."""
    for option in reversed(_CHOICE_OPTIONS):
        command = option(command)
    return command


def require_beside(output: Path, scans: Sequence[Path]) -> None:
    """Judge the output folder before anything heavy is loaded."""
    from medddim.batch.places import require_beside

    _require_folder(output, scans)
    require_beside(output, scans)


def _require_folder(output: Path, scans: Sequence[Path]) -> None:
    """Raise UsageError for the name of a file: it would become that of a folder."""
    from medddim.formats.beside import file_ending

    ending = file_ending(output)
    if ending and not output.is_dir():
        folder = output.with_name(output.name.removesuffix(ending))
        scan = next((path.name for path in scans if path.is_file()), "SCAN")
        raise click.UsageError(
            f"-o names the folder of the results and their record, found {output}, the name of a "
            f"file; with -o {folder} the result is {folder}/{scan}, or as -f names it"
        )


seed_option = click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Same seed, same answer.",
)


def _with_threads(context: click.Context, parameter: click.Parameter, value: int | None) -> None:
    """Before torch and NumPy are loaded, which count the cores once."""
    if value is not None:
        for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            os.environ[name] = str(value)


threads_option = click.option(
    "--threads",
    type=click.IntRange(min=1),
    expose_value=False,
    callback=_with_threads,
    help="Processor threads to use.  [all cores]",
)
quiet_option = click.option(
    "-q",
    "--quiet",
    is_flag=True,
    help="Print nothing but problems, with --dry-run those to come; the exit code says the rest.",
)
resume_option = click.option(
    "--resume/--no-resume",
    default=True,
    show_default=True,
    help="Skip scans that an earlier run finished, judged by content; else they are refused.",
)
again_option = click.option(
    "--again",
    is_flag=True,
    help="Enhance scans that medddim has made, too; else they are skipped.",
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Read the scans, say what would be done; write nothing."
)


def run_batch(
    job: Job | Callable[[Series], Job],
    series: Sequence[Series],
    *,
    output: Path,
    as_json: bool,
    quiet: bool = False,
    shown: Callable[[int], AbstractContextManager[Callable[[float], None]]] | None = None,
    **options: Any,
) -> int:
    """Run `job` over the series, print each outcome as it comes; return the exit code.

    With `quiet`, only those that are not good. `shown` shows how far it is, in place of a bar.
    """
    from medddim import batch

    where = {key: options.pop(key) for key in engines.ENGINE if key in options}
    exit_zero = options.pop("exit_zero", False)
    shard = where.get("shard")
    total = sum(1 for one in series if not shard or shard.holds(one.name))
    counts: Counter[str] = Counter()
    good, done = True, 0
    planned: list[Outcome] = []

    def progress(share: float) -> None:
        tell(done + share)

    shown = shown or (events if as_json else partial(bar, hidden=quiet))
    with (
        shown(total) as tell,
        closing(
            batch.run(
                series, output, job=job, engine=engines.engine_of(progress, **where), **options
            )
        ) as outcomes,
    ):
        for outcome in outcomes:
            if not (quiet and outcome.good):
                show(outcome, as_json=as_json)
            counts[outcome.status] += 1
            good &= outcome.good
            planned += [outcome] if outcome.planned and outcome.status == "planned" else []
            tell(done := done + 1)
    if not (as_json or quiet):
        stated = ", ".join(f"{count} {status}" for status, count in counts.items())
        if planned:
            click.echo(in_all(planned, series, workers=where.get("workers") or 1))
        see = "nothing was written" if options["dry_run"] else f"see {output / batch.MANIFEST}"
        click.echo(f"{stated or 'no scan'}; {see}")
    return 0 if good or exit_zero else 1


def _to_come(outcome: Outcome) -> str:
    """Of a scan that is planned: where its result will lie, and what makes it."""
    if outcome.status != "planned":
        return ""
    job = outcome.job
    if "model" not in job:
        return f"to {outcome.facts['place']}"
    steps = f"{job['steps']} step{'s' * (job['steps'] > 1)}"
    return f"to {outcome.facts['place']} by {job['model']}, {steps}"


def show(outcome: Outcome, *, as_json: bool) -> None:
    """Print what became of one scan: JSON, or for people a line, and one for each remark."""
    if as_json:
        click.echo(outcome.line())
        return
    status = click.style(f"{outcome.status:12}", fg=COLOURS.get(outcome.status, "red"))
    seconds = outcome.planned.get("seconds") if outcome.status == "planned" else outcome.seconds
    time = f"{seconds:.1f} s" if outcome.good and seconds else ""
    stated = outcome.reason or "; ".join(filter(None, [_to_come(outcome), outcome.noise]))
    click.echo(f"{status} {outcome.name:24} {time:>9}  {stated}".rstrip())
    for remark in () if outcome.reason else filter(None, _remarks(outcome)):
        click.echo(f"{'':12} {remark}")


def _remarks(outcome: Outcome) -> Iterator[str]:
    """What a person should know of a result."""
    if outcome.clipped:
        yield (
            f"{outcome.clipped} voxels clipped to what the integers of the file can hold: it keeps "
            "the type of its source"
        )
    for fact in ("warning", "receipt", "invented"):
        yield outcome.facts.get(fact, "")
    yield from outcome.notes
