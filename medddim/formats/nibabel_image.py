"""An image of nibabel's as a Volume, and back: the NIfTI format without a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from medddim.errors import UnsupportedScan
from medddim.formats.naming import safe_name
from medddim.intensity import modality_code
from medddim.volume import Volume

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Pair
    from nibabel.spatialimages import SpatialImage as SpatialImage

    NiftiImage: TypeAlias = Nifti1Pair

IN_MEMORY = Path("(an image in memory)")


def from_nibabel(image: SpatialImage, *, modality: str = "") -> Volume:
    """The Volume of an image of nibabel's; a result is written like the NIfTI image it came from.

    The rules are those of reading a file: the sform where it has a code, else the qform; the unit
    of length of the header; NaN as 0 until it is written. The modality is that given, else the one
    `to_nibabel` kept in `image.extra`, else that of the JSON file beside the image's own file.
    Raises UnsupportedScan for complex voxels, colours and labels, and for an image that does not
    say where it lies (NIfTI without sform and qform, Analyze); UnreadableScan for a broken header.
    """
    from nibabel.nifti1 import Nifti1Pair

    if not hasattr(image, "affine") or not hasattr(image, "dataobj"):
        raise UnsupportedScan(f"expected a nibabel image, found {type(image).__name__}")
    if image.affine is None:
        raise UnsupportedScan(
            f"{_path(image)}: the image has no affine, so left and right are unknown; give it one"
        )
    volume = _of_nifti(image) if isinstance(image, Nifti1Pair) else _of_another(image)
    extra = getattr(image, "extra", {})
    said = modality_code(modality or extra.get("modality") or volume.modality)
    unit = extra.get("unit", "HU" if said == "CT" else "")
    path = _path(image)
    name = safe_name(path.name.removesuffix(".gz").removesuffix(".nii")) if path.name else ""
    return replace(volume, modality=said, unit=unit, name="" if path == IN_MEMORY else name)


def to_nibabel(volume: Volume) -> NiftiImage:
    """A float32 NIfTI image in mm, RAS+, with the header of the NIfTI file the volume came from.

    Axes are (x, y, z), and the channel fourth where there are several. Modality and unit, for which
    the header has no field, are in `image.extra`.
    """
    from medddim.formats.nifti.memory import image_class, in_memory

    header, data = in_memory(volume)
    kept = {"modality": volume.modality, "unit": volume.unit}
    image: NiftiImage = image_class(header)(data, np.array(volume.affine), header, extra=kept)
    return image


def _path(image: SpatialImage) -> Path:
    name = image.get_filename()
    return Path(name) if isinstance(name, str) else IN_MEMORY


def _of_nifti(image: NiftiImage) -> Volume:
    from medddim.formats.guard import require_sound_affine
    from medddim.formats.nifti.header import require_image
    from medddim.formats.nifti.memory import image_class, volume_of

    path = _path(image)
    if np.iscomplexobj(image.dataobj) or image.get_data_dtype().kind == "c":
        raise UnsupportedScan(f"{path}: expected real voxels, found complex ones; take np.abs")
    stored, scaling = _stored(image)
    require_sound_affine(np.asarray(image.affine, dtype=np.float64), path)
    # anew, with a header of its own: that of the image may be behind its affine
    blank = np.broadcast_to(np.float32(0), stored.shape)
    anew = image_class(image.header)(blank, image.affine, image.header)
    anew.header.set_data_dtype(stored.dtype)
    require_image(anew.header, path)
    return volume_of(stored, anew, path, scaling=scaling)


def _stored(image: NiftiImage) -> tuple[Any, tuple[float, float]]:
    """The integers of a file and what they are multiplied by; what is in memory needs neither."""
    data: Any = image.dataobj
    if hasattr(data, "get_unscaled"):
        unscaled = np.asarray(data.get_unscaled())
        native = unscaled.astype(unscaled.dtype.newbyteorder("="), copy=False)
        return native, (float(data.slope), float(data.inter))
    values = np.asarray(data)
    return (values.astype(np.uint8) if values.dtype == bool else values), (1.0, 0.0)


def _of_another(image: SpatialImage) -> Volume:
    from nibabel.analyze import AnalyzeImage

    if type(image) is AnalyzeImage:  # nibabel makes an affine up
        raise UnsupportedScan(
            f"{_path(image)}: expected an image that says where it lies, found Analyze; convert it "
            "to NIfTI with its orientation"
        )
    voxels = np.asarray(image.dataobj)
    if voxels.dtype.kind not in "iufb" or voxels.ndim not in (2, 3, 4):
        raise UnsupportedScan(
            f"{_path(image)}: expected 2 to 4 dimensions of real numbers, found "
            f"{voxels.ndim} of {voxels.dtype}"
        )
    x, y, z, channels = (*voxels.shape, 1, 1)[:4]
    spatial = voxels.reshape(x, y, z, channels)
    return Volume(np.moveaxis(spatial, -1, 0), np.asarray(image.affine, dtype=np.float64))
