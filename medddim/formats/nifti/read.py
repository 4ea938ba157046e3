"""A NIfTI file as a Volume."""

from __future__ import annotations

import io
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import numpy.typing as npt
from nibabel import imageglobals
from nibabel.fileholders import FileHolder

from medddim.formats.guard import BYTES_PER_VOXEL, reading, require_memory
from medddim.formats.nifti.find import modality_of, require_magnitude
from medddim.formats.nifti.header import (
    NiftiHeader,
    affine_mm,
    image_class,
    is_gzip,
    opened,
    read_header,
    shape_of,
    warn_of_two_places,
)
from medddim.formats.quantise import require_float32_holds
from medddim.volume import Affine, Array, Volume

log = logging.getLogger(__name__)

MOST_TRAILING_BYTES = 2**20


@dataclass(frozen=True, eq=False, repr=False)
class NiftiSource:
    """What a result needs to be written like the file it came from.

    `shape` is the stored one, `affine` the one in mm that was read; `nonfinite` holds the flat
    indices into the voxels `(c, x, y, z)` that were NaN or infinite, and what they were.
    """

    format: ClassVar[str] = "nifti"

    header: NiftiHeader
    shape: tuple[int, ...]
    affine: Affine
    slope: float
    intercept: float
    nonfinite: tuple[npt.NDArray[np.intp], Array]
    suffix: str


def read_file(path: Path) -> Volume:
    """The Volume of one file; NaN and infinite voxels are read as 0 and come back at writing.

    Raises UnreadableScan or UnsupportedScan.
    """
    header = read_header(path)
    require_magnitude(path)
    require_memory(BYTES_PER_VOXEL * math.prod(shape_of(header)), path)
    return volume_of(_stored(header, path), header, path, scaling=_scaling(header, path))


def volume_of(
    stored: npt.NDArray[Any], header: NiftiHeader, path: Path, *, scaling: tuple[float, float]
) -> Volume:
    """The Volume of the numbers `stored` below a checked header; `scaling` is slope, intercept.

    `path` is for messages, and for the JSON file beside it. Raises UnsupportedScan.
    """
    warn_of_two_places(header, path)
    slope, intercept = scaling
    values = _physical(stored, slope, intercept)
    if stored.dtype.kind in "iu":
        require_float32_holds(stored, values, path, slope=slope, intercept=intercept)
    voxels = _channels_first(values)
    source = NiftiSource(
        header=header,
        shape=shape_of(header),
        affine=affine_mm(header, path),
        slope=slope,
        intercept=intercept,
        nonfinite=_take_nonfinite(voxels, path),
        suffix=".nii.gz" if is_gzip(path) else ".nii",
    )
    modality = modality_of(path)
    unit = "HU" if modality == "CT" else ""
    return Volume(voxels, source.affine, modality=modality, unit=unit, source=source)


def _scaling(header: NiftiHeader, path: Path) -> tuple[float, float]:
    """The slope and intercept that hold: slope 0 or not finite means none (nifti1.h)."""
    with reading(path, "NIfTI"):
        slope, intercept = header.get_slope_inter()
    if slope is None or intercept is None:
        if not np.isfinite(header["scl_slope"]):
            log.warning("%s: scl_slope is not a number; no scaling applied", path)
        return 1.0, 0.0
    return float(slope), float(intercept)


def _stored(header: NiftiHeader, path: Path) -> npt.NDArray[Any]:
    with reading(path, "NIfTI"), opened(path) as stream, imageglobals.LoggingOutputSuppressor():
        holder = FileHolder(fileobj=cast(io.IOBase, stream))
        image = image_class(header).from_file_map({"image": holder}, mmap=False)
        stored = np.asarray(image.dataobj.get_unscaled())
        stream.read(MOST_TRAILING_BYTES)  # gzip compares its checksum when it meets the end
        return stored.astype(stored.dtype.newbyteorder("="), copy=False)


def _physical(stored: npt.NDArray[Any], slope: float, intercept: float) -> Array:
    if (slope, intercept) == (1.0, 0.0):
        with np.errstate(over="ignore"):  # a float64 too large becomes inf, which is masked
            return stored.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return (stored * np.float64(slope) + intercept).astype(np.float32)


def _channels_first(values: Array) -> Array:
    x, y, z, channels = (*values.shape, 1, 1)[:4]
    return np.ascontiguousarray(np.moveaxis(values.reshape(x, y, z, channels), -1, 0))


def _take_nonfinite(voxels: Array, path: Path) -> tuple[npt.NDArray[np.intp], Array]:
    flat = voxels.reshape(-1)
    where = np.flatnonzero(~np.isfinite(flat))
    were = flat[where].copy()
    flat[where] = 0
    if where.size:
        log.warning("%s: %d voxels are not finite; they stay as they are", path, where.size)
    return where, were
