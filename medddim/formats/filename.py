"""Names of results by a template of the user's, in the letters that dcm2niix has for `-f`."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from medddim.errors import EnvironmentProblem, RequestProblem, ScanError
from medddim.formats.contract import Series
from medddim.formats.naming import safe_name

Attributes = Callable[[Series, Collection[str]], Mapping[str, Sequence[str]]]
"""What a header says of one series, by DICOM keyword."""

LETTERS = {
    "d": ("SeriesDescription",),
    "e": ("EchoNumbers", "EchoNumber"),
    "p": ("ProtocolName",),
    "s": ("SeriesNumber",),
    "z": ("SequenceName",),
}
PATIENT = "in"
LEGEND = (
    "%b the scan's own name, %f the folder it lies in, %d description, %e echo number, "
    "%p protocol, %s series number, %z sequence name, %% a percent sign; / begins a folder"
)
_TOKEN = re.compile(r"%(.?)")


def require_template(template: str) -> None:
    """Raise RequestProblem, with the letters there are, for a template that has others."""
    for letter in _TOKEN.findall(template):
        if letter in tuple(PATIENT):
            raise RequestProblem(
                f"%{letter} would put the patient into the names of files; expected of {LEGEND}"
            )
        if letter not in ("b", "f", "%", *LETTERS):
            raise RequestProblem(f"%{letter} in {template!r} has no meaning; expected of {LEGEND}")
    if template and not all(part.strip() for part in template.split("/")):
        raise RequestProblem(
            f"expected names between the slashes of {template!r}, such as %f/%b; {LEGEND}"
        )


def filled(template: str, series: Series, attributes: Attributes) -> str:
    """The name of `series` by `template`: safe names joined by "/"; what is absent is left out."""
    wanted = {word for letter in _TOKEN.findall(template) for word in LETTERS.get(letter, ())}
    try:
        there = attributes(series, wanted) if wanted else {}
    except (ScanError, EnvironmentProblem):  # it is refused when it is read
        there = {}
    known = {
        letter: "_".join(next((there[word] for word in words if word in there), ()))
        for letter, words in LETTERS.items()
    }
    known |= {"b": series.name.rpartition("/")[2], "f": _folder(series), "%": "%"}
    # letters before slashes: those of a description are no folders
    parts = (_TOKEN.sub(lambda token: known[token[1]], part) for part in template.split("/"))
    return "/".join(map(safe_name, parts))


def _folder(series: Series) -> str:
    """The name of the folder that a scan lies in; of a DICOM series, that its own lies in."""
    place = Path(series.shown(series.files[0].absolute()))
    return (place.parent.parent if series.format == "dicom" else place.parent).name
