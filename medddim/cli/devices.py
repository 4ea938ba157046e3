"""The option that says where a network computes, judged without loading torch."""

from __future__ import annotations

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import click

from medddim.cli.choices import Choice

NODES = ("nvidia*", "nvhost*", "nvmap", "dxg", "kfd")
"""In /dev of Linux, one of these for every GPU that torch calls cuda: NVIDIA, WSL, AMD."""


def _present(context: click.Context, parameter: click.Parameter, name: str) -> str:
    if reason := why_absent(name):
        from medddim.errors import EnvironmentProblem

        raise EnvironmentProblem(
            f"device {name!r} is not available here: {reason}; use the device auto"
        )
    return name


def why_absent(name: str, *, nodes: Path = Path("/dev")) -> str:
    """Why this machine certainly lacks a device; "" where only torch knows."""
    if name == "mps" and sys.platform != "darwin":
        return "mps is of Apple's machines"
    if name != "cuda":
        return ""
    if _built_for_cpus():
        return "torch is its build for CPUs alone"
    if sys.platform == "linux" and not any(any(nodes.glob(node)) for node in NODES):
        return "no GPU is seen"
    return ""


def _built_for_cpus() -> bool:
    found = find_spec("torch")  # which does not load it
    version = Path(found.origin).with_name("version.py") if found and found.origin else None
    if version is None or not version.is_file():
        return False
    text = version.read_text(encoding="utf-8")
    return all(re.search(rf"^{kind}\b.*= None$", text, re.MULTILINE) for kind in ("cuda", "hip"))


device_option = click.option(
    "--device",
    default="auto",
    show_default=True,
    type=Choice(["auto", "cpu", "cuda", "mps"]),
    callback=_present,
)
