"""Formats of images that medddim does not read: known by name, refused with the remedy."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from medddim.formats.contract import Series
from medddim.formats.naming import relative_name
from medddim.formats.walk import files_at

log = logging.getLogger(__name__)

OTHER = "other"
"""The format of a Series that stands for such a file."""
OTHERS = {
    ".mnc": ("MINC", "convert it to NIfTI with mnc2nii of the MINC tools"),
    ".mnc.gz": ("MINC", "gunzip it, then convert it to NIfTI with mnc2nii"),
    ".head": ("AFNI", "convert it to NIfTI with 3dAFNItoNIFTI"),
    ".brik": ("AFNI", "convert it to NIfTI with 3dAFNItoNIFTI"),
    ".brik.gz": ("AFNI", "convert it to NIfTI with 3dAFNItoNIFTI"),
    ".par": ("Philips PAR/REC", "convert it to NIfTI with dcm2niix"),
    ".rec": ("Philips PAR/REC", "convert it to NIfTI with dcm2niix"),
    ".mif": ("MRtrix", "convert it to NIfTI with mrconvert"),
    ".mif.gz": ("MRtrix", "convert it to NIfTI with mrconvert"),
    ".mih": ("MRtrix", "convert it to NIfTI with mrconvert"),
    ".nii.bz2": ("NIfTI that gzip did not pack", "unpack it"),
    ".nii.xz": ("NIfTI that gzip did not pack", "unpack it"),
    ".nii.zst": ("NIfTI that gzip did not pack", "unpack it"),
    ".dcm.gz": ("packed DICOM", "unpack it"),
    ".gii": ("GIfTI, a surface", "it holds no volume"),
    ".gipl": ("GIPL", "convert it to NIfTI with c3d or SimpleITK"),
    ".gipl.gz": ("GIPL", "convert it to NIfTI with c3d or SimpleITK"),
    ".vtk": ("VTK", "convert it to NIfTI with vtk or SimpleITK"),
    ".vti": ("VTK", "convert it to NIfTI with vtk or SimpleITK"),
    ".ecat": ("ECAT, a PET scan", "medddim is for MR and CT"),
    ".v": ("ECAT, a PET scan", "medddim is for MR and CT"),
    ".tif": ("TIFF, without a place in space", "export DICOM or NIfTI from what made it"),
    ".tiff": ("TIFF, without a place in space", "export DICOM or NIfTI from what made it"),
    ".png": ("PNG, without a place in space", "export DICOM or NIfTI from what made it"),
    ".jpg": ("JPEG, without a place in space", "export DICOM or NIfTI from what made it"),
    ".jpeg": ("JPEG, without a place in space", "export DICOM or NIfTI from what made it"),
    ".npy": ("NumPy, without a place in space", "write it as NIfTI with nibabel, with its affine"),
    ".npz": ("NumPy, without a place in space", "write it as NIfTI with nibabel, with its affine"),
    ".mat": ("MATLAB, without a place in space", "write it as NIfTI with nibabel, with its affine"),
    ".h5": ("HDF5, perhaps raw data", "reconstruct or convert it with the tool that made it"),
    ".hdf5": ("HDF5, perhaps raw data", "reconstruct or convert it with the tool that made it"),
    ".img": ("the voxels of a pair, without its .hdr", "put its header beside it"),
    ".tar.gz": ("an archive", "unpack it"),
    ".tgz": ("an archive", "unpack it"),
    ".tar": ("an archive", "unpack it"),
    ".7z": ("an archive", "unpack it"),
    ".rar": ("an archive", "unpack it"),
}
"""Endings, in lower case, with the format and what to do."""
SCANS = {".mnc", ".mnc.gz", ".head", ".brik", ".brik.gz", ".par", ".mif", ".mif.gz", ".mih",
         ".gipl", ".gipl.gz", ".img", ".nii.bz2", ".nii.xz", ".nii.zst", ".dcm.gz"}  # fmt: skip
"""Those that hold a scan where they lie in a folder; pictures and archives lie anywhere."""


def is_other(path: Path) -> bool:
    """Whether this is a file of a format that is known by name, and not read."""
    return path.is_file() and bool(_ending(path))


def refused(path: Path) -> Series:
    """The verdict on such a file, where a user names it."""
    title, remedy = OTHERS[_ending(path)]
    return Series(
        OTHER,
        relative_name(path, path),
        (path,),
        refusal=f"{path}: it is {title}, which medddim does not read; {remedy}",
    )


def warn_of_others(folders: Iterable[Path]) -> None:
    """Log which files of a folder are scans of such a format, one line for each format."""
    for folder in folders:
        counts: Counter[str] = Counter()
        first: dict[str, Path] = {}
        for path in files_at(folder):
            ending = _ending(path)
            if ending in SCANS and not _has_header(path):
                title = OTHERS[ending][0]
                counts[title] += 1
                first.setdefault(title, path)
        for title, count in counts.items():
            log.warning(
                "%s: %d file%s of a format that medddim does not read are skipped: %s; %s",
                first[title], count, "s" * (count != 1), title,
                OTHERS[_ending(first[title])][1],
            )  # fmt: skip


def _ending(path: Path) -> str:
    name = path.name.lower()
    fitting = (ending for ending in OTHERS if name.endswith(ending) and name != ending)
    found = max(fitting, key=len, default="")
    return "" if found == ".img" and _has_header(path) else found


def _has_header(path: Path) -> bool:
    """Whether an .img has its .hdr beside it."""
    if not path.name.lower().endswith((".img", ".img.gz")):
        return False
    base = path.name[: path.name.lower().rindex(".img")]
    return any(path.with_name(f"{base}{one}").is_file() for one in (".hdr", ".hdr.gz", ".HDR"))
