"""dciodvfy and dcentvfy of dicom3tools, where they are installed: a second opinion on DICOM."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

VALIDATORS = ("dciodvfy", "dcentvfy")
"""One reads each file against the standard, the other compares the files of one patient."""

SECONDS = 120
"""No file takes a validator so long; one that does is not judged by it."""
AT_ONCE = 8
"""Calls of dciodvfy, which takes one file each."""


def missing() -> list[str]:
    """Those not on the PATH."""
    return [name for name in VALIDATORS if shutil.which(name) is None]


def dciodvfy(files: Iterable[Path]) -> str:
    """What breaks the standard in these files, "" if nothing does. Values are not quoted."""
    return "; ".join(f"{error} ({count} files)" for error, count in kinds_of(files).items())


def kinds_of(files: Iterable[Path]) -> Counter[str]:
    """Each kind of error that dciodvfy finds, and in how many of the files."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda file: _once(_errors("dciodvfy", [file])), files)
        return Counter(kind for kinds in found for kind in kinds)


def dcentvfy(files: Sequence[Path]) -> str:
    """What these files, of one patient, say differently; "" if nothing. Values are not quoted."""
    # its warnings are of attributes that only one of two files has, as is right for a result
    return "; ".join(_once(_errors("dcentvfy", files)))


def _once(lines: Iterable[str]) -> dict[str, None]:
    """Each kind of complaint, in the order in which they come."""
    return dict.fromkeys(map(_plain, lines))


def set_apart(found: str, in_source: str) -> tuple[str, str]:
    """What is wrong with a result alone, and what of it is wrong with its source already."""
    known = set(map(_kind, in_source.split("; ")))
    each = [one for one in found.split("; ") if one]
    mine, theirs = ([one for one in each if (_kind(one) in known) is had] for had in (False, True))
    return "; ".join(mine), "; ".join(map(_kind, theirs))


def _kind(complaint: str) -> str:
    return re.sub(r" \(\d+ files\)$", "", complaint)


def _errors(name: str, files: Sequence[Path]) -> list[str]:
    program = shutil.which(name)
    if program is None:
        return []
    command = [program, *(str(file.resolve()) for file in files)]
    try:
        done = subprocess.run(  # noqa: S603 - a program of the PATH, and no shell
            command, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return [f"Error - {name} found no end"]
    lines = (done.stdout + done.stderr).decode("utf-8", "replace").splitlines()
    return [line for line in lines if line.startswith("Error")]


def _plain(line: str) -> str:
    """The kind of complaint and the attribute it is about: the rest may quote the header."""
    element = re.search(r"Element=<(\w+)>", line)
    line = re.sub(r" *\b\d+(?:\.\d+){3,}", "", line)  # UIDs
    kind = re.split(r"[\"<=\[(]| for file | Element", line.partition(" - ")[2], maxsplit=1)[0]
    return f"{kind.strip(' -')} ({element[1]})" if element else kind.strip(" -")
