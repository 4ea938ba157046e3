"""The NIfTI header, checked before a voxel is read: nibabel repairs some faults in silence."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from nibabel import imageglobals

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import content
from medddim.formats.guard import reading, require_moderate_bytes, require_moderate_size
from medddim.formats.nifti.fields import HEADER_BYTES, NiftiHeader
from medddim.formats.nifti.place import affine_mm

GZIP_MAGIC = b"\x1f\x8b"
DEFLATE_RATIO = 1032
"""No deflate stream holds more bytes than this times its own length (zlib, technical details)."""
SINGLE, PAIR = (b"n+1", b"n+2"), (b"ni1", b"ni2")
CIFTI_NAMES = (".dtseries", ".dscalar", ".dlabel", ".dconn", ".pconn", ".ptseries", ".pscalar")


def is_gzip(path: Path) -> bool:
    """Whether the name says so; nibabel goes by it too."""
    return path.name.lower().endswith(".gz")


def is_pair(path: Path) -> bool:
    """Whether the name is that of a header whose voxels lie in another file."""
    return path.name.lower().endswith((".hdr", ".hdr.gz"))


def voxel_file(path: Path) -> Path:
    """The file with the voxels: the .img beside a .hdr, packed or not, else the file itself."""
    if not is_pair(path):
        return path
    base = path.name[: path.name.lower().rindex(".hdr")]
    names = [f"{base}{ending}" for ending in (".img", ".img.gz", ".IMG")]
    there = [path.with_name(name) for name in names if path.with_name(name).is_file()]
    if not there:
        raise UnreadableScan(f"{path}: expected {names[0]} beside it, which holds its voxels")
    return there[0]


def header_of(path: Path) -> Path:
    """The .hdr beside an .img, if there is one, else the file itself."""
    name = path.name.lower()
    if not name.endswith((".img", ".img.gz")):
        return path
    base = path.name[: name.rindex(".img")]
    places = (path.with_name(f"{base}{ending}") for ending in (".hdr", ".hdr.gz", ".HDR"))
    return next((place for place in places if place.is_file()), path)


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
    if is_pair(path) and magic not in PAIR:
        raise UnsupportedScan(
            f"{path}: expected a NIfTI pair (ni1), found Analyze 7.5, which does not say where "
            "left and right are; if you know it, convert the scan to NIfTI with its affine"
        )
    if not is_pair(path) and magic not in SINGLE:
        raise UnsupportedScan(
            f"{path}: expected a single-file NIfTI (n+1 or n+2); if it is the header of a pair, "
            "name it .hdr, beside its .img"
        )
    description = bytes(header["descrip"].item()).decode("latin-1")
    found = content.of_intent(int(header["intent_code"]), description)
    if not found and path.name.lower().removesuffix(".nii").endswith(CIFTI_NAMES):
        found = content.SURFACE
    if found:
        where = f"intent_code {int(header['intent_code'])} of the header"
        raise UnsupportedScan(f"{path}: {found.at(where)}")
    kind = header.get_data_dtype().kind
    if kind not in "iuf":
        other = {"c": "complex numbers", "V": "colours"}.get(kind, "no numbers")
        raise UnsupportedScan(f"{path}: expected one real number a voxel, found {other}")


def _require_dimensions(header: NiftiHeader, path: Path) -> None:
    count = int(header["dim"][0])
    shape = shape_of(header) if 1 <= count <= 7 else ()
    if not shape:
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
    file = voxel_file(path)
    packed = file.stat().st_size
    there = packed * (DEFLATE_RATIO if is_gzip(file) else 1)
    if there < needed:
        raise UnreadableScan(
            f"{file}: the header promises {needed:,} bytes, the file cannot hold them; "
            "it is truncated, get it again from its source"
        )
    require_moderate_bytes(needed, path, packed=packed)
