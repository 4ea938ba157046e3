"""`medddim export`: a model, or the command line itself, for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from medddim.cli.examples import Group, examples

model_argument = click.argument("model", metavar="MODEL")
folder_option = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="A new folder.",
)


@click.group(
    cls=Group, epilog=examples("export onnx mr-denoise -o onnx/", "export bundle run/ -o bundle/")
)
def export() -> None:
    """Write a model, or the description of `enhance`, for other programs."""


@export.command("onnx", epilog=examples("export onnx mr-denoise -o onnx/"))
@model_argument
@folder_option
def onnx(model: str, output: Path) -> None:
    """Write MODEL's network as ONNX, for tiles of any size, compared with torch."""
    _require_sound(model, output)
    from medddim.checkpoint import Checkpoint
    from medddim.integrations.onnx import MODEL, export_onnx

    difference = export_onnx(Checkpoint.open(model), output)
    click.echo(f"{output / MODEL}: differs from torch by at most {difference:.1e}")


@export.command("bundle", epilog=examples("export bundle mr-denoise -o bundle/"))
@model_argument
@folder_option
def bundle(model: str, output: Path) -> None:
    """Write MODEL as a MONAI Bundle, which `python -m monai.bundle run` executes."""
    _require_sound(model, output)
    from medddim.checkpoint import Checkpoint
    from medddim.integrations.monai.bundle import export_bundle

    export_bundle(Checkpoint.open(model), output)
    click.echo(f"{output}: run it as its docs/README.md says")


def _require_sound(model: str, output: Path) -> None:
    """Judge the request before torch is loaded. Raises CheckpointError and WriteRefused."""
    from medddim.formats.atomic import require_absent
    from medddim.models import folder_of

    folder_of(model)
    require_absent(output)


@export.command("boutiques", epilog=examples("export boutiques -o medddim.json"))
@click.option("-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="A new file.")  # fmt: skip
def descriptor(output: Path) -> None:
    """Write a Boutiques descriptor of `medddim enhance`, made from its options."""
    import json

    from medddim.cli.descriptor import boutiques
    from medddim.cli.enhance import enhance
    from medddim.formats.atomic import new_file

    with new_file(output) as stream:
        stream.write((json.dumps(boutiques(enhance), indent=2) + "\n").encode())
    click.echo(f"{output}: see `bosh validate`")
