"""The files beside a scan of one file: its JSON file of BIDS or dcm2niix, b-values and directions.

What the JSON file says of a scan is read from it, and, in a BIDS data set, from those further up
that hold for it too (the inheritance principle). All of it goes along with a result, the JSON file
changed where the result makes it wrong.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from medddim import __version__
from medddim.volume import Derivation, Volume

log = logging.getLogger(__name__)

TABLES = (".bval", ".bvec", ".bvals", ".bvecs", ".eddy_rotated_bvecs", ".voxel_space.bvecs", ".b")
"""Text files with a column for each volume (FSL, BIDS, FreeSurfer), or a line (.b of MRtrix)."""
SPELT = ("{stem}_{bare}.txt", "{stem}.nii{ending}", "{stem}{upper}")
"""How else the name of such a file is made of that of its scan."""
BESIDE = (".json", *TABLES)
MOST_BYTES = 2**24
LEVELS = 6
"""So far up a BIDS data set is looked for: data set, derivatives, pipeline, sub-, ses-, anat."""

PERSONAL = re.compile(
    r"(Other|IssuerOf)?Patient(?!Position).*|.*(Physician|Physicians|Operators?)s?Name|.*UID|.*Date"
    r"|(Acquisition|Series|Study|Content|Instance)(Date)?Time|AccessionNumber|StudyID|DeviceSerial.*"
)
"""Keys that name a person, or a day and hour by which one is found; dcm2niix writes few of them."""
OF_THE_GRID = {
    "SliceTiming", "EffectiveEchoSpacing", "DerivedVendorReportedEchoSpacing", "ReconMatrixPE",
    "BaseResolution",
}  # fmt: skip
"""Each slice's time, and what counts voxels: wrong on another grid."""
MAKER = "medddim"
TAGLINE = {
    "identity": "unchanged copy",
    "denoise": "AI denoised",
    "superresolve": "AI super-resolved",
    "degrade": "degraded",
}
"""What stands behind the SeriesDescription of a result in DICOM."""

Said = dict[str, Any]


@dataclass(frozen=True)
class Sidecars:
    """What lies beside a scan: what the JSON files say, and the text files by their ending."""

    said: Said = field(default_factory=dict)
    tables: dict[str, bytes] = field(default_factory=dict)


def said_of(path: Path, stem: str) -> Said:
    """What the JSON files that hold for this scan say; `stem` is its name without the ending."""
    merged: Said = {}
    for file in _inherited(path, stem, ".json"):
        merged |= _json(file)
    return merged


def sidecars_of(path: Path, stem: str, volumes: int) -> Sidecars:
    """All that lies beside this scan and belongs to it.

    A table that names no scan (`bvals`, as FSL wants it) belongs to one of as many volumes.
    """
    tables: dict[str, bytes] = {}
    for ending in TABLES:
        for file in (*_near(path, stem, ending), *_inherited(path, stem, ending)):
            if file.stat().st_size > MOST_BYTES:
                continue
            text = file.read_bytes()
            if file.name != ending[1:] or len(text.split()) in (volumes, 3 * volumes):
                tables[ending] = text
    return Sidecars(said_of(path, stem), tables)


def is_made_here(said: Said) -> str:
    """The kind of result this JSON file describes, if medddim has made it; else ""."""
    made = said.get("GeneratedBy")
    for one in reversed(made if isinstance(made, list) else []):
        if isinstance(one, dict) and one.get("Name") == MAKER:
            if kind := kind_of(str(one.get("Description", ""))):
                return kind
    return kind_described(str(said.get("SeriesDescription", "")))


def kind_of(note: str) -> str:
    """The kind of result that `note_of` speaks of; "" for any other text."""
    found = re.match(rf"{MAKER} (\w+):", note)
    return found[1] if found else ""


def kind_described(description: str) -> str:
    """The same by a SeriesDescription, where dcm2niix writes _ for each blank."""
    words = " - " + description.replace("_", " ")
    return next((kind for kind, said in TAGLINE.items() if words.endswith(f" - {said}")), "")


def note_of(derivation: Derivation) -> str:
    """What a result says of its making, in one line."""
    return f"{MAKER} {derivation.kind}: {' '.join(derivation.summary.split())}"


def updated(
    said: Said, result: Volume, derivation: Derivation, *, same_grid: bool
) -> tuple[Said, list[str]]:
    """The JSON file of a result, and what of its source's is not in it, described in words."""
    left = [key for key in said if PERSONAL.fullmatch(key)]
    wrong = [] if same_grid else sorted(OF_THE_GRID & set(said))
    new = {key: value for key, value in said.items() if key not in (*left, *wrong)}
    kinds = new.get("ImageType")
    if isinstance(kinds, list) and kinds:
        new["ImageType"] = ["DERIVED", *kinds[1:]]
    if not same_grid:
        thickness = round(result.spacing_mm[result.slice_axis], 6)
        new |= {key: thickness for key in ("SliceThickness", "SpacingBetweenSlices") if key in new}
    if result.in_hu:
        new["Modality"] = result.modality or "CT"
    before = new.get("GeneratedBy")
    made = {"Name": MAKER, "Version": __version__, "Description": note_of(derivation)}
    new["GeneratedBy"] = [*(before if isinstance(before, list) else []), made]
    notes = []
    if left:
        notes.append(f"{len(left)} keys of the JSON file that may identify a person were left out")
    if wrong:
        notes.append(f"left out of the JSON file, as the grid changed: {', '.join(wrong)}")
    return new, notes


def text_of(said: Said) -> bytes:
    """The JSON file."""
    return (json.dumps(said, indent=2) + "\n").encode()


def warn_of_other_counts(tables: dict[str, bytes], volumes: int, path: Path) -> None:
    """Log it if the b-values beside a scan are not as many as its volumes."""
    for ending in {".bval", ".bvals"} & set(tables):
        count = np.array(tables[ending].split()).size
        if count != volumes:
            log.warning("%s: %d b-values beside a scan of %d volumes", path, count, volumes)


def _near(path: Path, stem: str, ending: str) -> Iterator[Path]:
    """The files in the scan's folder that are named otherwise, those that name no scan first."""
    bare = ending[1:]
    named = (one.format(stem=stem, ending=ending, bare=bare, upper=ending.upper()) for one in SPELT)
    yield from filter(Path.is_file, map(path.with_name, (bare, *named)))


def _inherited(path: Path, stem: str, ending: str) -> Iterator[Path]:
    """The files that hold for this scan, from the top of its BIDS data set down to its own."""
    own = path.with_name(stem + ending)
    for folder in reversed(_folders_above(path)):
        for file in sorted(folder.glob(f"*{ending}")):
            if file != own and _holds_for(file.name.removesuffix(ending), stem):
                yield file
    if own.is_file():
        yield own


def _folders_above(path: Path) -> list[Path]:
    """From the scan's own folder up to the data set it belongs to; none if it belongs to none."""
    folders = list(path.absolute().parents)[:LEVELS]
    for count, folder in enumerate(folders, 1):
        if (folder / "dataset_description.json").is_file():
            return folders[:count]
    return []


def _holds_for(name: str, stem: str) -> bool:
    """Whether the entities of `name` are among those of the scan, and the suffix is the same."""
    (*entities, suffix), (*its, its_suffix) = name.split("_"), stem.split("_")
    return suffix == its_suffix and set(entities) <= set(its) and "-" not in suffix


def _json(path: Path) -> Said:
    try:
        if path.stat().st_size > MOST_BYTES:
            return {}
        said = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
