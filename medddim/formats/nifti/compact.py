"""A small NIfTI file in memory: few grey levels, for a viewer, not for keeping."""

from __future__ import annotations

import gzip

import nibabel as nib
import numpy as np

from medddim.volume import Affine, Array


def compact(image: Array, affine: Affine, *, low: float, step: float) -> bytes:
    """One image `(x, y, z)` as .nii.gz, rounded to `low + n * step`; voxels and affine, no more.

    Stored as uint8 where that holds it, else as int16; what int16 cannot hold is clipped. Every
    file made with the same `low` and `step` holds numbers that can be subtracted as they stand.
    """
    levels = np.clip(np.rint((image - low) / step), -32768, 32767)
    narrow = levels.min() >= 0 and levels.max() <= 255
    file = nib.Nifti1Image(levels.astype(np.uint8 if narrow else np.int16), affine)
    file.header.set_slope_inter(step, low)
    file.header.set_xyzt_units("mm")
    return gzip.compress(_bytes(file), compresslevel=6, mtime=0)


def _bytes(file: nib.Nifti1Image) -> bytes:
    """The file as it stands: `to_bytes` would scale the levels anew."""
    header = file.header.copy()
    header["vox_offset"], header["magic"] = 352, b"n+1"
    voxels = np.asarray(file.dataobj).tobytes(order="F")
    return bytes(header.binaryblock) + bytes(4) + voxels
