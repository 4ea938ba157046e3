"""What a file stores, and what a Volume holds: to and fro, so that stored numbers come back."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import UnreadableScan, WriteRefused
from medddim.formats.contract import Derivation
from medddim.formats.quantise import (
    pieces,
    quantise,
    require_float32_holds,
    said_of_clipped,
    too_coarse,
)
from medddim.formats.sidecar import Sidecars
from medddim.volume import Affine, Array, Volume

log = logging.getLogger(__name__)

SAME_AFFINE = 1e-6
SHEAR_MM = 1e-3
"""No corner of a written grid may lie further from where it belongs."""
COARSE = "stored as float32: the steps of the source's integers are coarser than half its noise"

Stored = npt.NDArray[Any]


@dataclass(frozen=True)
class Described:
    """What the header of one file says, once it is known to be sound.

    `header` belongs to the format. `shape` is the stored one, 2 to 4 numbers; `affine` maps voxels
    to mm, RAS+; `value = slope * stored + intercept`. `made` is the kind of a result of medddim,
    `voxels_in` the file of the voxels where that is another.
    """

    header: Any
    shape: tuple[int, ...]
    affine: Affine
    dtype: np.dtype[Any]
    slope: float = 1.0
    intercept: float = 0.0
    modality: str = ""
    made: str = ""
    voxels_in: Path | None = None


@dataclass(frozen=True, eq=False, repr=False)
class FileSource:
    """What a result needs to be written like the file it came from.

    `nonfinite` holds the flat indices into the voxels `(c, x, y, z)` that were NaN or infinite, and
    what they were; `ending` is that of the file, `beside` what lay beside it.
    """

    format: str
    described: Described
    ending: str
    nonfinite: tuple[npt.NDArray[np.intp], Array]
    beside: Sidecars = field(default_factory=Sidecars)


def same_grid(volume: Volume, described: Described) -> bool:
    """Whether a result lies on the voxels of its source."""
    x, y, z, channels = (*described.shape, 1, 1)[:4]
    if volume.voxels.shape != (channels, x, y, z):
        return False
    return bool(np.allclose(volume.affine, described.affine, rtol=0, atol=SAME_AFFINE))


def physical(stored: Stored, slope: float, intercept: float) -> Array:
    """The values of stored numbers."""
    if (slope, intercept) == (1.0, 0.0):
        with np.errstate(over="ignore"):  # a float64 too large becomes inf, which is masked
            return stored.astype(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        return (stored * np.float64(slope) + intercept).astype(np.float32)


def voxels_of(stored: Stored, described: Described, path: Path) -> Array:
    """Voxels `(c, x, y, z)`, the values of numbers stored in 2 to 4 dimensions.

    Raises UnsupportedScan, naming `path`, for integers that float32 cannot tell apart.
    """
    x, y, z, channels = (*stored.shape, 1, 1)[:4]
    moved = np.moveaxis(stored.reshape(x, y, z, channels), -1, 0)
    scaling = {"slope": described.slope, "intercept": described.intercept}
    voxels = np.empty(moved.shape, np.float32)
    for piece in pieces(moved.shape):
        values = physical(moved[piece], described.slope, described.intercept)
        if stored.dtype.kind in "iu":
            require_float32_holds(moved[piece], values, path, **scaling)
        voxels[piece] = values
    return voxels


def take_nonfinite(voxels: Array, path: Path) -> tuple[npt.NDArray[np.intp], Array]:
    """Set NaN and infinite voxels to 0; return where they stood, and what they were.

    Raises UnreadableScan if no voxel is a number.
    """
    flat = voxels.reshape(-1)
    found = [
        piece.start + np.flatnonzero(~np.isfinite(flat[piece])) for (piece,) in pieces(flat.shape)
    ]
    where = np.concatenate([np.empty(0, np.intp), *found])  # of an image in memory, maybe none
    if 0 < where.size == flat.size:
        raise UnreadableScan(
            f"{path}: expected numbers, found no voxel that is finite; make the scan again"
        )
    were = flat[where].copy()
    flat[where] = 0
    if where.size:
        log.warning("%s: %d voxels are not finite; they stay as they are", path, where.size)
    return where, were


def to_store(
    volume: Volume, source: FileSource | None, derivation: Derivation
) -> tuple[Stored, int, list[str]]:
    """The numbers to store, like those of `source` on whose grid they lie; how many are clipped."""
    if source is None:
        return volume.voxels, 0, []
    voxels, like = restored(volume.voxels, source), source.described
    if like.dtype.kind == "f":
        wide = np.float64 if like.dtype.itemsize > 4 else np.float32
        return voxels.astype(wide, copy=False), 0, []
    if too_coarse(like.slope, volume, derivation):
        return voxels, 0, [COARSE]
    scaling = {"slope": like.slope, "intercept": like.intercept}
    stored, clipped = quantise(voxels, like.dtype.newbyteorder("="), **scaling)
    return stored, clipped, [said_of_clipped(voxels, like.dtype, **scaling)] * bool(clipped)


def values_stored(volume: Volume, derivation: Derivation) -> Array:
    """The values of the numbers to store, as voxels."""
    source = volume.source if isinstance(volume.source, FileSource) else None
    if source is None or not same_grid(volume, source.described):
        return volume.voxels
    stored, _, _ = to_store(volume, source, derivation)
    if stored.dtype.kind == "f":
        return stored.astype(np.float32, copy=False)
    return physical(stored, source.described.slope, source.described.intercept)


def restored(voxels: Array, source: FileSource) -> Array:
    """The voxels with what is not finite in the source, where it was."""
    where, were = source.nonfinite
    if not where.size:
        return voxels
    again = voxels.copy()
    again.reshape(-1)[where] = were
    return again


def spatial_first(voxels: Stored, shape: tuple[int, ...] | None) -> Stored:
    """The stored order of voxels `(c, x, y, z)`, in `shape` if that is given."""
    moved = np.moveaxis(voxels, 0, -1)
    if shape is None:
        shape = moved.shape if moved.shape[-1] > 1 else moved.shape[:-1]
    return moved.reshape(shape)


def facts_of(described: Described) -> dict[str, Any]:
    """What `inspect` shows of a header."""
    spacing = np.linalg.norm(described.affine[:3, :3], axis=0)
    count = (*described.shape, 1, 1)[3]
    return {
        "shape": described.shape,
        "spacing_mm": tuple(round(float(s), 4) for s in spacing),
        "stored": described.dtype.name,
        "kind": f"stack of {count}" if count > 1 else "volume",
    }


def require_kept(volume: Volume, written: Described, path: Path, *, title: str) -> None:
    """Raise WriteRefused if the written header does not hold the grid, as of a sheared one."""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in volume.shape])).reshape(3, -1)
    points = np.vstack([corners, np.ones(corners.shape[1])])
    if np.abs((written.affine - volume.affine) @ points).max() > SHEAR_MM:
        raise WriteRefused(
            f"{path}: {title} cannot hold this grid, whose axes are not at right angles; "
            "resample the scan, or convert it to NIfTI first"
        )
