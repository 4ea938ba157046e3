"""A Volume as a NIfTI file, like the one it came from."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from nibabel import imageglobals
from nibabel.nifti1 import Nifti1Header

from medddim.formats.atomic import new_file
from medddim.formats.contract import Derivation, Quantity, Written
from medddim.formats.nifti.header import MM_PER_UNIT, NiftiHeader, image_class
from medddim.formats.nifti.read import NiftiSource, read_file
from medddim.formats.quantise import quantise
from medddim.volume import Affine, Volume

SAME_AFFINE = 1e-6
SCANNER = 1


def write_file(volume: Volume, destination: Path, *, name: str, derivation: Derivation) -> Written:
    """Write one file; where it holds Hounsfield units, a JSON file beside it that says so.

    On the grid of the source integers stay the same integers (rounded, clipped, same slope) and
    float64 stays float64; all else is float32, so that the means of finer voxels are those
    measured. The header is the source's, in little endian, without its extensions.
    """
    source = volume.source if isinstance(volume.source, NiftiSource) else None
    path = destination / f"{name}{source.suffix if source else '.nii.gz'}"
    beside = (_write_sidecar(volume, destination / f"{name}.json"),) if volume.in_hu else ()
    image, clipped = _image(volume, source)
    image.header["descrip"] = _note(derivation)
    with new_file(path) as stream, imageglobals.LoggingOutputSuppressor():
        _save(image, stream, compressed=path.suffix == ".gz")
    return Written((path, *beside), clipped=clipped)


def write_map(
    values: Volume, destination: Path, *, name: str, of: Sequence[Path], quantity: Quantity
) -> Written:
    """Write `name`.nii.gz, float32, on the grid of the written file `of`; what it is, in descrip.

    Raises GridMismatch if `values` lies on another grid, WriteRefused if the file exists.
    """
    values.require_same_grid(read_file(of[0]))
    bare = replace(values, source=None, unit="")
    made = Derivation(quantity, f"of {of[0].name}")
    return write_file(bare, destination, name=name, derivation=made)


def in_memory(volume: Volume) -> tuple[NiftiHeader, npt.NDArray[np.float32]]:
    """The header and the float32 voxels, spatial axes first, of the NIfTI image it would be in mm.

    The header is that of the file the volume came from, else a new one.
    """
    source = volume.source if isinstance(volume.source, NiftiSource) else None
    same = source is not None and _same_grid(volume, source)
    voxels = _spatial_first(_restored(volume, source), source.shape if source and same else None)
    header = _header_like(source) if source else _fresh_header()
    header.set_data_dtype(np.float32)
    header.set_data_shape(voxels.shape)
    header.set_slope_inter(1, 0)
    header.set_xyzt_units("mm", int(header["xyzt_units"]) & 56)  # NIfTI-1: bits 3 to 5 are time
    _place(header, volume.affine)
    return header, np.array(voxels)


def _write_sidecar(volume: Volume, path: Path) -> Path:
    """The modality, for which a NIfTI header has no field, under the keys of BIDS."""
    said = {"Modality": volume.modality or "CT", "GeneratedBy": [{"Name": "medddim"}]}
    text = json.dumps(said, indent=2) + "\n"
    if not (path.is_file() and path.read_text(encoding="utf-8") == text):  # of a killed run
        with new_file(path) as stream:
            stream.write(text.encode())
    return path


def _save(image: Any, stream: BinaryIO, *, compressed: bool) -> None:
    if not compressed:
        image.to_stream(stream)
        return
    # no name and no time inside, so that equal voxels give equal bytes
    with gzip.GzipFile("", "wb", compresslevel=4, fileobj=stream, mtime=0) as packed:
        image.to_stream(packed)


def _note(derivation: Derivation) -> bytes:
    note = f"medddim {derivation.kind}: {derivation.summary}"
    return note.encode("ascii", "replace")[:79]


def _image(volume: Volume, source: NiftiSource | None) -> tuple[Any, int]:
    voxels = _restored(volume, source)
    same = source is not None and _same_grid(volume, source)
    header = _header_like(source) if source else _fresh_header()
    stored, clipped = _stored_like(voxels, source) if source and same else (voxels, 0)
    data = _spatial_first(stored, source.shape if source and same else None)
    header.set_data_dtype(data.dtype)
    if source is None or not same:
        header.set_data_shape(data.shape)
        for key in {"slice_start", "slice_end", "slice_code", "slice_duration"} & set(header):
            header[key] = 0  # when each slice of the source was measured
        _place(header, volume.affine)
    image = image_class(header)(data, None, header)
    if source is not None and data.dtype.kind in "iu":
        # after the constructor, which forgets it: with a slope set, nibabel writes data as they are
        image.header.set_slope_inter(source.slope, source.intercept)
    return image, clipped


def _restored(volume: Volume, source: NiftiSource | None) -> npt.NDArray[np.float32]:
    if source is None or not source.nonfinite[0].size or not _same_grid(volume, source):
        return volume.voxels
    voxels = volume.voxels.copy()
    where, were = source.nonfinite
    voxels.reshape(-1)[where] = were
    return voxels


def _same_grid(volume: Volume, source: NiftiSource) -> bool:
    x, y, z, channels = (*source.shape, 1, 1)[:4]
    if volume.voxels.shape != (channels, x, y, z):
        return False
    return bool(np.allclose(volume.affine, source.affine, rtol=0, atol=SAME_AFFINE))


def _stored_like(
    voxels: npt.NDArray[np.float32], source: NiftiSource
) -> tuple[npt.NDArray[Any], int]:
    dtype = source.header.get_data_dtype()
    if dtype.kind == "f":
        return voxels.astype(np.float64 if dtype.itemsize > 4 else np.float32, copy=False), 0
    return quantise(voxels, dtype.newbyteorder("="), slope=source.slope, intercept=source.intercept)


def _spatial_first(voxels: npt.NDArray[Any], shape: tuple[int, ...] | None) -> npt.NDArray[Any]:
    moved = np.moveaxis(voxels, 0, -1)
    if shape is None:
        shape = moved.shape if moved.shape[-1] > 1 else moved.shape[:-1]
    return moved.reshape(shape)


def _fresh_header() -> NiftiHeader:
    header_class: Any = Nifti1Header  # untyped
    header: NiftiHeader = header_class()
    header.set_xyzt_units("mm")
    header["sform_code"] = header["qform_code"] = SCANNER
    return header


def _header_like(source: NiftiSource) -> NiftiHeader:
    header: NiftiHeader = source.header.as_byteswapped("<")
    # these describe the source, at times with the patient's name
    header.extensions.clear()
    for key in {"data_type", "db_name", "aux_file"} & set(header.keys()):
        header[key] = b""
    header["vox_offset"] = 0  # nibabel then puts the voxels right behind the header
    return header


def _place(header: NiftiHeader, affine_mm: Affine) -> None:
    """Set the new grid in the forms the source used; a form that cannot hold it loses its code."""
    affine = affine_mm.copy()
    affine[:3] /= MM_PER_UNIT[int(header["xyzt_units"]) & 7]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    header.set_zooms((*spacing, *header.get_zooms()[3:])[: len(header.get_data_shape())])
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    header.set_qform(affine, code=qform, strip_shears=True)
    lost = not np.allclose(header.get_qform(), affine, rtol=0, atol=1e-3)
    if lost:
        header["qform_code"] = 0
    if sform > 0 or lost:
        header.set_sform(affine, code=sform if sform > 0 else qform)
