"""What a tool measured of a model, in a JSON file beside its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from medddim.errors import CheckpointError

Kind = TypeVar("Kind")


def read(path: Path, kind: type[Kind], *, by: str) -> Kind | None:
    """The record of `kind`, a dataclass, that the tool `by` wrote; None where there is none.

    Raises CheckpointError for a file that holds anything else.
    """
    if not path.is_file():
        return None
    there = path.stat()
    key = (path, there.st_mtime_ns, there.st_size)
    if key not in _known:  # every scan of a folder asks
        _known[key] = _read(path, kind, by=by)
    return cast(Kind, _known[key])


_known: dict[tuple[Path, int, int], Any] = {}
"""What was read of files, by when they were changed last, and their size."""


def _read(path: Path, kind: type[Kind], *, by: str) -> Kind:
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as problem:
        raise CheckpointError(
            f"{path}: expected what {by} writes; entries missing or of another kind: "
            f"{problem.error_count()}; make it again, or remove it"
        ) from problem
