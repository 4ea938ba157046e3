"""A Volume and the numbers and header of a NIfTI image, without a file between them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from nibabel.nifti1 import Nifti1Image
from nibabel.nifti2 import Nifti2Header, Nifti2Image

from medddim.formats import nifti
from medddim.formats.nifti.fields import NiftiHeader
from medddim.formats.nifti.header import shape_of
from medddim.formats.nifti.place import affine_mm, warn_of_two_places
from medddim.formats.nifti.save import header_of_result
from medddim.formats.single_file import ToSave
from medddim.formats.stored import Described, FileSource, restored, same_grid, spatial_first
from medddim.volume import Affine, Volume


def image_class(header: NiftiHeader) -> Any:
    """The nibabel image that goes with this header."""
    return Nifti2Image if isinstance(header, Nifti2Header) else Nifti1Image


MM = {"meter": 1e3, "micron": 1e-3}
ROUNDING = 1e-6
"""Of float32, in which a header holds an affine, as a share of its largest number."""


def volume_of(
    stored: npt.NDArray[Any], image: Any, path: Path, *, scaling: tuple[float, float]
) -> Volume:
    """The Volume of the numbers `stored` of an image whose header is checked.

    `scaling` is slope and intercept, `path` for messages, and for the JSON file beside it. Raises
    UnsupportedScan.
    """
    header = image.header
    warn_of_two_places(header, path)
    place = _exact(affine_mm(header, path), image)
    described = Described(header, shape_of(header), place, header.get_data_dtype(), *scaling)
    return nifti.Nifti().volume_of(stored, described, path)


def _exact(place: Affine, image: Any) -> Affine:
    """The affine of the header in mm, with the digits that the image has and its header has not."""
    exact = np.array(image.affine, dtype=np.float64)
    exact[:3] *= MM.get(image.header.get_xyzt_units()[0], 1.0)
    close = np.abs(exact - place).max() <= ROUNDING * np.abs(exact).max()
    return exact if close else place


def in_memory(volume: Volume) -> tuple[NiftiHeader, npt.NDArray[np.float32]]:
    """The header and the float32 voxels, spatial axes first, of the NIfTI image it would be in mm.

    The header is that of the NIfTI file the volume came from, else a new one.
    """
    source = volume.source if isinstance(volume.source, FileSource) else None
    if source and source.format != nifti.Nifti.name:
        source = None
    same = source is not None and same_grid(volume, source.described)
    voxels = restored(volume.voxels, source) if source and same else volume.voxels
    voxels = spatial_first(voxels, source.described.shape if source and same else None)
    like = source.described if source else None
    header = header_of_result(ToSave(voxels, volume.affine, like, same, ""), Path(volume.name))
    header.set_slope_inter(1, 0)
    header["descrip"] = like.header["descrip"] if like else b""
    header.set_xyzt_units("mm", int(header["xyzt_units"]) & 56)  # NIfTI-1: bits 3 to 5 are time
    header.set_sform(volume.affine, int(header["sform_code"]))
    header.set_qform(volume.affine, int(header["qform_code"]), strip_shears=True)
    return header, np.array(voxels)
