"""The DICOM series in a folder, each with a verdict."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset

from medddim.digest import sha256_of
from medddim.errors import EnvironmentProblem, IrregularGeometry, ScanError, UnreadableScan
from medddim.formats.contract import NO_REPAIR, Repair, Series
from medddim.formats.dicom.files import (
    ONE_EACH,
    Header,
    attributes_named,
    common_folder,
    read_header,
    scan,
)
from medddim.formats.dicom.frames import frame_dataset, frames_of, is_enhanced
from medddim.formats.dicom.geometry import Grid, grids_of
from medddim.formats.dicom.kind import require_supported, set_aside, term
from medddim.formats.dicom.media import is_directory
from medddim.formats.dicom.planes import without_strays
from medddim.formats.dicom.weighting import diffusion_notes
from medddim.formats.guard import reading, require_moderate_size, require_sound_affine
from medddim.formats.naming import relative_name, safe_name, short_hash

LONGEST_NUMBER = 8
"""Digits of a SeriesNumber that may stand in a name: more of them may be somebody's number."""


def find_series(
    roots: Sequence[Path], repair: Repair = NO_REPAIR, modality: str = ""
) -> list[Series]:
    """One Series for each SeriesInstanceUID, and one for each broken file, in a stable order.

    A series that `repair` splits is several. `roots` are all absolute, or none is. Of a series
    whose header states another `modality` than this one the geometry is not looked at.
    """
    groups: dict[str, list[Header]] = defaultdict(list)
    refused: list[Series] = []
    stack_by = attributes_named(repair.stack_by)
    places = [(root.parent if is_directory(root) else root, root) for root in roots]
    for base, (path, found) in (
        (base, one) for base, root in places for one in scan(root, stack_by)
    ):
        if isinstance(found, ScanError | EnvironmentProblem):
            refused.append(_refused_file(path, base, str(found)))
        elif uid := str(found.dataset.get("SeriesInstanceUID") or ""):
            groups[uid].append(found)
        else:
            reason = (
                f"{path}: expected a SeriesInstanceUID, found none, so what belongs to it is "
                "unknown; get the file again from its source"
            )
            refused.append(_refused_file(path, base, reason))
    groups = {uid: _each_once(headers) for uid, headers in groups.items()}
    folders = {uid: common_folder(headers) for uid, headers in groups.items()}
    which = _distinct(groups, folders)
    bases = [base for base, _ in places]
    series = [
        one
        for uid, headers in groups.items()
        for one in _describe(
            headers,
            _name(
                uid,
                folders,
                bases,
                which=which[uid],
                image=headers[0].path if len(headers) == 1 else None,
            ),
            repair,
            modality,
        )
    ]
    return sorted(series + refused, key=lambda one: (one.files, one.part))


def examine(files: Sequence[Path], repair: Repair = NO_REPAIR) -> list[Grid]:
    """The grids these files form. Raises the ScanError that says why they do not form one."""
    stack_by = attributes_named(repair.stack_by)
    return _examine([read_header(path, stack_by) for path in files], repair)


def attributes(series: Series, keywords: Collection[str]) -> dict[str, list[str]]:
    """The values of these attributes in the first file of a series; absent ones are left out."""
    path = series.files[0]
    read_header(path)  # refuses what would do harm
    with reading(path, "DICOM"):
        dataset: Dataset = pydicom.dcmread(path, stop_before_pixels=True)
        if is_enhanced(dataset):  # by what its first frame says, as a classic image would
            dataset = frame_dataset(dataset, 0)
        values = {keyword: dataset.get(keyword) for keyword in keywords if keyword in dataset}
        return {
            keyword: [str(one) for one in ([value] if isinstance(value, str) else np.ravel(value))]
            for keyword, value in values.items()
        }


def _examine(headers: Sequence[Header], repair: Repair) -> list[Grid]:
    whole = _without_copies(headers)
    frames = [frame for header in whole for frame in frames_of(header)]
    images, notes = set_aside(frames)
    for frame in images:
        require_supported(frame)
    images, strays = without_strays(images)
    kept = {image.path for image in images}
    whole = [header for header in whole if header.path in kept]
    _require_one_series(whole)
    _require_all_parts(whole)
    try:
        grids = grids_of(images, repair)
    except IrregularGeometry:
        for frame in frames if notes else ():
            require_supported(frame)  # what was left out may be what is missing
        raise
    for grid in grids:
        require_moderate_size((*grid.shape, len(grid.stacks)), grid.headers[0].path)
        require_sound_affine(grid.affine, grid.headers[0].path)
    with reading(images[0].path, "DICOM"):
        weighting = [tuple(diffusion_notes(grid.stacks)) for grid in grids]
    return [
        replace(grid, notes=(*notes, *strays, *stated))
        for grid, stated in zip(grids, weighting, strict=True)
    ]


def _without_copies(headers: Sequence[Header]) -> list[Header]:
    """Drop identical files; raise IrregularGeometry if one SOPInstanceUID names two images.

    UnreadableScan for an image without one.
    """
    kept: dict[str, Header] = {}
    for header in headers:
        uid = str(header.dataset.get("SOPInstanceUID") or "")
        if not uid:
            raise UnreadableScan(
                f"{header.path}: expected a SOPInstanceUID, found none, so no result could name "
                "its source; get the file again from its source"
            )
        if uid in kept and sha256_of(kept[uid].path) != sha256_of(header.path):
            for frame in frames_of(header):  # what is no image at all is said first
                require_supported(frame)
            raise IrregularGeometry(
                f"{kept[uid].path} and {header.path} carry one SOPInstanceUID but differ; "
                "remove the one that does not belong"
            )
        kept.setdefault(uid, header)
    return list(kept.values())


def _require_one_series(headers: Sequence[Header]) -> None:
    """Raise IrregularGeometry for files of two patients, studies or scales of grey."""
    first = headers[0]
    for header, tag in product(headers[1:], ONE_EACH):
        one, other = (str(each.dataset.get(tag) or "") for each in (first, header))
        if one != other:  # said without the values: a PatientID stays out of messages
            raise IrregularGeometry(
                f"{tag} differs in one series: {header.path} against {first.path}; remove the "
                "files that do not belong"
            )


def _require_all_parts(headers: Sequence[Header]) -> None:
    """Raise IrregularGeometry if a file of a concatenation is missing (PS3.3 C.7.6.16)."""
    parts: dict[str, list[Header]] = defaultdict(list)
    for header in headers:
        if uid := str(header.dataset.get("ConcatenationUID") or ""):
            parts[uid].append(header)
    for found in parts.values():
        with reading(found[0].path, "DICOM"):
            numbers = {int(each.dataset.get("InConcatenationNumber") or 0) for each in found}
            said = max(int(each.dataset.get("InConcatenationTotalNumber") or 0) for each in found)
        total = max(said, *numbers)
        if missing := set(range(1, total + 1)) - numbers:
            raise IrregularGeometry(
                f"{found[0].path}: expected {total} files, for it is one of so many that are one "
                f"image (a concatenation); part {min(missing)} is missing; add the missing files"
            )


def _describe(
    headers: Sequence[Header], name: str, repair: Repair, wanted: str = ""
) -> list[Series]:
    files = tuple(header.path for header in headers)
    said = str(headers[0].dataset.get("Modality") or "")
    modality = said and term(said)
    if wanted and modality not in ("", wanted):
        return [Series("dicom", name, files, modality, repair=repair)]
    try:
        grids = _examine(headers, repair)
    except (ScanError, EnvironmentProblem) as refusal:
        return [Series("dicom", name, files, modality, refusal=str(refusal), repair=repair)]
    names = [name] if len(grids) == 1 else [f"{name}_part{n + 1}" for n in range(len(grids))]
    return [
        Series("dicom", name, files, modality, facts=_facts(grid), repair=repair, part=part)
        for part, (name, grid) in enumerate(zip(names, grids, strict=True))
    ]


def _facts(grid: Grid) -> dict[str, Any]:
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    dataset = grid.headers[0].dataset
    sign = "int" if dataset.get("PixelRepresentation") else "uint"
    stacks = len(grid.stacks)
    facts = {
        "shape": grid.shape,
        "spacing_mm": tuple(round(float(s), 4) for s in spacing),
        "stored": f"{sign}{dataset.get('BitsAllocated')}",
        "kind": f"stack of {stacks}" if stacks > 1 else "volume",
        "transfer_syntax": grid.headers[0].syntax.name,
    }
    if grid.split_by:
        facts["stacked_by"] = grid.split_by
    if grid.repairs:
        facts["repairs"] = list(grid.repairs)
    if grid.notes:
        facts["notes"] = list(grid.notes)
    return facts


def _refused_file(path: Path, root: Path, reason: str) -> Series:
    bare = path.with_suffix("")
    return Series("dicom", relative_name(bare, bare if path == root else root), (path,), "", reason)


def _each_once(headers: Sequence[Header]) -> list[Header]:
    """The same, without what two of the paths given lead to."""
    return list({os.path.abspath(header.path): header for header in headers}.values())


def _distinct(
    groups: Mapping[str, Sequence[Header]], folders: Mapping[str, Path]
) -> dict[str, str]:
    """What sets a series apart from others of its folder: its number, else a hash of its UID.

    Descriptions are free text: somebody may have typed a name.
    """
    number = {uid: _number(headers[0]) for uid, headers in groups.items()}
    count = Counter((folders[uid], number[uid]) for uid in groups)
    return {
        uid: f"series{number[uid]}"
        if number[uid] and count[folders[uid], number[uid]] == 1
        else short_hash(uid)
        for uid in groups
    }


def _number(header: Header) -> str:
    """The SeriesNumber, if it is one."""
    said = str(header.dataset.get("SeriesNumber") or "").strip()
    sound = said.isascii() and said.isdigit() and len(said) <= LONGEST_NUMBER
    return str(int(said)) if sound else ""


def _name(
    uid: str, folders: Mapping[str, Path], bases: Sequence[Path], *, which: str, image: Path | None
) -> str:
    """The folder's name; with `which` series behind it if the folder holds others too.

    Relative to the first of `bases` that holds it. An `image` named by itself has its file's name.
    """
    folder = folders[uid]
    base = next((base for base in bases if folder.is_relative_to(base)), None)
    if base is None and image:
        return safe_name(image.stem)
    name = relative_name(folder, base or folder)
    alone = not any(other.is_relative_to(folder) for key, other in folders.items() if key != uid)
    return name if alone else f"{name}-{which}"
