"""What a tool measured of a model, in a JSON file beside its weights."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TypeVar

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
    return _read(path, kind, by, (there.st_mtime_ns, there.st_size))


@lru_cache(maxsize=16)  # every scan of a folder asks
def _read(path: Path, kind: type[Kind], by: str, changed: tuple[int, int]) -> Kind:
    """What the file holds that was `changed` last at that time, to that size."""
    try:
        return TypeAdapter(kind).validate_json(path.read_bytes())
    except ValidationError as problem:
        raise CheckpointError(
            f"{path}: expected what {by} writes; entries missing or of another kind: "
            f"{problem.error_count()}; make it again, or remove it"
        ) from problem
