"""The command line as other programs describe one: a Boutiques descriptor."""

from __future__ import annotations

from typing import Any

import click

from medddim import __version__

NUMBERS = (click.types.IntParamType, click.types.FloatParamType)
HIDDEN = ("as_json", "dry_run")


def boutiques(command: click.Command) -> dict[str, Any]:
    """A Boutiques descriptor (schema 0.5) of one verb, made from its own options."""
    parameters = [
        one
        for one in command.params
        if one.name not in HIDDEN and not getattr(one, "hidden", False)
    ]
    inputs = [_input(one) for one in parameters]
    line = " ".join(["medddim", str(command.name), *(one["value-key"] for one in inputs)])
    return {
        "name": f"medddim {command.name}",
        "tool-version": __version__,
        "schema-version": "0.5",
        "description": command.get_short_help_str(limit=200),
        "command-line": line,
        "inputs": inputs,
        "output-files": [
            {
                "id": "results",
                "name": "results",
                "description": "The folder of the results.",
                "path-template": "[OUTPUT]",
                "optional": False,
            }
        ],
        "error-codes": [
            {"code": 1, "description": "Some scans were refused or failed."},
            {"code": 2, "description": "The request was wrong."},
            {"code": 3, "description": "The machine lacks something: a package, disk, memory."},
        ],
    }


def _input(parameter: click.Parameter) -> dict[str, Any]:
    name = str(parameter.name)
    said: dict[str, Any] = {
        "id": name,
        "name": name.replace("_", " "),
        "value-key": f"[{name.upper()}]",
        "optional": not parameter.required,
        "type": _type(parameter),
    }
    if isinstance(parameter, click.Option):
        said["description"] = parameter.help or name
        said["command-line-flag"] = max(parameter.opts, key=len)
    if parameter.nargs == -1 or parameter.multiple:
        said |= {"list": True, "min-list-entries": 1}
    kind = parameter.type
    if isinstance(kind, click.Choice):
        said["value-choices"] = list(kind.choices)
    for key, bound in (("minimum", "min"), ("maximum", "max")):
        value = getattr(kind, bound, None)
        if value is not None:
            said |= {key: value, f"exclusive-{key}": bool(getattr(kind, f"{bound}_open", False))}
    if isinstance(kind, click.types.IntParamType):
        said["integer"] = True
    return said


def _type(parameter: click.Parameter) -> str:
    if isinstance(parameter, click.Option) and parameter.is_flag:
        return "Flag"
    if isinstance(parameter.type, NUMBERS):
        return "Number"
    # a folder of results does not exist yet, and Boutiques asks that a file does
    is_scan = isinstance(parameter, click.Argument)
    return "File" if is_scan and isinstance(parameter.type, click.Path) else "String"
