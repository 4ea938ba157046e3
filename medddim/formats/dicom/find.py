"""The DICOM series in a folder, each with a verdict."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from medddim.errors import EnvironmentProblem, IrregularGeometry, ScanError
from medddim.formats.contract import Series
from medddim.formats.dicom.files import Header, read_header, scan
from medddim.formats.dicom.geometry import Grid, grid_of
from medddim.formats.dicom.kind import require_supported
from medddim.formats.guard import require_moderate_size
from medddim.formats.naming import relative_name, safe_name, short_hash


def find_series(root: Path) -> list[Series]:
    """One Series for each SeriesInstanceUID, and one for each broken file, in a stable order."""
    groups: dict[str, list[Header]] = defaultdict(list)
    refused: list[Series] = []
    for path, found in scan(root):
        if isinstance(found, ScanError):
            refused.append(_refused_file(path, root, str(found)))
        elif uid := str(found.dataset.get("SeriesInstanceUID") or ""):
            groups[uid].append(found)
        else:
            refused.append(_refused_file(path, root, f"{path}: it has no SeriesInstanceUID"))
    folders = {uid: _folder(headers) for uid, headers in groups.items()}
    series = [
        _describe(headers, _name(uid, headers, folders, root)) for uid, headers in groups.items()
    ]
    return sorted(series + refused, key=lambda one: one.files)


def examine(files: Sequence[Path]) -> Grid:
    """The grid these files form. Raises the ScanError that says why they do not form one."""
    return _examine([read_header(path) for path in files])


def _examine(headers: Sequence[Header]) -> Grid:
    for header in headers:
        require_supported(header)
    grid = grid_of(_without_copies(headers))
    require_moderate_size(grid.shape, grid.headers[0].path)
    return grid


def _without_copies(headers: Sequence[Header]) -> list[Header]:
    """Drop identical files; raise IrregularGeometry if one SOPInstanceUID names two images."""
    kept: dict[str, Header] = {}
    for header in headers:
        uid = str(header.dataset.get("SOPInstanceUID") or header.path)
        if uid in kept and _digest(kept[uid].path) != _digest(header.path):
            raise IrregularGeometry(
                f"{kept[uid].path} and {header.path} carry one SOPInstanceUID but differ; "
                "remove the one that does not belong"
            )
        kept.setdefault(uid, header)
    return list(kept.values())


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _describe(headers: Sequence[Header], name: str) -> Series:
    files = tuple(header.path for header in headers)
    modality = str(headers[0].dataset.get("Modality") or "")
    try:
        grid = _examine(headers)
    except (ScanError, EnvironmentProblem) as refusal:
        return Series("dicom", name, files, modality, refusal=str(refusal))
    return Series("dicom", name, files, modality, facts=_facts(grid))


def _facts(grid: Grid) -> dict[str, Any]:
    spacing = np.linalg.norm(grid.affine[:3, :3], axis=0)
    dataset = grid.headers[0].dataset
    sign = "int" if dataset.get("PixelRepresentation") else "uint"
    return {
        "shape": grid.shape,
        "spacing_mm": tuple(round(float(s), 4) for s in spacing),
        "stored": f"{sign}{dataset.get('BitsAllocated')}",
        "description": f"DICOM series, {len(grid.headers)} slices",
        "transfer_syntax": dataset.file_meta.TransferSyntaxUID.name,
    }


def _refused_file(path: Path, root: Path, reason: str) -> Series:
    bare = path.with_suffix("")
    return Series("dicom", relative_name(bare, bare if path == root else root), (path,), "", reason)


def _folder(headers: Sequence[Header]) -> Path:
    return Path(os.path.commonpath([header.path.parent for header in headers]))


def _name(uid: str, headers: Sequence[Header], folders: dict[str, Path], root: Path) -> str:
    """The folder's name; with a hash of the series behind it if the folder holds others too."""
    if root.is_file():
        return safe_name(headers[0].path.stem)
    folder = folders[uid]
    name = relative_name(folder, root)
    alone = not any(other.is_relative_to(folder) for key, other in folders.items() if key != uid)
    return name if alone else f"{name}-{short_hash(uid)}"
