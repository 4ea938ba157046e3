"""The NIfTI header, checked before a voxel is read: nibabel mends some faults in silence."""

from __future__ import annotations

import gzip
import logging
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
from nibabel import imageglobals
from nibabel.nifti1 import Nifti1Header, Nifti1Image
from nibabel.nifti2 import Nifti2Header, Nifti2Image

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats.guard import (
    reading,
    require_moderate_bytes,
    require_moderate_size,
    require_sound_affine,
)
from medddim.volume import Affine

NiftiHeader: TypeAlias = Any
"""A nibabel Nifti1Header or Nifti2Header; they ship without types."""

log = logging.getLogger(__name__)

HEADER_BYTES: dict[int, Any] = {348: Nifti1Header, 540: Nifti2Header}
MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown, metre, mm, micron
LABELS = {1002: "labels", 1005: "a symmetric matrix", 1007: "vectors", 1006: "displacements"}
GZIP_MAGIC = b"\x1f\x8b"
DEFLATE_RATIO = 1032
"""No deflate stream holds more bytes than this times its own length (zlib, technical details)."""


def is_nifti(path: Path) -> bool:
    """Whether the name says so."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def is_gzip(path: Path) -> bool:
    """Whether the name says so; nibabel goes by it too."""
    return path.name.lower().endswith(".gz")


def opened(path: Path) -> BinaryIO:
    """The bytes of the file, unpacked."""
    return cast(BinaryIO, gzip.open(path, "rb") if is_gzip(path) else path.open("rb"))


def read_header(path: Path) -> NiftiHeader:
    """The header as it stands in the file, after every check that needs no voxels.

    Raises UnreadableScan or UnsupportedScan.
    """
    with reading(path, "NIfTI"), imageglobals.LoggingOutputSuppressor():
        _require_named_as_packed(path)
        with opened(path) as stream:
            size = int.from_bytes(stream.read(4), "little")
            swapped = int.from_bytes(size.to_bytes(4, "little"), "big")
            header_class = HEADER_BYTES.get(size) or HEADER_BYTES.get(swapped)
            if header_class is None:
                raise UnreadableScan(
                    f"{path}: expected a NIfTI header, found something else; if it is no scan, "
                    "give it another name or place"
                )
            stream.seek(0)
            header = header_class.from_fileobj(stream, check=False)
        require_image(header, path)
        _require_dimensions(header, path)
        _require_all_bytes(header, path)
        affine_mm(header, path)
    return header


def shape_of(header: NiftiHeader) -> tuple[int, ...]:
    """The dimensions as stored, from dim[1] to dim[dim[0]]."""
    dim = header["dim"]
    return tuple(int(n) for n in dim[1 : int(dim[0]) + 1])


def affine_mm(header: NiftiHeader, path: Path) -> Affine:
    """Voxel to world, RAS+ in mm: the sform if it has a code, else the qform.

    Raises UnsupportedScan if neither has one, UnreadableScan if it is not finite or singular.
    """
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform <= 0 and qform <= 0:
        raise UnsupportedScan(
            f"{path}: the header places the scan nowhere (sform_code and qform_code are 0), so "
            "left and right are unknown; set one of them if you know the orientation"
        )
    affine = np.array(header.get_sform() if sform > 0 else header.get_qform(), dtype=np.float64)
    affine[:3] *= mm_per_unit(header, path)
    require_sound_affine(affine, path)
    return affine


def mm_per_unit(header: NiftiHeader, path: Path) -> float:
    """Millimetres in the header's unit of length; raises UnreadableScan if it is not one."""
    code = int(header["xyzt_units"]) & 7
    if code not in MM_PER_UNIT:
        raise UnreadableScan(f"{path}: unit of length {code} is not in the NIfTI standard")
    return MM_PER_UNIT[code]


def image_class(header: NiftiHeader) -> Any:
    """The nibabel image that goes with this header."""
    return Nifti2Image if isinstance(header, Nifti2Header) else Nifti1Image


def warn_of_two_places(header: NiftiHeader, path: Path) -> None:
    """Log it if sform and qform both claim to hold and differ; the sform is the one taken."""
    if min(int(header["sform_code"]), int(header["qform_code"])) <= 0:
        return
    with reading(path, "NIfTI"):
        apart = np.abs(header.get_sform() - header.get_qform()).max()
    if not apart < 1e-2:
        log.warning("%s: sform and qform differ by up to %.3g; the sform is taken", path, apart)


def _require_named_as_packed(path: Path) -> None:
    """Say so where the name does not fit the content: nibabel goes by the name alone."""
    with path.open("rb") as stream:
        start = stream.read(4)
    packed = start[:2] == GZIP_MAGIC
    if not start:
        raise UnreadableScan(f"{path}: the file is empty; get it again from its source")
    if packed and not is_gzip(path):
        raise UnreadableScan(f"{path}: it is compressed; rename it to .nii.gz")
    if is_gzip(path) and not packed:
        plain = int.from_bytes(start, "little") in HEADER_BYTES
        cure = "rename it to .nii" if plain else "it is no scan, or was damaged on its way"
        raise UnreadableScan(
            f"{path}: named as compressed (gzip), which its content is not; {cure}"
        )


def require_image(header: NiftiHeader, path: Path) -> None:
    """Raise UnsupportedScan unless the header tells of one real number a voxel, and no labels."""
    magic = bytes(header["magic"].item())[:3]
    if magic not in (b"n+1", b"n+2"):
        raise UnsupportedScan(f"{path}: expected a single-file NIfTI (n+1 or n+2)")
    kind = header.get_data_dtype().kind
    if kind not in "iuf":
        found = {"c": "complex numbers", "V": "colours"}.get(kind, "no numbers")
        raise UnsupportedScan(f"{path}: expected one real number a voxel, found {found}")
    meaning = LABELS.get(int(header["intent_code"]))
    if meaning:
        raise UnsupportedScan(f"{path}: expected an image, the header says it holds {meaning}")


def _require_dimensions(header: NiftiHeader, path: Path) -> None:
    count = int(header["dim"][0])
    shape = shape_of(header) if 1 <= count <= 7 else ()
    if not shape or min(shape) < 1:
        raise UnreadableScan(f"{path}: the dimensions in the header are impossible")
    if len(shape) < 2 or any(n > 1 for n in shape[4:]):
        raise UnsupportedScan(f"{path}: expected 2 to 4 dimensions, found {len(shape)}")
    require_moderate_size(shape, path)
    zooms = np.abs(header["pixdim"][1 : min(count, 3) + 1])
    if not np.isfinite(zooms).all() or (zooms == 0).any():
        raise UnreadableScan(f"{path}: a voxel size in the header is 0 or not a number")


def _require_all_bytes(header: NiftiHeader, path: Path) -> None:
    needed = int(header["vox_offset"])
    needed += int(np.prod(shape_of(header), dtype=np.int64)) * header.get_data_dtype().itemsize
    packed = path.stat().st_size
    there = packed * (DEFLATE_RATIO if is_gzip(path) else 1)
    if there < needed:
        raise UnreadableScan(
            f"{path}: the header promises {needed:,} bytes, the file cannot hold them; "
            "it is truncated, get it again from its source"
        )
    require_moderate_bytes(needed, path, packed=packed)
