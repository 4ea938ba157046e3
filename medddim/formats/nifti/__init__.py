"""NIfTI files, .nii and .nii.gz, and pairs of .hdr and .img, by nibabel."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from nibabel.arrayproxy import ArrayProxy

from medddim.formats.contract import NO_REPAIR, Repair, Series
from medddim.formats.guard import reading
from medddim.formats.nifti.fields import NiftiHeader
from medddim.formats.nifti.header import (
    header_of,
    is_pair,
    opened,
    read_header,
    shape_of,
    voxel_file,
)
from medddim.formats.nifti.place import affine_mm, warn_of_two_places
from medddim.formats.nifti.save import save_file
from medddim.formats.sidecar import kind_of
from medddim.formats.single_file import SingleFile, ToSave
from medddim.formats.stored import Described, Stored

log = logging.getLogger(__name__)

MOST_TRAILING_BYTES = 2**20


class Nifti(SingleFile):
    """One file, or one pair, one scan. The stored type and scaling of the source are kept."""

    name = "nifti"
    title = "NIfTI"
    endings = (".nii.gz", ".nii", ".hdr.gz", ".hdr")
    data_endings = (".img", ".img.gz")
    map_ending = ".nii.gz"
    keeps_note = True

    def is_mine(self, path: Path) -> bool:
        """Whether the name says so; a .hdr may belong to other formats, and needs its .img."""
        if not super().is_mine(path) or not is_pair(path):
            return super().is_mine(path)
        base = path.name[: path.name.lower().rindex(".hdr")]
        return any(path.with_name(f"{base}{one}").is_file() for one in (".img", ".img.gz", ".IMG"))

    def find(self, *roots: Path, repair: Repair = NO_REPAIR, modality: str = "") -> list[Series]:
        """Every file and pair at or below these; an .img that is named stands for its .hdr."""
        return super().find(*map(header_of, roots), repair=repair, modality=modality)

    def describe(self, path: Path) -> Described:
        """The header, checked. Raises UnreadableScan or UnsupportedScan."""
        header = read_header(path)
        note = bytes(header["descrip"].item()).decode("latin-1")
        slope, intercept = _scaling(header, path)
        return Described(
            header,
            shape_of(header),
            affine_mm(header, path),
            header.get_data_dtype(),
            slope,
            intercept,
            made=kind_of(note),
            voxels_in=voxel_file(path) if is_pair(path) else None,
        )

    def stored(self, path: Path, described: Described) -> Stored:
        """The stored numbers, after a warning where the header has two places. Raises ScanError."""
        header, file = described.header, voxel_file(path)
        warn_of_two_places(header, path)
        if not np.isfinite(header["scl_slope"]):
            log.warning("%s: scl_slope is not a number; no scaling applied", path)
        with reading(file, "NIfTI"), opened(file) as stream:
            spec = (shape_of(header), header.get_data_dtype(), int(header["vox_offset"]))
            stored = np.asarray(ArrayProxy(stream, spec, mmap=False).get_unscaled())
            stream.read(MOST_TRAILING_BYTES)  # gzip compares its checksum when it meets the end
            return stored.astype(stored.dtype.newbyteorder("="), copy=False)

    def save(self, image: ToSave, path: Path) -> None:
        """Write the file or the pair."""
        save_file(image, path)


def _scaling(header: NiftiHeader, path: Path) -> tuple[float, float]:
    """The slope and intercept that hold: slope 0 or not finite means none (nifti1.h)."""
    with reading(path, "NIfTI"):
        slope, intercept = header.get_slope_inter()
    if slope is None or intercept is None:
        return 1.0, 0.0
    return float(slope), float(intercept)
