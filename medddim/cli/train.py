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

from medddim.cli import batches, devices
from medddim.cli.examples import examples

if TYPE_CHECKING:
    from medddim.recipe import Recipe

FEWEST = 50
"""Fewer steps than this are no training."""
MODES = {
    "--init": ("init", "data", "hours", "from_scratch", "device"),
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
    "--from-scratch",
    is_flag=True,
    help="For --init: a new network, in place of the shipped model's weights to begin with.",
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
            _init(init, data, hours=hours, scratch=from_scratch, device=device)
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
    how = {"device": device, "devices": devices, "workers": workers, "minutes": minutes}
    with _interrupted(output):
        if output is None:
            _prove(asked, root, device)
        else:
            _train(asked, output, data=root, resume=resume, **how)


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


def _train(recipe: Recipe, output: Path, **how: Any) -> None:
    from medddim.models import shipped
    from medddim.training import trainer

    trainer.train(
        recipe,
        output,
        progress=lambda step, figures: _show(step, recipe.training.steps, figures),
        **how,
    )
    if int(os.environ.get("LOCAL_RANK", "0")) == 0:  # of several processes the first one speaks
        model = output.absolute() if str(output) in shipped() else output
        click.echo(_kept(recipe, output))
        click.echo(f"checkpoint in {output}; try: medddim enhance SCANS -o OUT --model {model}")


def _kept(recipe: Recipe, run: Path) -> str:
    """Of which step the weights are, and whether the training helped."""
    from medddim.training.board import best_step

    best = best_step(run)
    if best is None:
        return "nothing was held out: the weights are those of the last step"
    if best == 0:
        return (
            f"no step was better on the scans held out than {recipe.training.start_from}, which "
            "the run began with: the weights are still those"
        )
    return f"the weights are those of step {best}, the best on the scans held out"


def _asked(recipe: str, data: str | None) -> tuple[Recipe, Path]:
    """The recipe, and the folder of the scans if one is given beside it; judged without torch."""
    from medddim.errors import RecipeError
    from medddim.recipe import Recipe
    from medddim.training.places import split_pattern
    from medddim.training.request import require_scans

    asked = Recipe.load(recipe)
    root, pattern = (asked.data.root, "") if data is None else split_pattern(data)
    if root is None:
        raise RecipeError("data.root is empty: name the folder of scans there or with --data")
    if not root.is_dir():
        raise RecipeError(f"{root}: no such folder; name that of the scans with --data")
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


def _init(file: Path, data: str | None, *, hours: float, scratch: bool, device: str) -> None:
    if data is None:
        raise click.UsageError("--init needs --data, the folder of your cleanest scans")
    if file.exists():
        raise click.UsageError(f"{file} is there already: choose another name, or remove it")
    from medddim.formats.atomic import new_file
    from medddim.models import RECIPE, folder_of
    from medddim.recipe import Recipe
    from medddim.training import proposal
    from medddim.training.document import document, summary

    found = proposal.look_at(data)  # a wrong folder is said before torch is loaded
    for key, value in summary(found).items():
        click.echo(f"{key:10} {value}")
    base = Recipe.load(folder_of(proposal.shipped_for(found)) / RECIPE)
    name = re.sub("[^a-z0-9]+", "-", file.stem.lower()).strip("-") or "model"
    recipe = proposal.proposed(found, base, name=name, scratch=scratch)
    steps, length = _length(recipe, found.root, hours=hours, device=device)
    text = document(proposal.lasting(recipe, steps=steps), found, file=str(file), length=length)
    with new_file(file) as stream:
        stream.write(text.encode())
    click.echo(f"{'length':10} {length}\nwrote {file}; next: medddim train {file} -o RUN")


def _length(recipe: Recipe, root: Path, *, hours: float, device: str) -> tuple[int, str]:
    from medddim.networks import choose_device
    from medddim.training.rehearsal import steps_per_second

    rate = steps_per_second(recipe, root, device=device)
    steps = max(int(hours * 3600 * rate * 0.9), FEWEST)  # a tenth goes into validations
    steps = steps // 10 * 10
    place = choose_device(device).type
    return steps, f"{steps} steps, about {steps / rate / 3240:.1f} hours on this machine ({place})"


def _prove(recipe: Recipe, data: Path, device: str) -> None:
    from medddim.training.rehearsal import STEPS, smoke

    figures = smoke(
        recipe,
        data=data,
        device=device,
        progress=lambda step, figures: _show(step, STEPS, figures),
    )
    losses = f"{figures['first_loss']:.3f} to {figures['last_loss']:.3f}"
    click.echo(
        f"the way is free: trained {STEPS} steps (loss {losses}), saved, resumed, loaded, applied. "
        "What so few steps learn says nothing of the model. All "
        f"{recipe.training.steps} take about {figures['hours']:.1f} hours here"
    )


def _show(step: int, steps: int, figures: Mapping[str, float]) -> None:
    """One line for each step that was reported; the others pass in silence."""
    if len(figures) > 1:
        stated = "  ".join(f"{name} {value:.4g}" for name, value in figures.items())
        click.echo(f"{step:>7}/{steps}  {stated}")
