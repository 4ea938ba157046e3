"""Stored numbers as a NIfTI file: one file, or a header and its voxels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from nibabel import imageglobals
from nibabel.nifti1 import Nifti1Header

from medddim.formats.nifti.fields import NiftiHeader
from medddim.formats.nifti.header import PAIR, SINGLE, is_pair
from medddim.formats.nifti.place import move, repair
from medddim.formats.quantise import pieces
from medddim.formats.single_file import ToSave
from medddim.formats.stored import Described

SCANNER = 1
PACKING = 2
"""Of 0 to 3; by zlib at 4, results were smaller by a hundredth, those of integers by a tenth."""
GZIP = 31
"""The `wbits` of zlib for a stream with the header of gzip."""
TIMES_OF_SLICES = {"slice_start", "slice_end", "slice_code", "slice_duration"}
OF_THE_SOURCE = {"data_type", "db_name", "aux_file"}
"""Fields that describe the source, at times with the patient's name."""
NO_EXTENSION = bytes(4)


def save_file(image: ToSave, path: Path) -> None:
    """Write the file, or for a .hdr the pair: in little endian, without header extensions."""
    with imageglobals.LoggingOutputSuppressor():
        header = header_of_result(image, path)
    voxels = np.asarray(image.data).astype(image.data.dtype.newbyteorder("<"), copy=False)
    kind = 0 if int(header["sizeof_hdr"]) == 348 else 1
    if is_pair(path):
        header["vox_offset"], header["magic"] = 0, PAIR[kind] + header["magic"].item()[3:]
        name = path.name[: path.name.lower().rindex(".hdr")]
        packed = ".gz" if path.name.lower().endswith(".gz") else ""
        _put(path, [header.binaryblock + NO_EXTENSION])
        _put(path.with_name(f"{name}.img{packed}"), _in_order(voxels))
        return
    header["vox_offset"] = int(header["sizeof_hdr"]) + len(NO_EXTENSION)
    header["magic"] = SINGLE[kind] + header["magic"].item()[3:]
    _put(path, chain([header.binaryblock + NO_EXTENSION], _in_order(voxels)))


def _in_order(voxels: npt.NDArray[Any]) -> Iterator[bytes]:
    """The bytes of the voxels in the order of NIfTI, x fastest, in pieces."""
    return (voxels.T[piece].tobytes() for piece in pieces(voxels.T.shape))


def _put(path: Path, parts: Iterable[bytes]) -> None:
    with path.open("wb") as file:
        if not path.name.lower().endswith(".gz"):
            file.writelines(parts)
            return
        # no name and no time inside, so that equal voxels give equal bytes
        packer = isal_zlib.compressobj(PACKING, wbits=GZIP)
        file.writelines(map(packer.compress, parts))
        file.write(packer.flush())


def header_of_result(image: ToSave, path: Path) -> NiftiHeader:
    """The header of a result: that of its source where there is one, set for what it holds."""
    header = _like(image.like) if image.like else _fresh()
    header.set_data_dtype(image.data.dtype)
    if not (image.like and image.same_grid):
        header.set_data_shape(image.data.shape)
        for key in TIMES_OF_SLICES & set(header.keys()):
            header[key] = 0
        move(header, image.like.affine if image.like else None, image.affine, path)
    if image.data.dtype.kind == "f":  # they are values, not steps of a scale
        header.set_slope_inter(1, 0)
    header["descrip"] = image.note.encode("ascii", "replace")[:79]
    return header


def _like(source: Described) -> NiftiHeader:
    header: NiftiHeader = source.header.as_byteswapped("<")
    header.extensions.clear()
    repair(header)
    for key in OF_THE_SOURCE & set(header.keys()):
        header[key] = b""
    return header


def _fresh() -> NiftiHeader:
    header_class: Any = Nifti1Header  # untyped
    header: NiftiHeader = header_class()
    header.set_xyzt_units("mm")
    header["sform_code"] = header["qform_code"] = SCANNER
    return header
