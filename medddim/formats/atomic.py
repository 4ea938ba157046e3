"""Files and folders that appear under their final name only when they are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from medddim.errors import EnvironmentProblem, WriteRefused


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A stream to write `path` with; nothing is left of it if the block fails.

    Raises WriteRefused if the file exists, EnvironmentProblem if the disk does not take it.
    """
    with _partial(path) as partial:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """An empty folder to fill, which becomes `path` at the end, in one rename; else as new_file."""
    with _partial(path) as partial:
        partial.mkdir()
        yield partial
        for file in partial.iterdir():
            _sync(file)


@contextmanager
def _partial(path: Path) -> Iterator[Path]:
    _require_absent(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(partial)  # what a killed run left behind
        yield partial
        _require_absent(path)
        partial.rename(path)
        _sync(path.parent)
    except OSError as problem:
        raise EnvironmentProblem(
            f"{path} could not be written: {problem.strerror}; free or choose another place"
        ) from problem
    finally:
        _remove(partial)


def _require_absent(path: Path) -> None:
    if os.path.lexists(path):
        raise WriteRefused(f"{path} is there already; remove it or choose another folder")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
