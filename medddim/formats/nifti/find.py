"""Which NIfTI files are there, and which of them can be enhanced."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from medddim.errors import EnvironmentProblem, ScanError, UnsupportedScan
from medddim.formats.contract import Series
from medddim.formats.naming import relative_name
from medddim.formats.nifti.header import affine_mm, is_nifti, read_header, shape_of
from medddim.formats.walk import files_at

NO_MAGNITUDE = {"P", "PHASE", "R", "REAL", "I", "IMAGINARY"}
"""Values of ImageType, as scanners and dcm2niix write them."""


def find_files(*roots: Path) -> list[Series]:
    """One Series a file at or below these, sorted by path; hidden files are passed over."""
    return [
        _describe(path, root) for root in roots for path in sorted(filter(is_nifti, files_at(root)))
    ]


def sidecar(path: Path) -> dict[str, Any]:
    """What the JSON file of dcm2niix or BIDS beside a NIfTI file says; empty if there is none."""
    try:
        with stem_path(path).with_suffix(".json").open(encoding="utf-8") as stream:
            said = json.load(stream)
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def modality_of(path: Path) -> str:
    """MR or CT if the JSON sidecar says so, else the empty string."""
    modality = sidecar(path).get("Modality")
    return str(modality) if modality in ("MR", "CT") else ""


def require_magnitude(path: Path) -> None:
    """Raise UnsupportedScan if the JSON sidecar tells of another modality, or of an MR phase."""
    said = sidecar(path)
    if said.get("Modality") not in (None, "", "MR", "CT"):
        raise UnsupportedScan(
            f"{path}: expected MR or CT, found another Modality in the JSON file beside it"
        )
    kinds = None if said.get("Modality") == "CT" else said.get("ImageType")
    found = NO_MAGNITUDE & {str(one).upper() for one in kinds} if isinstance(kinds, list) else ()
    if found:
        raise UnsupportedScan(
            f"{path}: expected a magnitude, found {min(found)} as ImageType in the JSON file "
            "beside it; give the magnitude"
        )


def stem_path(path: Path) -> Path:
    """`path` without .nii or .nii.gz, and with a suffix that with_suffix may replace."""
    return path.with_name(re.sub(r"\.nii(\.gz)?$", "", path.name, flags=re.IGNORECASE) + ".stem")


def _describe(path: Path, root: Path) -> Series:
    bare = stem_path(path).with_suffix("")
    name = relative_name(bare, bare if path == root else root)
    modality = modality_of(path)
    try:
        facts = _facts(path)
    except (ScanError, EnvironmentProblem) as refusal:
        return Series("nifti", name, (path,), modality, refusal=str(refusal))
    return Series("nifti", name, (path,), modality, facts=facts)


def _facts(path: Path) -> dict[str, Any]:
    header = read_header(path)
    require_magnitude(path)
    spacing = np.linalg.norm(affine_mm(header, path)[:3, :3], axis=0)
    count = (*shape_of(header), 1, 1)[3]
    return {
        "shape": shape_of(header),
        "spacing_mm": tuple(round(float(s), 4) for s in spacing),
        "stored": header.get_data_dtype().name,
        "kind": f"stack of {count}" if count > 1 else "volume",
    }
