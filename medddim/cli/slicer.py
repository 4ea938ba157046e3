"""3D Slicer's contract with command line modules: `enhance --xml`, and one volume in, one out.

Slicer asks an executable for `--xml`, makes a panel of what it prints, and calls it with one file
in and the name of one file out; what it prints meanwhile moves the progress bar. See the schema of
the CTK command line modules and Slicer's vtkSlicerCLIModuleLogic.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click

from medddim import __version__

FORMATS = ".nrrd,.nii.gz,.nii,.mha"
"""What Slicer may hand over; it takes the first."""
SETTINGS = ("model", "quality", "steps", "fidelity", "noise")
ADVANCED = ("factor", "spacing_mm", "samples", "sampler", "seed", "device", "precision", "force")
GROUPS = (
    ("Settings", "What is done to the volume.", SETTINGS, False),
    ("Advanced", "Super-resolution, samples, and where it is computed.", ADVANCED, True),
)
Element = ElementTree.Element


class FolderOrVolume(click.Option):
    """The folder of results, which `--volume` stands in for: then a temporary one is taken."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """As of any option; with `--volume` the folder is removed with the context."""
        volume = ctx.params.get("volume")
        if isinstance(volume, Path) and self.value_is_missing(value):
            place = tempfile.TemporaryDirectory(prefix=".medddim.", dir=volume.parent)
            value = ctx.with_resource(place)
        return super().process_value(ctx, value)


def slicer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--xml` and `--volume FILE`, for programs alone."""
    for option in (
        click.option("--volume", hidden=True, is_eager=True,
                     type=click.Path(dir_okay=False, path_type=Path),
                     help="The result of one scan as this file, in the format of the scan."),
        click.option("--xml", is_flag=True, is_eager=True, expose_value=False, hidden=True,
                     callback=_print_xml, help="The command as 3D Slicer describes one."),
    ):  # fmt: skip
        command = option(command)
    return command


def _print_xml(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(description(context.command))
        context.exit()


def description(command: click.Command) -> str:
    """The XML of one verb, made from its own options, after the schema of CTK."""
    root = Element("executable")
    for tag, text in (
        ("category", "Filtering.Denoising"),
        ("title", f"medddim {command.name}"),
        ("description", "Denoise or super-resolve an MR or CT volume. Research only."),
        ("version", __version__),
        ("license", "Apache-2.0"),
        ("contributor", "medddim"),
    ):
        ElementTree.SubElement(root, tag).text = text
    root.append(_volumes())
    known = {str(option.name): option for option in command.params}
    for label, about, names, advanced in GROUPS:
        group = _group(root, label, about)
        if advanced:
            group.set("advanced", "true")
        for name in names:
            _parameter(group, known[name])
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ElementTree.tostring(root, "unicode")}'


def _group(root: Element, label: str, about: str) -> Element:
    group = ElementTree.SubElement(root, "parameters")
    ElementTree.SubElement(group, "label").text = label
    ElementTree.SubElement(group, "description").text = about
    return group


def _volumes() -> Element:
    group = _group(Element("executable"), "Volumes", "The scan and its result.")
    for name, place, about, channel in (
        ("scan", ("index", "0"), "The volume to enhance", "input"),
        ("volume", ("longflag", "volume"), "The enhanced volume", "output"),
    ):
        image = ElementTree.SubElement(group, "image", type="scalar", fileExtensions=FORMATS)
        _say(image, name=name, place=place, about=about)
        ElementTree.SubElement(image, "channel").text = channel
    return group


def _say(element: Element, *, name: str, place: tuple[str, str], about: str) -> None:
    for tag, text in (("name", name), place, ("description", about), ("label", _label(name))):
        ElementTree.SubElement(element, tag).text = text


def _label(name: str) -> str:
    return name.removesuffix("_mm").replace("_", " ").capitalize()


def _parameter(group: Element, parameter: click.Parameter) -> None:
    """One option. What has no value by itself is a string: an empty one Slicer does not pass on."""
    assert isinstance(parameter, click.Option)  # noqa: S101  # for the type checker
    kind, default = parameter.type, parameter.to_info_dict()["default"]
    tag = "string"
    if parameter.is_flag:
        tag = "boolean"
    elif isinstance(kind, click.Choice):
        tag = "string-enumeration"
    elif isinstance(default, int | float):
        tag = "integer" if isinstance(default, int) else "double"
    element = ElementTree.SubElement(group, tag)
    flag = max(parameter.opts, key=len).removeprefix("--")
    name = str(parameter.name)
    _say(element, name=name, place=("longflag", flag), about=parameter.help or name)
    if default is not None:
        text = str(default).lower() if isinstance(default, bool) else str(default)
        ElementTree.SubElement(element, "default").text = text
    if isinstance(kind, click.Choice):
        for choice in kind.choices:
            ElementTree.SubElement(element, "element").text = str(choice)
    elif tag in ("integer", "double"):
        _constraints(element, kind, step="1" if tag == "integer" else "0.05")


def _constraints(element: Element, kind: Any, *, step: str) -> None:
    limits = {"minimum": getattr(kind, "min", None), "maximum": getattr(kind, "max", None)}
    if any(limit is not None for limit in limits.values()):
        constraints = ElementTree.SubElement(element, "constraints")
        for tag, limit in limits.items():
            if limit is not None:
                ElementTree.SubElement(constraints, tag).text = str(limit)
        ElementTree.SubElement(constraints, "step").text = step


@contextmanager
def filter_progress(total: int) -> Iterator[Callable[[float], None]]:
    """Progress as Slicer reads it from standard output; yields what hears of scans done."""
    click.echo(
        "<filter-start><filter-name>medddim enhance</filter-name>"
        "<filter-comment>reading the volume</filter-comment></filter-start>"
    )
    yield lambda scans: click.echo(
        f"<filter-progress>{min(scans / max(total, 1), 1):.3f}</filter-progress>"
    )
    click.echo("<filter-end><filter-name>medddim enhance</filter-name></filter-end>")


def require_one_file(scans: Sequence[Path], volume: Path) -> None:
    """`--volume` is for one scan in one file, and keeps its format. Raises UsageError."""
    if len(scans) != 1 or not scans[0].is_file():
        raise click.UsageError("--volume takes one scan that is one file; for others give -o")
    if scans[0].suffixes[-2:] != volume.suffixes[-2:] and scans[0].suffix != volume.suffix:
        raise click.UsageError(
            f"--volume: expected a name that ends in {scans[0].suffix}, as that of the scan, "
            f"found {volume.name}"
        )


def hand_over(scan: Path, output: Path, volume: Path) -> None:
    """Put the result of a run into the folder `output` where Slicer looks for it, in one piece."""
    os.replace(output / scan.name, volume)
