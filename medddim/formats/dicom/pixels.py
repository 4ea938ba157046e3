"""Voxels back to stored integers: one slope for the whole series, padding as it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.valuerep import format_number_as_ds

from medddim.formats.dicom.placement import is_same_grid
from medddim.formats.dicom.read import DicomSource, Scale, Stored
from medddim.formats.quantise import quantise
from medddim.volume import Array, Volume

HOUNSFIELD_SCALE = (1.0, -1024.0)
WINDOW_PERCENTILES = (1, 99)


@dataclass(frozen=True, eq=False)
class Pixels:
    """What the files will hold.

    `stored` is `(slice, row, column)`, one channel after the other; `scale` slope and intercept.
    """

    stored: Stored
    scale: Scale
    bits: int
    clipped: int
    window: tuple[float, float]


def pixels_like(volume: Volume, source: DicomSource) -> Pixels:
    """Round to the source's integers, clip to 16 bit, and put the padding voxels back."""
    columns, rows, _ = volume.shape
    values = volume.voxels.transpose(0, 3, 2, 1).reshape(-1, rows, columns)
    scale = _one_scale(values, volume, source)
    integers, clipped = quantise(values, source.dtype, slope=scale[0], intercept=scale[1])
    stored: Stored = np.ascontiguousarray(integers)
    if is_same_grid(volume, source):
        where, were = source.padding
        stored.reshape(-1)[where] = were
    low, high = np.percentile(values[:: max(1, len(values) // 16)], WINDOW_PERCENTILES)
    window = (float(low + high) / 2, max(float(high - low), 1.0))
    return Pixels(stored, scale, _bits(stored, source), clipped, window)


def values_of(pixels: Pixels, volume: Volume) -> Array:
    """The values that are stored, as voxels `(channel, x, y, z)`."""
    slope, intercept = pixels.scale
    columns, rows, slices = volume.shape
    stored = pixels.stored.reshape(-1, slices, rows, columns).transpose(0, 3, 2, 1)
    return (stored * np.float64(slope) + intercept).astype(np.float32)


def describe_pixels(header: Dataset, pixels: Pixels, k: int, *, rescaled: bool) -> None:
    """Set the attributes that say how slice `k` is stored, and its PixelData."""
    header.SamplesPerPixel = 1
    header.Rows, header.Columns = pixels.stored.shape[1:]
    header.BitsAllocated = 16
    header.BitsStored = pixels.bits
    header.HighBit = pixels.bits - 1
    header.PixelRepresentation = int(pixels.stored.dtype.kind == "i")
    if rescaled:
        _set_scale(header, pixels.scale)
    _set_window(header, pixels)
    header.PixelData = pixels.stored[k].astype(pixels.stored.dtype.newbyteorder("<")).tobytes()
    header["PixelData"].VR = "OW"


def _set_scale(header: Dataset, scale: Scale) -> None:
    old = (header.get("RescaleSlope"), header.get("RescaleIntercept"))
    if old != scale:  # else the digits of the source stay as they are
        header.RescaleSlope, header.RescaleIntercept = (_ds(value) for value in scale)
    header.RescaleType = header.get("RescaleType") or ("HU" if header.Modality == "CT" else "US")


def _one_scale(values: npt.NDArray[np.float32], volume: Volume, source: DicomSource) -> Scale:
    """The source's, if all its slices share one; else one that spans the range of the result."""
    if len(set(source.scales)) == 1:
        return source.scales[0]
    if volume.in_hu and source.dtype.kind == "i":
        return HOUNSFIELD_SCALE
    limits = np.iinfo(source.dtype)
    low, high = min(float(values.min()), 0.0), float(values.max())
    slope = float(_ds((high - low) / limits.max or 1.0))
    return slope, float(_ds(low))


def _bits(stored: Stored, source: DicomSource) -> int:
    """BitsStored: the source's if the values fit, else 16."""
    bits = max(int(header.BitsStored) for header in source.headers)
    signed = stored.dtype.kind == "i"
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    fits = low <= int(stored.min()) and int(stored.max()) <= high
    return bits if fits and bits >= 12 else 16


def _set_window(header: Dataset, pixels: Pixels) -> None:
    """CT keeps its windows; MR gets one for the series, lest brightness jump between slices."""
    if header.Modality == "CT" and _has_window(header):
        return
    for keyword in ("WindowCenterWidthExplanation", "VOILUTFunction"):
        if keyword in header:
            delattr(header, keyword)
    header.WindowCenter, header.WindowWidth = (_ds(round(value, 3)) for value in pixels.window)


def _has_window(header: Dataset) -> bool:
    """Whether the header holds windows a viewer can use (PS3.3 C.11.2.1.2)."""
    centers, widths = (np.ravel(header.get(f"Window{key}") or []) for key in ("Center", "Width"))
    return 0 < centers.size == widths.size and bool((widths.astype(float) >= 1).all())


def _ds(value: Any) -> str:
    return str(format_number_as_ds(float(value)))
