"""Names of results: they mirror the input's own names and are safe on every file system."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from medddim.errors import WriteRefused
from medddim.formats.contract import Series

LONGEST_NAME = 128
PORTS = (f"{port}{number}" for port in ("COM", "LPT") for number in range(10))
DEVICES = {"CON", "PRN", "AUX", "NUL", *PORTS}
"""Names that Windows gives to no file, whatever follows behind a dot."""

RECORDS = {"medddim.json", "medddim.jsonl", "medddim.lock"}
"""What a run itself writes into the folder of the results."""


def short_hash(text: str) -> str:
    """Eight hexadecimal digits that stand for `text` without telling it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def safe_name(*parts: str) -> str:
    """`parts` joined by "_", reduced to letters, digits and "._-", at most 128 characters long."""
    joined = "_".join(part for part in parts if part)
    slug = re.sub(r"[^A-Za-z0-9._-]+", "_", joined).strip("._-")
    if slug.split(".")[0].upper() in DEVICES or slug.lower() in RECORDS:
        slug = f"_{slug}"
    if not slug or len(slug) > LONGEST_NAME:
        slug = f"{slug[: LONGEST_NAME - 9]}-{short_hash(joined)}".lstrip("-")
    return slug


def relative_name(path: Path, root: Path) -> str:
    """The safe name of `path` as seen from `root`, which may be `path` itself."""
    if path == root:
        return safe_name(path.resolve().name)
    return safe_name(*path.relative_to(root).parts)


def with_distinct_names(found: Iterable[Series]) -> list[Series]:
    """The same series; those that share a name get their folder before it.

    If that does not tell them apart, a short hash of their place stands behind it. Letter case does
    not tell two names apart, as on the file systems of Windows and macOS.
    """
    series = list(found)
    alone = _distinct(series)
    placed = [
        one if distinct else replace(one, name=safe_name(_folder(one), one.name))
        for one, distinct in zip(series, alone, strict=True)
    ]
    alone = _distinct(placed)
    return [
        one
        if distinct
        else replace(was, name=f"{was.name}-{short_hash(was.told(was.files[0].absolute()))}")
        for one, was, distinct in zip(placed, series, alone, strict=True)
    ]


def _distinct(series: list[Series]) -> list[bool]:
    """Whether each has a name of its own."""
    uses = Counter(one.name.lower() for one in series)
    return [uses[one.name.lower()] == 1 for one in series]


def _folder(series: Series) -> str:
    """The name of the folder that a scan lies in; of a DICOM series, that its own lies in."""
    return Path(series.told(series.files[0].absolute())).parent.name


def require_file_name(name: str) -> None:
    """Raise WriteRefused unless `name` can be one file name, and only that."""
    if not name or name in {".", ".."} or re.search(r"[/\\\0]", name):
        raise WriteRefused(f"expected a plain file name for the result, found {name!r}")
