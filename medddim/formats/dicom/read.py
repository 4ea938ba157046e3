"""A DICOM series as a Volume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import HTJ2K, JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from medddim.errors import UnreadableScan
from medddim.formats.contract import Series
from medddim.formats.dicom.codestream import require_sound_frames
from medddim.formats.dicom.files import Header
from medddim.formats.dicom.find import examine
from medddim.formats.dicom.frames import frame_dataset, is_enhanced
from medddim.formats.dicom.geometry import Grid
from medddim.formats.dicom.keep import kept
from medddim.formats.dicom.repair import Held, Stack, filled, frozen, upright
from medddim.formats.dicom.vendor import name_diffusion
from medddim.formats.guard import reading, reading_takes, require_memory
from medddim.formats.quantise import require_float32_holds
from medddim.volume import Affine, Array, Volume

HOUNSFIELD = {"", "HU", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNDSFIELD UNIT"}

LOSSY = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}
"""Transfer syntaxes that may lose something, with their LossyImageCompressionMethod."""

ALWAYS_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit)

DECODED_BYTES = 3
"""Of a voxel, beside its value: its integer, and whether it is outside."""

Stored = npt.NDArray[np.integer[Any]]
Scale = tuple[float, float]


@dataclass(frozen=True, eq=False, repr=False)
class DicomSource:
    """What a result needs to be written like the series it came from.

    `headers` (kept attributes only), `origins` (what a reference to it says) and `scales` (slope,
    intercept) follow the stored images, one stack after the other. `slices` has one entry for each
    slice of each channel of the Volume: the stored images it was made from, the nearest first;
    `made` says whether it was computed rather than stored. `padding` is flat indices into
    `(channel, slice, row, column)` of voxels outside the image, and what they held. `part` is which
    of how many scans of one series this is, from 0.
    """

    format: ClassVar[str] = "dicom"

    headers: tuple[Dataset, ...]
    origins: tuple[Dataset, ...]
    scales: tuple[Scale, ...]
    slices: tuple[tuple[int, ...], ...]
    made: tuple[bool, ...]
    affine: Affine
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    padding: tuple[npt.NDArray[np.intp], Stored]
    repairs: tuple[str, ...] = ()
    part: tuple[int, int] = (0, 1)

    @property
    def channels(self) -> int:
        """How many stacks the series holds."""
        return len(self.slices) // self.shape[2]


def read_series(series: Series) -> Volume:
    """The voxels times slope plus intercept, each slice with its own; MONOCHROME1 as stored.

    Raises UnreadableScan, UnsupportedScan or IrregularGeometry.
    """
    grids = examine(series.files, series.repair)
    if series.part >= len(grids):
        raise UnreadableScan(
            f"{series.files[0].parent}: the files changed since they were found; find them again"
        )
    grid = grids[series.part]
    count = math.prod(grid.shape) * len(grid.stacks)
    require_memory(reading_takes(count, stored=DECODED_BYTES), series.files[0].parent)
    files = _Files(weighted=_is_weighted(grid), gated="TriggerTime" in grid.split_by)
    held = Held(sum(map(len, grid.stacks)))
    stored = [held.taken(_Image(header, files)) for stack in grid.stacks for header in stack]
    _darken_padding(stored)
    whole = _repaired(held, grid)
    outside = np.flatnonzero(whole.outside)
    source = DicomSource(
        headers=tuple(image.kept for image in stored),
        origins=tuple(image.origin for image in stored),
        scales=tuple(image.scale for image in stored),
        slices=_slices(grid),
        made=grid.made * len(grid.stacks),
        affine=grid.affine,
        shape=grid.shape,
        dtype=whole.stored.dtype,
        padding=(outside, whole.stored.reshape(-1)[outside]),
        repairs=grid.repairs,
        part=(series.part, len(grids)),
    )
    voxels = frozen(whole.values).transpose(0, 3, 2, 1)
    modality = str(stored[0].kept.Modality)
    return Volume(voxels, grid.affine, modality=modality, unit=_unit(grid), source=source)


def _is_weighted(grid: Grid) -> bool:
    """Whether there is diffusion weighting: GE and Philips say a b-value of 0 in all MR images."""
    return any(header.dataset.get("DiffusionBValue") for stack in grid.stacks for header in stack)


def _is_gated(dataset: Dataset) -> bool:
    """Whether TriggerTime has a meaning: of a multi-frame image it is the time since the begin.

    dcm2niix makes a file of each volume of Philips whose TriggerTime differs.
    """
    return str(dataset.get("CardiacSynchronizationTechnique", "NONE")) != "NONE"


def _settle_trigger(dataset: Dataset, *, gated: bool) -> None:
    """TriggerTime only with a trigger, which classic images name in ScanOptions (PS3.3 C.8.3.1)."""
    if not gated:
        dataset.pop("TriggerTime", None)
    elif "TriggerTime" in dataset and not dataset.get("ScanOptions"):
        dataset.ScanOptions = "PPG" if dataset.get("CardiacSignalSource") == "PP" else "CG"


def _repaired(held: Held, grid: Grid) -> Stack:
    """All stacks as one, each array `(stack, slice, row, column)`."""
    count = len(grid.stacks)
    whole = [array.reshape(count, -1, *array.shape[1:]) for array in held.arrays]
    found = []
    for one in (Stack(*arrays) for arrays in zip(*whole, strict=True)):
        stack = filled(one, grid.along)
        stack = upright(stack, grid.shear) if grid.shear else stack
        if stack is one:  # an even stack, as are all
            return Stack(*whole)
        found.append((stack.values, stack.stored, stack.outside))
    return Stack(*map(np.stack, zip(*found, strict=True)))


def _slices(grid: Grid) -> tuple[tuple[int, ...], ...]:
    count = len(grid.headers)
    near = [dict.fromkeys((round(place), int(np.floor(place)), int(np.ceil(place))))
            for place in grid.along.tolist()]  # fmt: skip
    return tuple(
        tuple(stack * count + image for image in images)
        for stack in range(len(grid.stacks))
        for images in near
    )


class _Files:
    """The files read so far; a multi-frame one is decoded once for all its frames."""

    def __init__(self, *, weighted: bool, gated: bool) -> None:
        self.gated = gated
        self._weighted = weighted
        self._open: dict[Path, tuple[FileDataset, Stored]] = {}

    def image(self, header: Header) -> tuple[Dataset, Stored]:
        """The whole header of an image, under classic names, and its pixels as stored."""
        if header.frame is None:
            dataset = pydicom.dcmread(header.path)
            if self._weighted:
                name_diffusion(dataset)
            return dataset, _decoded(dataset, header.path)
        if header.path not in self._open:
            dataset = pydicom.dcmread(header.path)
            self._open[header.path] = (dataset, _decoded(dataset, header.path))
        dataset, frames = self._open[header.path]
        return frame_dataset(dataset, header.frame), frames[header.frame]


class _Image:
    """One decoded slice."""

    def __init__(self, header: Header, files: _Files) -> None:
        with reading(header.path, "DICOM"):
            dataset, decoded = files.image(header)
            self.outside = _outside(dataset, decoded)
            self.stored = np.where(self.outside, decoded, _without_spare_bits(decoded, dataset))
            slope = float(dataset.get("RescaleSlope", 1))
            intercept = float(dataset.get("RescaleIntercept", 0))
            if header.frame is not None:
                _settle_trigger(dataset, gated=files.gated or _is_gated(dataset))
            self.kept = kept(dataset)
            self.origin = _origin(header, dataset)
            _remember_loss(self.kept, header)
        self.scale = (slope, intercept)
        self.values: Array = (self.stored * np.float64(slope) + intercept).astype(np.float32)
        require_float32_holds(
            self.stored, self.values, header.path, slope=slope, intercept=intercept
        )
        self.path = header.path


def _origin(header: Header, dataset: Dataset) -> Dataset:
    """How a result refers to this image (DICOM PS3.3 10.3, Image SOP Instance Reference)."""
    item = Dataset()
    item.ReferencedSOPClassUID = header.sop_class
    item.ReferencedSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    if header.frame is not None:
        item.ReferencedFrameNumber = header.frame + 1
    return item


def _remember_loss(kept_header: Dataset, header: Header) -> None:
    """What was once compressed with loss says so for ever (PS3.3 C.7.6.1.1.5)."""
    said = kept_header.get("LossyImageCompression")
    if header.syntax in LOSSY and (not said or header.syntax in ALWAYS_LOSSY) and said != "01":
        whole = header.dataset.Rows * header.dataset.Columns * header.dataset.BitsAllocated / 8
        kept_header.LossyImageCompression = "01"
        kept_header.LossyImageCompressionRatio = f"{whole * header.frames / header.pixel_bytes:.3g}"
        kept_header.LossyImageCompressionMethod = LOSSY[header.syntax]


def _decoded(dataset: FileDataset, path: Path) -> Stored:
    """The pixels as 16 bit integers, the bits above BitsStored still in place."""
    require_sound_frames(dataset, path)
    dataset.pixel_array_options(correct_unused_bits=False)
    decoded: Stored = dataset.pixel_array
    expected: tuple[int, ...] = (dataset.Rows, dataset.Columns)
    if is_enhanced(dataset):
        expected = (int(dataset.get("NumberOfFrames") or 1), *expected)
        decoded = decoded.reshape(-1, *decoded.shape[-2:])  # one frame comes without its axis
    if decoded.shape != expected:
        raise UnreadableScan(
            f"{path}: expected pixels of Rows × Columns, found another size once decoded; get the "
            "file again from its source"
        )
    return decoded.astype(np.int16 if dataset.PixelRepresentation else np.uint16)


def _outside(dataset: Dataset, decoded: Stored) -> npt.NDArray[np.bool_]:
    """Voxels of PixelPaddingValue, or between it and PixelPaddingRangeLimit."""
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return np.zeros(decoded.shape, dtype=bool)
    limit = dataset.get("PixelPaddingRangeLimit")
    # scanners write -2000 as 63536 and the other way round: the bits count
    ends = np.array([value, value if limit is None else limit]).astype(decoded.dtype)
    outside: npt.NDArray[np.bool_] = (decoded >= ends.min()) & (decoded <= ends.max())
    return outside


def _without_spare_bits(decoded: Stored, dataset: Dataset) -> Stored:
    """The value alone: old scanners keep an overlay in the bits above BitsStored."""
    spare = 16 - int(dataset.BitsStored)
    return np.right_shift(np.left_shift(decoded, spare), spare)


def _darken_padding(images: list[_Image]) -> None:
    """Padding of MR reads as no signal, 0 or the darkest voxel below: it may hold anything.

    In CT it stays, for the scale begins at air and all below it is known not to be of the scan.
    """
    inside = [image.values[~image.outside] for image in images if image.outside.any()]
    if not inside or images[0].kept.Modality != "MR":
        return
    inside += [image.values for image in images if not image.outside.any()]
    darkest = min([0.0, *(float(values.min()) for values in inside if values.size)])
    for image in images:
        image.values[image.outside] = darkest


def _unit(grid: Grid) -> str:
    dataset = grid.headers[0].dataset
    said = str(dataset.get("RescaleType") or "").strip().upper()
    return "HU" if dataset.Modality == "CT" and said in HOUNSFIELD else ""
