"""Names of results: they mirror the input's own names and are safe on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from medddim.errors import WriteRefused
from medddim.formats.contract import Series

LONGEST_NAME = 128
PORTS = (f"{port}{number}" for port in ("COM", "LPT") for number in range(10))
DEVICES = {"CON", "PRN", "AUX", "NUL", *PORTS}
"""Names that Windows gives to no file, whatever follows behind a dot."""

FOLDERS = "dicom"
"""The format whose results are folders."""

RECORDS = {"medddim.json", "medddim.jsonl", "medddim.lock"}
"""What a run itself writes into the folder of the results."""


def short_hash(text: str) -> str:
    """Eight hexadecimal digits that stand for `text` without telling it."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def safe_name(*parts: str) -> str:
    """`parts` joined by "_", reduced to letters, digits and "._-", at most 128 characters long.

    Letters of ASCII; others lose their accents, or are left out.
    """
    joined = "_".join(part for part in parts if part)
    plain = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFD", joined))
    slug = re.sub(r"[^A-Za-z0-9._-]+", "_", plain).strip("._-")
    if slug.split(".")[0].upper() in DEVICES or slug.lower() in RECORDS:
        slug = f"_{slug}"
    if not slug or len(slug) > LONGEST_NAME:
        slug = f"{slug[: LONGEST_NAME - 9]}-{short_hash(joined)}".lstrip("-")
    return slug


def relative_name(path: Path, root: Path) -> str:
    """The place of `path` relative to `root`, which may be `path` itself: safe names and "/"."""
    if path == root:
        return safe_name(path.resolve().name)
    return "/".join(map(safe_name, path.relative_to(root).parts))


def with_distinct_names(found: Iterable[Series], roots: Iterable[Path] = ()) -> list[Series]:
    """The same series, each with a place of its own; those that cannot have one are refused.

    Scans below one of the `roots` that share a name get a short hash of where they lie behind it,
    and so does a DICOM series, whose result is a folder, where others have their place in that.
    Scans of one name that were given apart are refused: which name each has must not depend on
    what else was given. Letter case does not tell two names apart, as on the file systems of
    Windows and macOS.
    """
    folders = [root for root in roots]
    hashed = [replace(one, name=name) for one, name in _hashed(list(found), folders)]
    sharing = _sharing(hashed)
    return [replace(one, refusal=one.refusal or _clash(sharing[_key(one)])) for one in hashed]


def _hashed(series: list[Series], roots: list[Path]) -> Iterator[tuple[Series, str]]:
    sharing = _sharing(series)
    inner = {str(parent).lower() for one in series for parent in PurePosixPath(one.name).parents}
    for one in series:
        others = sharing[_key(one)]
        together = len(others) > 1 and any(_all_below(root, others) for root in roots)
        holds = one.format == FOLDERS and _key(one) in inner
        yield one, f"{one.name}-{short_hash(_seen(one))}" if together or holds else one.name


def _sharing(series: list[Series]) -> dict[str, list[Series]]:
    groups: dict[str, list[Series]] = {}
    for one in series:
        groups.setdefault(_key(one), []).append(one)
    return groups


def _key(one: Series) -> str:
    return one.name.lower()


def _place(one: Series) -> Path:
    return Path(one.shown(one.files[0].absolute()))


def _all_below(root: Path, series: list[Series]) -> bool:
    return all(_place(one).is_relative_to(root.absolute()) for one in series)


def _seen(one: Series) -> str:
    """As much of a scan's own path as its name tells of, and its part: no matter where it lies."""
    depth = one.name.count("/") + (2 if one.format == FOLDERS else 1)
    return f"{'/'.join(_place(one).parts[-depth:])} {one.part or ''}"


def _clash(sharing: list[Series]) -> str:
    """Why scans that share a name are refused; empty for one that is alone."""
    if len(sharing) == 1:
        return ""
    there = ", ".join(str(_place(one)) for one in sharing[:3])
    more = ", ..." if len(sharing) > 3 else ""
    return (
        f"{len(sharing)} scans would have the result {sharing[0].name!r} ({there}{more}): give the "
        "folder above them all, or name results by more than that, as with -f %f_%b"
    )


def require_file_name(name: str) -> None:
    """Raise WriteRefused unless `name` can be one file name, or several joined by "/"."""
    for part in name.split("/"):
        if not part or part in {".", ".."} or re.search(r"[\\\0]", part):
            raise WriteRefused(f"expected a plain file name for the result, found {name!r}")
