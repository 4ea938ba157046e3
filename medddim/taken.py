"""Whatever a user holds for a scan or a number, as one; where that cannot be, how to make one."""

from __future__ import annotations

import operator
import os
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

from medddim.errors import RequestProblem
from medddim.volume import Volume

PER_CENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


def as_volume(scan: Any) -> Volume:
    """The Volume of a scan given as one, as a path, a Series, or another library's image.

    The libraries are nibabel, SimpleITK and MONAI. Raises RequestProblem for anything else, an
    array above all: it does not say where it lies. And what reading or converting raises.
    """
    if isinstance(scan, Volume):
        return scan
    from medddim import Series, read  # by the package's own door: docs/decisions/0185

    if isinstance(scan, str | os.PathLike | Series):
        return read(scan)
    libraries = {kind.__module__.partition(".")[0] for kind in type(scan).__mro__}
    if "nibabel" in libraries:
        return Volume.from_nibabel(scan)
    if "SimpleITK" in libraries:
        return Volume.from_sitk(scan)
    if "monai" in libraries:
        return Volume.from_metatensor(scan)
    raise RequestProblem(f"expected a scan, found {_named(scan)}; {_remedy(scan)}")


def as_path(place: Any, what: str) -> Path:
    """The Path of a file or folder. Raises RequestProblem, which calls it `what`, for no path."""
    if isinstance(place, str | os.PathLike):
        return Path(place)
    raise RequestProblem(f"expected the path of {what}, found {_named(place)}")


def as_whole(number: Any, what: str) -> int:
    """A whole number of any library. Raises RequestProblem, which calls it `what`, for no such."""
    try:
        return operator.index(number)
    except TypeError:
        raise RequestProblem(f"expected a whole number as {what}, found {number!r}") from None


def as_real(number: Any, what: str) -> float:
    """A real number of any library; not text, for "5" could be per cent. Raises as `as_whole`."""
    try:
        return float(number * 1.0)  # which text is not
    except (TypeError, ValueError):
        raise RequestProblem(
            f"expected a number as {what}, found {number!r}{_as_share(number)}"
        ) from None


def several(given: Any) -> list[Any]:
    """What is in a sequence or an array; a single number, or a text, by itself."""
    try:
        return [given] if isinstance(given, str) else list(given)
    except TypeError:
        return [given]


def take_numbers(record: Any) -> None:
    """Make plain numbers of those that a frozen dataclass was given; for its `__post_init__`.

    Its fields are judged by their annotations. Raises RequestProblem for anything else.
    """
    for one in fields(record):
        kind, _, also = str(one.type).partition(" | ")
        given = getattr(record, one.name)
        if kind in _TAKEN and (not also or (also == "None" and given is not None)):
            object.__setattr__(record, one.name, _TAKEN[kind](given, one.name))


_TAKEN = {"int": as_whole, "float": as_real}


def _as_share(given: Any) -> str:
    said = isinstance(given, str) and PER_CENT.fullmatch(given)
    return f"; as a share, {said[1]} % is {float(said[1]) / 100:g}" if said else ""


def _named(given: Any) -> str:
    name = type(given).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _remedy(scan: Any) -> str:
    shape = getattr(scan, "shape", None)
    if isinstance(scan, list | tuple):
        return "give one scan at a time"
    if shape is None:
        return "give a Volume, a path, or an image of nibabel, SimpleITK or MONAI"
    if len(shape) == 3:
        return "an array does not say where it lies: medddim.Volume(array[None], affine)"
    return (
        "an array does not say where it lies: medddim.Volume(array, affine), with the channel "
        "first and three spatial axes"
    )
