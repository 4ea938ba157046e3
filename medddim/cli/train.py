"""`medddim train`: make a model from a recipe and a folder of scans."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from medddim.cli import batches, devices, trained
from medddim.cli.examples import examples

if TYPE_CHECKING:
    from medddim.recipe import Recipe
    from medddim.training.proposal import Found

FEWEST = 50
"""Fewer steps than this are no training."""
MODES = {
    "--init": ("init", "data", "hours", "quality", "from_scratch", "device"),
    "--smoke": ("recipe", "smoke", "data", "device"),
    "-o": ("recipe", "output", "data", "resume", "device", "devices", "workers", "minutes"),
}
"""What `train` does, and the options that mean something to it."""


@click.command(
    epilog=examples(
        "train --init mine.yaml --data SCANS --hours 8    look at the scans, write a recipe",
        "train mine.yaml --smoke                          does it work here? in a minute",
        "train mine.yaml -o run/                          train; Ctrl-C stops, --resume goes on",
        "enhance study/ -o better/ --model run/           use it",
    )
)
@click.argument("recipe", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run folder; it becomes a checkpoint that `enhance --model` takes.",
)
@click.option(
    "--data",
    metavar="FOLDER|PATTERN",
    help="The scans: all below a folder, or those that match a pattern, 'SCANS/sub-*/anat/*T1w*'; "
    "overrides the recipe's data.",
)
@click.option(
    "--init",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Look at the scans and write a complete recipe for them; train nothing.",
)
@click.option(
    "--hours",
    default=8.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="For --init: how long the training may take here.",
)
@click.option(
    "--quality",
    default="auto",
    show_default=True,
    type=click.Choice(["auto", "fast", "best"]),
    help="For --init: the model in the package to begin with, as for `enhance`. auto, fast: "
    "mr-denoise-fast for MR. best: mr-denoise for MR, for white noise; yours is then as slow in "
    "use as that. For CT always ct-denoise.",
)
@click.option(
    "--from-scratch",
    is_flag=True,
    help="For --init: a new network, with no weights to begin with.",
)
@click.option("--resume", is_flag=True, help="Go on with an interrupted run.")
@devices.device_option
@click.option(
    "--devices",
    default=1,
    show_default=True,
    type=click.IntRange(min=1),
    help="How many devices of that kind share each batch.",
)
@click.option(
    "--workers",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="How many processes draw the batches, where a GPU would wait for them.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    help="Train for as many steps as fit in this time, whatever the recipe says.",
)
@click.option(
    "--smoke",
    is_flag=True,
    help="Walk the whole way of RECIPE on two scans in about a minute, and say how long all takes.",
)
@batches.threads_option
def train(
    recipe: str | None,
    output: Path | None,
    data: str | None,
    init: Path | None,
    hours: float,
    quality: str,
    from_scratch: bool,
    resume: bool,
    device: str,
    devices: int,
    workers: int,
    minutes: float | None,
    smoke: bool,
) -> None:
    """Train the model that RECIPE describes: a YAML file, or the name of one in the package."""
    _require_of_use("--init" if init is not None else "--smoke" if smoke else "-o")
    if init is not None:
        with _interrupted(None):
            _init(init, data, hours, quality=quality, scratch=from_scratch, device=device)
        return
    if recipe is None:
        raise click.UsageError(
            "expected a RECIPE; `medddim train --init mine.yaml --data SCANS` writes one"
        )
    if output is None and not smoke:
        raise click.UsageError("expected either -o RUN or --smoke")
    asked, root = _asked(recipe, data)
    if output is not None:
        _require_sound(asked, root, output, resume=resume, devices=devices)
    how: dict[str, Any] = {"device": device, "devices": devices, "workers": workers}
    with _interrupted(output):
        if output is None:
            _prove(asked, root, device)
        else:
            _train(asked, output, data=root, resume=resume, minutes=minutes, **how)


class Interrupted(KeyboardInterrupt):
    """An interruption that says what is left; what others say may quote a header."""


@contextmanager
def _interrupted(run: Path | None) -> Iterator[None]:
    """Of an interruption, say whether there is a run to resume."""
    from medddim.training.places import RESUME

    try:
        yield
    except KeyboardInterrupt:
        if run is not None and (run / RESUME).exists():
            left = "what was saved is kept; the same command with --resume goes on"
        else:
            left = "nothing is kept yet; the same command begins anew"
        raise Interrupted(left) from None


def _train(recipe: Recipe, output: Path, *, minutes: float | None, **how: Any) -> None:
    from medddim.models import shipped
    from medddim.training import trainer

    steps, done = recipe.training.steps if minutes is None else None, 0

    def progress(step: int, figures: Mapping[str, float]) -> None:
        nonlocal done
        done = step
        trained.show(step, steps, figures)

    trainer.train(recipe, output, progress=progress, minutes=minutes, **how)
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:  # of several processes the first one speaks
        model = output.absolute() if str(output) in shipped() else output
        if minutes is not None:
            click.echo(f"{done} steps fitted into {minutes:g} min")
        click.echo(trained.kept(recipe, output))
        click.echo(f"checkpoint in {output}; try: medddim enhance SCANS -o OUT --model {model}")


def _asked(recipe: str, data: str | None) -> tuple[Recipe, Path]:
    """The recipe, and the folder of the scans if one is given beside it; judged without torch."""
    from medddim.errors import RecipeError, nearest_path
    from medddim.recipe import Recipe
    from medddim.training.places import split_pattern
    from medddim.training.request import require_scans

    asked = Recipe.load(recipe)
    root, pattern = (asked.data.root, "") if data is None else split_pattern(data)
    if root is None:
        raise RecipeError("data.root is empty: name the folder of scans there or with --data")
    if not root.is_dir():
        hint = nearest_path(root)
        raise RecipeError(f"{root}: no such folder; name that of the scans with --data{hint}")
    if pattern:
        known = asked.data.model_copy(update={"train": (pattern,)})
        asked = asked.model_copy(update={"data": known})
    require_scans(asked, root)
    return asked, root


def _require_sound(recipe: Recipe, root: Path, output: Path, *, resume: bool, devices: int) -> None:
    """Judge a training before torch is loaded.

    Raises WriteRefused, CheckpointError and RecipeError.
    """
    from medddim.batch.places import require_outside
    from medddim.training.request import require_sound

    named = bool(recipe.data.train)  # and a run among the scans is not taken for one of them
    if not named or os.path.realpath(output) == os.path.realpath(root):
        require_outside(output, [root])
    require_sound(recipe, output, resume=resume, devices=devices)


def _require_of_use(mode: str) -> None:
    """Raise UsageError for an option that would be ignored."""
    context = click.get_current_context()
    named = {
        str(one.name): "RECIPE" if isinstance(one, click.Argument) else one.opts[0]
        for one in context.command.params
    }
    given = [
        flag
        for name, flag in named.items()
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        and name not in ("threads", *MODES[mode])
    ]
    if given:
        raise click.UsageError(
            f"{' and '.join(given)} {'mean' if len(given) > 1 else 'means'} nothing to "
            f"`train {mode}`, which takes {', '.join(named[name] for name in MODES[mode])}"
        )


# The options that `MODES` names for --init.
def _init(
    file: Path, data: str | None, hours: float, *, quality: str, scratch: bool, device: str
) -> None:
    if data is None:
        raise click.UsageError("--init needs --data, the folder of your cleanest scans")
    if file.exists():
        raise click.UsageError(f"{file} is there already: choose another name, or remove it")
    from medddim.batch.choice import DENOISER
    from medddim.formats.atomic import new_file
    from medddim.models import RECIPE, folder_of
    from medddim.recipe import Recipe
    from medddim.training import proposal
    from medddim.training.document import begins_with, document, summary

    found = proposal.look_at(data)  # a wrong folder is said before torch is loaded
    for key, value in summary(found).items():
        click.echo(f"{key:10} {value}")
    model = DENOISER[quality][found.modality]
    base = Recipe.load(folder_of(model) / RECIPE)
    name = re.sub("[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "model"
    recipe = proposal.proposed(found, base, name=name, begin="" if scratch else model)
    click.echo(f"{'begins':10} with {begins_with(recipe)}")
    click.echo("timing a few steps on this machine ...", err=True)
    steps, length = _length(recipe, found, hours=hours, device=device)
    text = document(proposal.lasting(recipe, steps=steps), found, file=str(file), length=length)
    with new_file(file) as stream:
        stream.write(text.encode())
    click.echo(f"{'length':10} {length}\nwrote {file}; next: medddim train {file} -o RUN")


def _length(recipe: Recipe, found: Found, *, hours: float, device: str) -> tuple[int, str]:
    """How many steps fit in the hours here, and all that the user is to know of it."""
    from medddim.training.proposal import lasting
    from medddim.training.rehearsal import timed

    taken = timed(recipe, found.root, device=device)
    # how often a run is validated does not depend on its length
    steps = taken.steps_in(hours * 3600, lasting(recipe, steps=1000).training)
    steps = max(steps // 10 * 10, FEWEST)
    least = f": the fewest that are a training, more than {hours:g} h" * (steps == FEWEST)
    return steps, f"{trained.takes(lasting(recipe, steps=steps).training, taken, device)}{least}"


def _prove(recipe: Recipe, data: Path, device: str) -> None:
    from medddim.training.rehearsal import STEPS, smoke

    figures, taken = smoke(
        recipe,
        data=data,
        device=device,
        progress=lambda step, figures: trained.show(step, STEPS, figures),
    )
    losses = f"{figures['first_loss']:.3f} to {figures['last_loss']:.3f}"
    click.echo(
        f"it works: trained {STEPS} steps (loss {losses}), saved, resumed, loaded, applied\n"
        "(how good the model gets, so few steps do not show)\n"
        f"the training: {trained.takes(recipe.training, taken, device)}"
    )
