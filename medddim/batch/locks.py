"""Who may write to an output folder: one run alone, or the shards of one run side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from medddim.errors import EnvironmentProblem, RequestProblem, WriteRefused

LOCK = "medddim.lock"
PATIENCE_S = 60.0
"""How long a shard waits for another that looks for locks, or writes the manifest."""


@dataclass(frozen=True)
class Shard:
    """One of `count` runs that share a folder of scans and a folder of results; the first is 1.

    A scan belongs to a shard by its name alone, so that shards which start at different times, and
    find more scans or fewer, never do the same one.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard as "3/8". Raises RequestProblem for anything else."""
        found = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
        shard = cls(int(found[1]), int(found[2])) if found else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise RequestProblem(
                f"expected a shard such as 3/8, the third of eight, found {text!r}"
            )
        return shard

    @property
    def part(self) -> str:
        """What its record and its lock are called."""
        return f"{self.number}-of-{self.count}"

    def holds(self, name: str) -> bool:
        """Whether the scan of this name is one of its own."""
        return int(sha256(name.encode()).hexdigest()[:15], 16) % self.count == self.number - 1


@contextmanager
def locked(destination: Path, part: str = "") -> Iterator[None]:
    """Make the folder, and hold it: alone, or as the shard `part` of one division.

    Raises WriteRefused at once if a run that is in the way holds it, EnvironmentProblem if the
    folder cannot be made or written to.
    """
    try:
        destination.mkdir(parents=True, exist_ok=True)
        with ExitStack() as held:
            held.enter_context(_held(destination, part))
            # its own lock first, then those of the others: of two that start at once, one at
            # least sees the other
            for other in sorted(destination.glob("medddim.*.lock")):
                stated = other.name.removeprefix("medddim.").removesuffix(".lock")
                if stated != part and stated.partition("-of-")[2] != part.partition("-of-")[2]:
                    held.enter_context(_held(destination, stated))
            if part:
                with _held(destination, "", wait=PATIENCE_S):
                    pass
            yield
    except Timeout:
        raise WriteRefused(
            f"another run is writing to {destination}; wait until it ends, or choose another folder"
        ) from None
    except OSError as problem:
        if problem.strerror is None:  # of no file: a library's own kind
            raise
        raise EnvironmentProblem(
            f"{problem.filename or destination}: cannot be written: {problem.strerror}; "
            "free or choose another place"
        ) from problem


@contextmanager
def manifest_locked(destination: Path, part: str) -> Iterator[None]:
    """Hold the manifest, which the shards of one run write one after the other."""
    if not part:
        yield
        return
    with _held(destination, "", wait=PATIENCE_S):
        yield


def _held(destination: Path, part: str, *, wait: float = 0) -> FileLock:
    name = LOCK.replace(".", f".{part}.", 1) if part else LOCK
    return FileLock(destination / name, timeout=wait)
