"""MGH, .mgz and .mgh, as FreeSurfer writes it, by nibabel."""

from __future__ import annotations

import gzip
import math
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from isal import igzip
from nibabel.arrayproxy import ArrayProxy
from nibabel.freesurfer.mghformat import MGHHeader

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import sidecar
from medddim.formats.contract import Series
from medddim.formats.guard import (
    reading,
    require_moderate_bytes,
    require_moderate_size,
    require_sound_affine,
)
from medddim.formats.single_file import SingleFile, ToSave
from medddim.formats.stored import Described, Stored
from medddim.volume import Affine

HEADER_BYTES, FIELDS_BYTES = 284, 90
"""The voxels begin behind the one; the fields end at the other, and the rest is 0."""
TIMES = np.dtype([(key, ">f4") for key in ("tr", "flip_angle", "te", "ti", "fov")])
"""What stands behind the voxels, where it stands."""
VERSION = 1
DEFLATE_RATIO = 1032
PACKING = 2  # of 0 to 3, as for NIfTI
MOST_TRAILING_BYTES = 2**20
COMMAND = np.dtype([("tag", ">i4"), ("bytes", ">i8")])
COMMAND_TAG = 3
"""TAG_CMDLINE of FreeSurfer, behind the times: what made the file, in words."""


class Mgh(SingleFile):
    """One file, one scan; frames are channels."""

    name = "mgh"
    title = "MGH"
    endings = (".mgz", ".mgh.gz", ".mgh")
    map_ending = ".mgz"

    def describe(self, path: Path) -> Described:
        """The header, checked. Raises UnreadableScan or UnsupportedScan."""
        with reading(path, "MGH"):
            with _opened(path) as stream:
                start = stream.read(HEADER_BYTES)
            if len(start) < HEADER_BYTES or int.from_bytes(start[:4], "big") != VERSION:
                raise UnreadableScan(f"{path}: expected an MGH header, found something else")
            header_class: Any = MGHHeader  # untyped
            header = header_class(start[:FIELDS_BYTES] + bytes(TIMES.itemsize), check=False)
            shape = tuple(int(n) for n in header["dims"])
            if int.from_bytes(start[28:30], "big") != 1:
                raise UnsupportedScan(
                    f"{path}: the header places the scan nowhere (goodRASFlag is 0), so left and "
                    "right are unknown; set it with mri_convert if you know the orientation"
                )
            dtype = header.get_data_dtype()
            require_moderate_size(shape, path)
            _require_all_bytes(path, HEADER_BYTES + math.prod(shape) * dtype.itemsize)
            affine = _affine(header)
        require_sound_affine(affine, path)
        shape = shape if shape[3] > 1 else shape[:3]
        return Described(header, shape, affine, dtype)

    def stored(self, path: Path, described: Described) -> Stored:
        """The stored numbers. Raises UnreadableScan."""
        with reading(path, "MGH"), _opened(path) as stream:
            spec = (described.shape, described.dtype.newbyteorder(">"), HEADER_BYTES)
            stored = np.asarray(ArrayProxy(stream, spec, mmap=False).get_unscaled())
            times = stream.read(TIMES.itemsize)
            if 0 < len(times) < TIMES.itemsize:
                raise EOFError  # only whole, or not there at all
            if times:
                for key in TIMES.names or ():
                    described.header[key] = np.frombuffer(times, TIMES)[key][0]
            stream.read(MOST_TRAILING_BYTES)  # gzip compares its checksum when it meets the end
            return stored.astype(stored.dtype.newbyteorder("="), copy=False)

    def made(self, series: Series) -> str:
        """The kind of result of medddim this is, by its JSON file or what stands at its end."""
        path = series.files[0]
        if kind := super().made(series):
            return kind
        described = self.describe(path)
        with reading(path, "MGH"), _opened(path) as stream:
            stream.seek(HEADER_BYTES + math.prod(described.shape) * described.dtype.itemsize)
            behind = stream.read(MOST_TRAILING_BYTES)[TIMES.itemsize :]
        return sidecar.kind_of(behind[COMMAND.itemsize :].decode("latin-1"))

    def save(self, image: ToSave, path: Path) -> None:
        """Write the file; what FreeSurfer keeps behind the voxels (its commands) stays behind."""
        header_class: Any = MGHHeader  # untyped
        header = image.like.header.copy() if image.like else header_class()
        header.set_data_dtype(image.data.dtype.newbyteorder("="))
        header["dims"] = (*image.data.shape, 1, 1)[:4]
        if not (image.like and image.same_grid):
            _set_affine(header, image.affine)
        fields = bytes(header.binaryblock)
        head, times = fields[:FIELDS_BYTES].ljust(HEADER_BYTES, b"\0"), fields[FIELDS_BYTES:]
        voxels = image.data.astype(image.data.dtype.newbyteorder(">"), copy=False)
        note = image.note.encode() + b"\0"
        command = np.array([(COMMAND_TAG, len(note))], COMMAND).tobytes() + note
        written = head + voxels.tobytes(order="F") + times + command
        packed = path.name.lower().endswith(("z", ".gz"))
        path.write_bytes(igzip.compress(written, PACKING, mtime=0) if packed else written)


def _affine(header: Any) -> Affine:
    """Voxel to world, from spacing, direction cosines and the centre, at half the size."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(header["Mdc"], np.float64).T * np.array(header["delta"], np.float64)
    centre = affine[:3, :3] @ np.array(header["dims"][:3], np.float64) / 2
    affine[:3, 3] = np.array(header["Pxyz_c"], np.float64) - centre
    return affine


def _set_affine(header: Any, affine: Affine) -> None:
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    header["delta"], header["Mdc"] = spacing, (affine[:3, :3] / spacing).T
    header["Pxyz_c"] = affine[:3, 3] + affine[:3, :3] @ np.array(header["dims"][:3]) / 2


def _opened(path: Path) -> BinaryIO:
    """The bytes of the file, unpacked: the content says whether it is packed."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, "rb") if packed else path.open("rb"))


def _require_all_bytes(path: Path, needed: int) -> None:
    packed = path.stat().st_size
    with path.open("rb") as file:
        ratio = DEFLATE_RATIO if file.read(2) == b"\x1f\x8b" else 1
    if packed * ratio < needed:
        raise UnreadableScan(
            f"{path}: the header promises {needed:,} bytes, the file cannot hold them; "
            "it is truncated, get it again from its source"
        )
    require_moderate_bytes(needed, path, packed=packed)
