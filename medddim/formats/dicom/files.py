"""Which files are DICOM, and what their headers say; pixels are left alone."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

from medddim.errors import ScanError, UnreadableScan, UnsupportedScan
from medddim.formats.guard import reading

KIND_TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "ImageType",
    "ComplexImageComponent", "NumberOfFrames", "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "ModalityLUTSequence", 0x0043102F,
)  # fmt: skip
GRID_TAGS = (
    "Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient",
    "SliceThickness", "SpacingBetweenSlices", "FrameOfReferenceUID",
)  # fmt: skip
STACK_TAGS = (
    "EchoNumbers", "EchoTime", "TemporalPositionIdentifier", "DiffusionBValue", "InversionTime",
    "TriggerTime", "FlipAngle", "AcquisitionNumber",
)  # fmt: skip
"""What tells two images at one position apart, the most telling first."""

DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
MOST_INFLATED_BYTES = 2**28


@dataclass(frozen=True)
class Header:
    """The part of one file's header that find and geometry look at."""

    path: Path
    dataset: FileDataset
    pixel_bytes: int
    """At most so many bytes follow the header in the file."""


def read_header(path: Path) -> Header:
    """The header of one file. Raises UnreadableScan, or UnsupportedScan for a deflate bomb."""
    _require_moderate_deflate(path)
    tags: list[Any] = [*KIND_TAGS, *GRID_TAGS, *STACK_TAGS]
    with reading(path, "DICOM"):
        with path.open("rb") as stream:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=tags)
            pixel_bytes = path.stat().st_size - stream.tell()
        for element in (*dataset.file_meta, *dataset):  # converted when first looked at: here
            _ = element.value
    return Header(path, dataset, pixel_bytes)


def scan(root: Path) -> Iterator[tuple[Path, Header | ScanError]]:
    """Every DICOM file at or below `root`, by path, with its header or why it has none.

    A file without the DICOM mark counts only if its name ends like one; media directories and
    hidden files are passed over.
    """
    for path in sorted(_files(root)):
        if not (_has_mark(path) or path.suffix.lower() in DICOM_SUFFIXES):
            continue
        try:
            header = read_header(path)
        except ScanError as problem:
            yield path, problem
            continue
        if header.dataset.file_meta.get("MediaStorageSOPClassUID") != MEDIA_DIRECTORY:
            yield path, header


def _files(root: Path) -> Iterator[Path]:
    if root.is_file():
        yield root
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder) / name for name in names if not name.startswith("."))


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def _require_moderate_deflate(path: Path) -> None:
    """Inflate in vain, up to a limit: pydicom inflates the whole file whatever it is asked for."""
    with reading(path, "DICOM"):
        if not _has_mark(path):
            raise UnreadableScan(f"{path}: expected a DICOM file, found no DICM mark")
        with path.open("rb") as stream:
            stream.seek(132)
            start = stream.read(12)
            if len(start) < 12 or start[:6] != b"\x02\0\0\0UL":
                return
            meta = stream.read(struct.unpack("<I", start[8:])[0])
            if DeflatedExplicitVRLittleEndian.encode() not in meta:
                return
            inflater = zlib.decompressobj(-zlib.MAX_WBITS)
            size = len(inflater.decompress(stream.read(), MOST_INFLATED_BYTES + 1))
    if size > MOST_INFLATED_BYTES:
        raise UnsupportedScan(f"{path}: inflates to more than {MOST_INFLATED_BYTES:,} bytes")
