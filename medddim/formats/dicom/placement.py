"""Where the slices of a result lie, and which slices of the source each one was made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydicom.valuerep import format_number_as_ds

from medddim.errors import WriteRefused
from medddim.formats.dicom.geometry import LPS_TO_RAS
from medddim.formats.dicom.planes import Vector
from medddim.formats.dicom.read import DicomSource
from medddim.volume import Affine, Volume

SAME_AFFINE_MM = 1e-4
RIGHT_ANGLE = 1e-3


@dataclass(frozen=True, eq=False)
class Placement:
    """One slice to write.

    `index` counts the slices of all channels, one channel after the other; `sources` are the
    stored images beside it (as in `DicomSource.headers`), the nearest first; `preserved` says
    whether voxels lie where the source's lie, `padded` whether its padding is put back;
    `attributes` is what the header says of the place.
    """

    index: int
    sources: tuple[int, ...]
    preserved: bool
    padded: bool
    attributes: dict[str, Any]


def is_same_grid(volume: Volume, source: DicomSource) -> bool:
    """Whether every voxel of the result lies where one of the source, once repaired, lies."""
    if volume.shape != source.shape:
        return False
    return bool(np.allclose(volume.affine, source.affine, rtol=0, atol=SAME_AFFINE_MM))


def placements(
    volume: Volume, source: DicomSource, *, thickness_mm: float | None = None
) -> list[Placement]:
    """One Placement for each slice, channel by channel, in order along the normal.

    Slices of a new spacing are as thick as that, or `thickness_mm`, with gaps between them.
    Raises WriteRefused if the grid is not right-angled: a DICOM slice cannot say so.
    """
    if is_same_grid(volume, source) and not any(source.made):
        return [_unchanged(source, index) for index in range(len(source.slices))]
    placed = _resampled(volume, source, thickness_mm)
    if not is_same_grid(volume, source):
        return placed
    return [
        replace(place, padded=True) if source.made[place.index] else _unchanged(source, place.index)
        for place in placed
    ]


def _unchanged(source: DicomSource, index: int) -> Placement:
    header = source.headers[source.slices[index][0]]
    normal = np.cross(header.ImageOrientationPatient[:3], header.ImageOrientationPatient[3:])
    attributes = {"SliceLocation": _ds(float(np.dot(header.ImagePositionPatient, normal)))}
    if source.shape[2] > 1 and (header.Modality == "MR" or "SpacingBetweenSlices" in header):
        gap_mm = float(np.linalg.norm(source.affine[:3, 2]))
        attributes["SpacingBetweenSlices"] = _ds(round(gap_mm, 6))
    return Placement(index, source.slices[index], True, True, attributes)


def _resampled(volume: Volume, source: DicomSource, thickness_mm: float | None) -> list[Placement]:
    lps = LPS_TO_RAS @ volume.affine
    spacing = np.array(volume.spacing_mm)
    axes = (lps[:3, :3] / spacing).T
    normal = np.cross(axes[0], axes[1])
    towards = float(normal @ axes[2])
    if abs(axes[0] @ axes[1]) > RIGHT_ANGLE or abs(abs(towards) - 1) > RIGHT_ANGLE:
        raise WriteRefused(
            "a DICOM series cannot hold a sheared grid; write this scan as NIfTI, or resample it"
        )
    shared = _shared_attributes(axes, spacing, volume, source)
    if thickness_mm and "SliceThickness" in shared:
        shared["SliceThickness"] = _ds(thickness_mm)
        if not np.isclose(thickness_mm, spacing[2]):
            shared["SpacingBetweenSlices"] = _ds(round(float(spacing[2]), 6))
    count = volume.shape[2]
    order = list(range(count)) if towards > 0 else list(reversed(range(count)))
    result = []
    for channel in range(volume.channels):
        for k in order:
            corner = lps[:3, 3] + k * lps[:3, 2]
            attributes = shared | {
                "ImagePositionPatient": [_ds(value) for value in corner],
                "SliceLocation": _ds(float(corner @ normal)),
            }
            centre = (lps @ [(volume.shape[0] - 1) / 2, (volume.shape[1] - 1) / 2, k, 1])[:3]
            sources = _beside(centre, source, channel)
            result.append(Placement(channel * count + k, sources, False, False, attributes))
    return result


def _shared_attributes(
    axes: Vector, spacing: Vector, volume: Volume, source: DicomSource
) -> dict[str, Any]:
    attributes: dict[str, Any] = {
        "ImageOrientationPatient": [_ds(value) for value in (*axes[0], *axes[1])],
        "PixelSpacing": [_ds(float(spacing[1])), _ds(float(spacing[0]))],
    }
    if not np.isclose(spacing[2], _gap_mm(source.affine), rtol=1e-4):
        attributes["SliceThickness"] = _ds(round(float(spacing[2]), 6))
    if volume.modality != "CT" or "SpacingBetweenSlices" in source.headers[0]:
        attributes["SpacingBetweenSlices"] = _ds(round(float(spacing[2]), 6))
    return attributes


def _gap_mm(affine: Affine) -> float:
    return float(np.linalg.norm(affine[:3, 2]))


def _beside(centre: Vector, source: DicomSource, channel: int) -> tuple[int, ...]:
    """The stored images of the one or two source slices nearer to `centre` than their spacing."""
    lps = LPS_TO_RAS @ source.affine
    normal = np.cross(lps[:3, 0], lps[:3, 1])
    normal /= np.linalg.norm(normal)
    place = float((centre - lps[:3, 3]) @ normal / (lps[:3, 2] @ normal))
    count = source.shape[2]
    nearest = sorted(range(count), key=lambda k: abs(k - place))[:2]
    near = [k for k in nearest if k == nearest[0] or abs(k - place) < 1 - 1e-6]
    images = [image for k in near for image in source.slices[channel * count + k]]
    return tuple(dict.fromkeys(images))


def _ds(value: float) -> str:
    # adding 0 turns -0.0 into 0.0
    return str(format_number_as_ds(float(value) + 0.0))
