"""Files and folders that appear under their final name only when they are complete."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from secrets import token_hex
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
def new_files(path: Path) -> Iterator[Path]:
    """An empty folder for `path` and what belongs beside it, which all go there at the end.

    `path` appears last: while it is not there, the result is not. A file beside it that is there
    already, with the same content, was left by a killed run. Else as new_file.
    """
    moved: list[Path] = []
    with _partial(path, rename=False) as partial:
        partial.mkdir()
        yield partial
        beside = [path.with_name(file.name) for file in sorted(partial.iterdir())]
        new = [file for file in beside if file != path and not _is_left(partial / file.name, file)]
        try:
            for target in (*new, path):
                require_absent(target)
                _sync(partial / target.name)
                (partial / target.name).rename(target)
                moved.append(target)
        except BaseException:
            for target in moved:
                _remove(target)
            raise
        _sync(path.parent)


def _is_left(new: Path, there: Path) -> bool:
    return there.is_file() and there.read_bytes() == new.read_bytes()


@contextmanager
def _partial(path: Path, *, rename: bool = True) -> Iterator[Path]:
    require_absent(path)
    # a name of its own: a worker taken for dead may write the same file, and must not end as half
    # of it under the final name
    partial = path.with_name(f".{path.name}~{token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{escape(path.name)}~????????.partial"):
            _remove(left)  # what a killed run left behind
        yield partial
        if rename:
            require_absent(path)
            partial.rename(path)
            _sync(path.parent)
    except OSError as problem:
        raise EnvironmentProblem(
            f"{path} could not be written: {problem.strerror}; free or choose another place"
        ) from problem
    finally:
        _remove(partial)


def require_absent(path: Path) -> None:
    """Raise WriteRefused if there is anything at `path`."""
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
