"""A result and the maps beside it: how their files are named, and which of them are there."""

from __future__ import annotations

import re
from glob import escape
from pathlib import Path
from typing import get_args

from medddim.formats.contract import Quantity

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
RESULT_ENDINGS = ("", ".nii", ".nii.gz")
"""What may follow a scan's name in the name of its result; nothing for a folder of DICOM."""
NIFTI = (".nii", ".nii.gz")

_MAP = re.compile(rf"(.+)\+({'|'.join(QUANTITIES)})(?:_\d+)?(?:\.nii\.gz|\.dcm)")


def map_name(result: str, quantity: Quantity) -> str:
    """The name of a map; the + stands in no name of a result, so that the two never collide."""
    return f"{result}+{quantity}"


def quantity_of(file: str) -> Quantity | None:
    """What the map of this file name holds; None for the file of a result."""
    match = _MAP.fullmatch(file)
    return next(one for one in QUANTITIES if one == match[2]) if match else None


def result_place(folder: Path, name: str) -> Path | None:
    """The file or folder that is the result of the scan `name`, if it is there.

    A folder of NIfTI files, or of folders alone, holds results of other scans.
    """
    places = [folder / f"{name}{ending}" for ending in RESULT_ENDINGS]
    return next((place for place in places if _is_result(place)), None)


def _is_result(place: Path) -> bool:
    if not place.is_dir():
        return place.exists()
    return any(file.is_file() and not file.name.endswith(NIFTI) for file in place.iterdir())


def map_files(folder: Path, name: str, quantity: Quantity) -> list[Path]:
    """The files of one map of the scan `name` that are there; a DICOM stack has several."""
    named_so = sorted(folder.glob(f"{escape(map_name(name, quantity))}*"))
    return [path for path in named_so if quantity_of(path.name)]


def is_map(path: Path) -> bool:
    """Whether this file is a map that lies beside its result."""
    match = _MAP.fullmatch(path.name)
    return match is not None and result_place(path.parent, match[1]) is not None
