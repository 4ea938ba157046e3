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
