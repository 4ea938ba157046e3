"""The exceptions of medddim.

MedddimError
├── ScanError                  something about a scan a user gave
│   ├── UnreadableScan         the file is broken, truncated, hostile or not an image
│   ├── UnsupportedScan        a sound file of a kind medddim does not enhance
│   ├── IrregularGeometry      slices missing, doubled, tilted, unevenly spaced
│   └── GridMismatch           two volumes that had to share a grid do not
├── RequestProblem             arguments out of range, or that do not go together
├── WriteRefused               writing would lose, overwrite or misplace something
├── RecipeError                a recipe with an unknown key or an impossible value
├── CheckpointError            weights missing, altered or of another architecture
│   └── UnknownModel           no model of this name, nor a folder with one
├── EnvironmentProblem         something the machine lacks: a package, a device, disk, memory
├── ScoreError                 a comparison without an answer: no range, an empty mask
└── DiffusionError             a request the mathematics cannot meet

A message says what was expected, what was found, in which file, and what to do. It never holds
patient data: files are named, attributes of the patient are not.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class MedddimError(Exception):
    """Base of every error medddim raises on purpose; a message of printable characters."""

    def __str__(self) -> str:
        # names of files come from strangers: a control character would act on the terminal
        said = super().__str__()
        return "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in said
        )


class ScanError(MedddimError):
    """Something about a scan a user gave."""


class UnreadableScan(ScanError):
    """The file is broken, truncated, hostile or not an image."""


class UnsupportedScan(ScanError):
    """A sound file of a kind medddim does not enhance."""


class IrregularGeometry(ScanError):
    """Slices that do not form one regular grid."""


class GridMismatch(ScanError):
    """Two volumes that had to share a grid do not."""


class RequestProblem(MedddimError, ValueError):
    """Arguments out of range, or that do not go together; a usage error of the command line."""


class WriteRefused(MedddimError):
    """Writing would lose, overwrite or misplace something."""


class RecipeError(MedddimError):
    """A recipe with an unknown key or an impossible value."""


class CheckpointError(MedddimError):
    """Weights that are missing, altered or of another architecture."""


class UnknownModel(CheckpointError):
    """No model of this name, nor a folder with one; a usage error of the command line."""


class EnvironmentProblem(MedddimError):
    """Something the machine lacks: a package, a device, disk, memory."""


class ScoreError(MedddimError, ValueError):
    """A comparison without an answer: a range of 0, an empty mask."""


class DiffusionError(MedddimError, ValueError):
    """A request the mathematics cannot meet, such as eps-prediction where alpha is 0."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The end of a message about a name that is not known: "; did you mean X?", or nothing."""
    from difflib import get_close_matches

    near = get_close_matches(given, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


NAMES_LOOKED_AT = 10_000
"""Names of one folder among which the nearest is looked for: a person waits for the answer."""


NOT_FETCHED = "it is a link to a file that is not here: fetch that (`datalad get`), or remove it"


def nearest_path(given: Path) -> str:
    """The end of a message about a path that does not exist: "; did you mean X?", or nothing.

    X is `given` as far as it is there, and then the name nearest to that which is not. Of a link to
    nothing it says what to do.
    """
    from difflib import get_close_matches
    from itertools import islice

    if given.is_symlink():
        return f"; {NOT_FETCHED}"
    missing = given
    while not missing.parent.exists() and missing.parent != missing:
        missing = missing.parent
    try:
        there = [path.name for path in islice(missing.parent.iterdir(), NAMES_LOOKED_AT)]
    except OSError:  # it is no folder, or may not be listed
        return ""
    names = {name.casefold(): name for name in sorted(there, reverse=True)}
    near = get_close_matches(missing.name.casefold(), names, n=1)
    return f"; did you mean {missing.with_name(names[near[0]])}?" if near else ""


def trace(problem: BaseException) -> str:
    """Where `problem` and what led to it were raised, for a log.

    Only messages of medddim's own are shown: others may quote the header of a file.
    """
    stated = str(problem) if isinstance(problem, MedddimError) else "(message left out)"
    frames = "".join(traceback.format_tb(problem.__traceback__))
    earlier = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)
    before = f"{trace(earlier)}\nwhich led to\n" if earlier else ""
    return f"{before}{frames}{type(problem).__name__}: {stated}"
