"""Where the results of a run may go; judged before anything is read."""

from __future__ import annotations

from collections.abc import Iterable
from os.path import realpath  # unlike Path.resolve it bears links that go round in circles
from pathlib import Path

from medddim.errors import WriteRefused


def require_outside(destination: Path, paths: Iterable[Path]) -> None:
    """Raise WriteRefused if `destination` is, or lies in, one of the folders with the scans."""
    target = Path(realpath(destination))
    for path in paths:
        folder = Path(realpath(path))
        if folder.is_dir() and (target == folder or folder in target.parents):
            raise WriteRefused(
                f"the output folder {destination} is, or lies in, the input folder {path}; "
                "choose one beside it"
            )


def require_beside(destination: Path, paths: Iterable[Path]) -> None:
    """As `require_outside`, and raise WriteRefused if `destination` holds what is given.

    The results would lie among scans, and the folder given next would take them for such.
    """
    paths = list(paths)
    require_outside(destination, paths)
    target = Path(realpath(destination))
    for path in paths:
        place = Path(realpath(path))
        if target in place.parents:
            folder = path if place.is_dir() else path.parent
            other = (folder.parent if folder.name else "..") / Path(f"{_name(folder)}-results")
            raise WriteRefused(
                f"the output folder {destination} holds the input {path}, so results would lie "
                f"among scans; choose one that holds results alone, such as {other}"
            )


def _name(folder: Path) -> str:
    return Path(realpath(folder)).name
