"""An image of SimpleITK's as a Volume, and back: LPS turned to RAS+, shear refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from medddim.errors import EnvironmentProblem, UnsupportedScan
from medddim.intensity import modality_code
from medddim.volume import Affine, Volume

if TYPE_CHECKING:
    from SimpleITK import Image

    SitkImage: TypeAlias = Image

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
MODALITY, RESCALE_TYPE = "0008|0060", "0028|1054"
"""Keys under which ITK keeps the DICOM attributes Modality and Rescale Type."""
RIGHT_ANGLES = 1e-4
"""Largest cosine between two axes, and error of their length, that is still rounding."""


def from_sitk(image: SitkImage, *, modality: str = "") -> Volume:
    """The Volume of an image of SimpleITK's, its position turned from LPS to RAS+.

    Three dimensions, or four; the components of a vector image and the fourth dimension become
    channels. Modality and unit are those given, else what the metadata say under their DICOM tags
    (0008|0060 and 0028|1054). Raises UnsupportedScan for other dimensions, complex voxels and
    colours.
    """
    module = _module()
    if not isinstance(image, module.Image):
        raise UnsupportedScan(f"expected a SimpleITK image, found {type(image).__name__}")
    dimensions, components = image.GetDimension(), image.GetNumberOfComponentsPerPixel()
    if dimensions not in (3, 4):
        raise UnsupportedScan(
            f"expected a SimpleITK image of 3 or 4 dimensions, found {dimensions}; "
            "sitk.JoinSeries gives a single slice its place along the third"
        )
    if "complex" in image.GetPixelIDTypeAsString():
        raise UnsupportedScan("expected real voxels, found complex ones; take their magnitude")
    if components in (3, 4) and image.GetPixelID() == module.sitkVectorUInt8:
        raise UnsupportedScan("expected one real number a voxel, found colours")
    stated = {key: image.GetMetaData(key).strip() for key in image.GetMetaDataKeys()}
    said = modality_code(modality or stated.get(MODALITY, ""))
    unit = stated.get(RESCALE_TYPE, "HU" if said == "CT" else "")
    voxels = _channels_first(module.GetArrayFromImage(image), vector=components > 1)
    return Volume(voxels, _affine(image), modality=said, unit="HU" if unit == "HU" else "")


def to_sitk(volume: Volume) -> SitkImage:
    """A float32 image of SimpleITK's, its position in LPS; channels become components.

    Modality and unit stand in its metadata under their DICOM tags. Raises UnsupportedScan for axes
    that are not at right angles: SimpleITK has spacing and direction cosines, and cannot say it.
    """
    module = _module()
    lps = LPS_TO_RAS @ volume.affine
    direction = lps[:3, :3] / volume.spacing_mm
    lean = float(np.abs(direction.T @ direction - np.eye(3)).max())
    if lean > RIGHT_ANGLES:
        degrees = float(np.degrees(np.arcsin(min(lean, 1.0))))
        raise UnsupportedScan(
            f"the axes of the scan lean {degrees:.2f} degrees from a right angle, which an image "
            "of SimpleITK cannot say; keep it in nibabel, or resample it to right angles first"
        )
    voxels = np.ascontiguousarray(np.transpose(volume.voxels))  # (z, y, x, channel)
    single = volume.channels == 1
    image: SitkImage = module.GetImageFromArray(
        voxels[..., 0] if single else voxels, isVector=not single
    )
    image.SetSpacing(volume.spacing_mm)
    image.SetDirection(direction.ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    for key, value in {MODALITY: volume.modality, RESCALE_TYPE: volume.unit}.items():
        if value:
            image.SetMetaData(key, value)
    return image


def _module() -> Any:
    try:
        import SimpleITK
    except ImportError:
        raise EnvironmentProblem(
            "SimpleITK is not installed; pip install SimpleITK, or use nibabel"
        ) from None
    return SimpleITK


def _channels_first(array: npt.NDArray[np.float32], *, vector: bool) -> npt.NDArray[np.float32]:
    if vector and array.ndim == 5:
        raise UnsupportedScan("expected channels once, found vectors along a fourth dimension")
    if array.ndim == 3:
        return np.transpose(array)[None]
    return np.transpose(array) if vector else np.transpose(array, (0, 3, 2, 1))


def _affine(image: SitkImage) -> Affine:
    count = image.GetDimension()
    direction = np.reshape(image.GetDirection(), (count, count))[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = direction * np.array(image.GetSpacing()[:3])
    affine[:3, 3] = image.GetOrigin()[:3]
    result: Affine = LPS_TO_RAS @ affine
    return result
