"""A result and the maps beside it: how their files are named, and which of them are there."""

from __future__ import annotations

import re
from functools import cache
from glob import escape
from pathlib import Path
from typing import get_args

from medddim.formats.contract import Format, Quantity
from medddim.formats.single_file import SingleFile
from medddim.formats.table import FORMATS
from medddim.volume import Volume

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


def map_name(result: str, quantity: Quantity) -> str:
    """The name of a map; the + stands in no name of a result, so that the two never collide."""
    return f"{result}+{quantity}"


def quantity_of(file: str) -> Quantity | None:
    """What the map of this file name holds; None for the file of a result."""
    match = _map().fullmatch(file)
    return next(one for one in QUANTITIES if one == match[2]) if match else None


def result_files(folder: Path, name: str) -> list[Path]:
    """The files, or the folder, that are the result of the scan `name`: the scan itself first."""
    found = (format.result_files(folder, name) for format in FORMATS)
    return next((files for files in found if files), [])


def result_place(name: str, scan: Volume) -> str:
    """Where the result of a scan lies below the output folder: its file, or its folder and "/"."""
    return f"{name}{getattr(scan.source, 'ending', '/')}"


def file_ending(path: Path) -> str:
    """What the name of a scan that is one file ends in, as it is spelt; "" for any other name."""
    endings = (f.ending(path) for f in FORMATS if isinstance(f, SingleFile))
    return next(filter(None, endings), "")


def format_of(file: Path) -> tuple[Format, str]:
    """The format of a written result, and its name, from one of its files."""
    found = ((format, format.result_name(file)) for format in FORMATS)
    return next((format, name) for format, name in found if name)


def map_files(folder: Path, name: str, quantity: Quantity) -> list[Path]:
    """The files of one map of the scan `name` that are there; a DICOM stack has several."""
    named_so = sorted(folder.glob(f"{escape(map_name(name, quantity))}*"))
    return [path for path in named_so if quantity_of(path.name)]


def is_map(path: Path) -> bool:
    """Whether this file is a map that lies beside its result."""
    match = _map().fullmatch(path.name)
    return match is not None and bool(result_files(path.parent, match[1]))


@cache
def _map() -> re.Pattern[str]:
    endings = "|".join(sorted({re.escape(format.map_ending) for format in FORMATS}))
    return re.compile(rf"(.+)\+({'|'.join(QUANTITIES)})(?:_\d+)?(?:{endings})")
