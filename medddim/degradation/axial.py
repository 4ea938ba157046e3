"""What every CT degradation asks of a scan: Hounsfield units, and the plane the tube turns in."""

from __future__ import annotations

import numpy as np

from medddim.errors import UnsupportedScan
from medddim.volume import Array, Volume

HU_MIN, HU_MAX = -1024.0, 3071.0
"""The range of 12 stored bits, -1000 being air; scanners pad with values below it."""

SQUARE_PIXELS = 0.02
"""In-plane spacings may differ by this share: pixels of CT are square, headers are rounded."""


def require_hu(volume: Volume, what: str) -> None:
    """Raise UnsupportedScan unless the scan is a CT in Hounsfield units."""
    if not volume.in_hu:
        found = volume.modality or "a scan of unknown modality"
        raise UnsupportedScan(
            f"expected a CT in Hounsfield units for {what}, found {found}; "
            'a NIfTI file says so in a JSON file beside it: {"Modality": "CT"}'
        )


def axial_axis(volume: Volume) -> int:
    """The voxel axis along which the patient lies: the one across a single slice, or S to I."""
    if 1 in volume.shape:
        return volume.slice_axis
    return volume.axes_of_world[2]


def in_plane_mm(volume: Volume) -> float:
    """The pixel size of the axial slices. Raises UnsupportedScan if pixels are not square."""
    first, second = (s for axis, s in enumerate(volume.spacing_mm) if axis != axial_axis(volume))
    if abs(first - second) > SQUARE_PIXELS * first:
        raise UnsupportedScan(
            f"expected square pixels in the axial slices of a CT, found {first:.3g} x "
            f"{second:.3g} mm; take the scan as the scanner reconstructed it"
        )
    return first


def slice_distance_mm(volume: Volume) -> float:
    """The distance of the axial slices."""
    return volume.spacing_mm[axial_axis(volume)]


def axial_slices(volume: Volume) -> tuple[Array, list[Array]]:
    """A copy of the voxels, and writable views of its axial slices, channel by channel."""
    voxels = volume.voxels.copy()
    images = np.moveaxis(voxels, 1 + axial_axis(volume), 1)
    return voxels, [image for channel in images for image in channel]
