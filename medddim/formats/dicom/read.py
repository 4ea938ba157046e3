"""A DICOM series as a Volume."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from medddim.errors import UnreadableScan
from medddim.formats.contract import Series
from medddim.formats.dicom.files import Header
from medddim.formats.dicom.find import examine
from medddim.formats.dicom.geometry import Grid
from medddim.formats.dicom.keep import kept
from medddim.formats.guard import reading
from medddim.formats.quantise import require_float32_holds
from medddim.volume import Affine, Array, Volume

HOUNSFIELD = {"", "HU", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNDSFIELD UNIT"}

LOSSY = {JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless, JPEG2000}

Stored = npt.NDArray[np.integer[Any]]
Scale = tuple[float, float]


@dataclass(frozen=True, eq=False, repr=False)
class DicomSource:
    """What a result needs to be written like the series it came from.

    `headers` (kept attributes only) and `scales` (slope, intercept) follow the slices; `padding`
    is flat indices into `(slice, row, column)` of voxels outside the image, and what they held.
    """

    format: ClassVar[str] = "dicom"

    headers: tuple[Dataset, ...]
    scales: tuple[Scale, ...]
    affine: Affine
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    padding: tuple[npt.NDArray[np.intp], Stored]


def read_series(series: Series) -> Volume:
    """The voxels times slope plus intercept, each slice with its own; MONOCHROME1 as stored.

    Raises UnreadableScan, UnsupportedScan or IrregularGeometry.
    """
    grid = examine(series.files)
    slices = [_Slice(header) for header in grid.headers]
    dtype = _one_dtype(slices)
    stored = np.stack([one.stored for one in slices])
    outside = np.flatnonzero(np.stack([one.outside for one in slices]))
    source = DicomSource(
        headers=tuple(one.kept for one in slices),
        scales=tuple(one.scale for one in slices),
        affine=grid.affine,
        shape=grid.shape,
        dtype=dtype,
        padding=(outside, stored.reshape(-1)[outside]),
    )
    voxels = np.stack([one.values for one in slices]).transpose(2, 1, 0)[np.newaxis]
    modality = str(slices[0].kept.Modality)
    return Volume(voxels, grid.affine, modality=modality, unit=_unit(grid), source=source)


class _Slice:
    """One decoded file."""

    def __init__(self, header: Header) -> None:
        path = header.path
        with reading(path, "DICOM"):
            dataset = pydicom.dcmread(path)
            decoded = _decoded(dataset, path)
            self.outside = _outside(dataset, decoded)
            self.stored = np.where(self.outside, decoded, _without_spare_bits(decoded, dataset))
            slope = dataset.get("RescaleSlope", 1)
            self.scale = (float(slope), float(dataset.get("RescaleIntercept", 0)))
            self.kept = kept(dataset)
            _remember_loss(self.kept, dataset)
        slope, intercept = self.scale
        self.values: Array = (self.stored * np.float64(slope) + intercept).astype(np.float32)
        require_float32_holds(self.stored, self.values, path, slope=slope, intercept=intercept)
        self.path = path


def _remember_loss(header: Dataset, dataset: FileDataset) -> None:
    """What was once compressed with loss says so for ever (PS3.3 C.7.6.1.1.5)."""
    if dataset.file_meta.TransferSyntaxUID in LOSSY and not header.get("LossyImageCompression"):
        header.LossyImageCompression = "01"


def _decoded(dataset: FileDataset, path: Path) -> Stored:
    """The pixels as 16 bit integers, the bits above BitsStored still in place."""
    dataset.pixel_array_options(correct_unused_bits=False)
    decoded: Stored = dataset.pixel_array
    if decoded.shape != (dataset.Rows, dataset.Columns):
        raise UnreadableScan(f"{path}: the pixels decode to another size than Rows × Columns")
    return decoded.astype(np.int16 if dataset.PixelRepresentation else np.uint16)


def _outside(dataset: FileDataset, decoded: Stored) -> npt.NDArray[np.bool_]:
    """Voxels of PixelPaddingValue, or between it and PixelPaddingRangeLimit."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(decoded.shape, dtype=bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    # scanners write -2000 as 63536 and the other way round: the bits count
    ends = np.array([value, value if limit is None else limit]).astype(decoded.dtype)
    outside: npt.NDArray[np.bool_] = (decoded >= ends.min()) & (decoded <= ends.max())
    return outside


def _without_spare_bits(decoded: Stored, dataset: FileDataset) -> Stored:
    """The value alone: old scanners keep an overlay in the bits above BitsStored."""
    spare = 16 - int(dataset.BitsStored)
    return np.right_shift(np.left_shift(decoded, spare), spare)


def _one_dtype(slices: list[_Slice]) -> np.dtype[Any]:
    dtypes = {one.stored.dtype for one in slices}
    if len(dtypes) != 1:
        raise UnreadableScan(f"{slices[0].path.parent}: signed and unsigned slices in one series")
    return dtypes.pop()


def _unit(grid: Grid) -> str:
    dataset = grid.headers[0].dataset
    said = str(dataset.get("RescaleType") or "").strip().upper()
    return "HU" if dataset.Modality == "CT" and said in HOUNSFIELD else ""
