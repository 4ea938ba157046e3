"""What a compressed image claims of itself, checked before a decoder believes it.

Decoders allocate and loop by the codestream's own header, not by the DICOM one: of a file of 3 kB,
a claim of 65535 × 65535 made JPEG-LS abort the process, and one of 65535 quality layers in tiny
precincts kept JPEG 2000 busy for minutes. Markers: ITU-T T.81 annex B, T.87 annex C, T.800 annex A;
RLE: DICOM PS3.5 annex G.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from math import ceil
from pathlib import Path

from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.uid import JPEGLSTransferSyntaxes, JPEGTransferSyntaxes, RLELossless

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats.guard import require_moderate_bytes

JPEG = {*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes}
FRAME_STARTS = {0xC0, 0xC1, 0xC3, 0xF7}
"""Baseline, extended, lossless, JPEG-LS; a progressive one may ask for any number of passes."""
OTHER_FRAME_STARTS = {*range(0xC0, 0xD0)} - FRAME_STARTS - {0xC4, 0xC8, 0xCC}
SCAN_START, END = 0xDA, b"\xff\xd9"
LONGEST_END = len(END) + 1
"""With the byte that makes the length even: 0 by the standard, yet some writers leave any there."""

JP2_BOX = b"\x00\x00\x00\x0cjP"
J2K_START = b"\xff\x4f\xff\x51"
SIZE, CODING, COMPONENT_CODING, TILE, TILE_DATA = 0x51, 0x52, 0x53, 0x90, 0x93
MOST_PACKETS = 2**16
"""Of JPEG 2000: layers × tiles × precincts. A 4096 × 4096 image in 20 layers has some thousands."""


def require_sound_frames(dataset: FileDataset, path: Path) -> None:
    """Raise unless every compressed frame is whole and of the size that the header states.

    UnreadableScan for one that is not, UnsupportedScan for one beyond the limits of guard.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        return
    size = int(dataset.Rows), int(dataset.Columns)
    count = int(dataset.get("NumberOfFrames") or 1)
    frame_bytes = size[0] * size[1] * int(dataset.BitsAllocated) // 8
    require_moderate_bytes(count * frame_bytes, path, packed=len(dataset.PixelData))
    for frame in _frames(dataset, count):
        if syntax == RLELossless:
            _require_rle(frame, size[0] * size[1], int(dataset.BitsAllocated) // 8, path)
            continue
        if END not in frame.rstrip(b"\0\xff")[-LONGEST_END:]:
            raise UnreadableScan(
                f"{path}: the compressed image has no end; the file is truncated, get it again "
                "from its source"
            )
        sizes = [_jpeg_size(frame)] if syntax in JPEG else _j2k_sizes(frame, path)
        if set(sizes) != {size}:
            raise UnreadableScan(
                f"{path}: the compressed image is not of the {size[0]} rows and {size[1]} columns "
                "that the header states; get the file again from its source"
            )


def _frames(dataset: FileDataset, count: int) -> Iterator[bytes]:
    """As the decoders get them."""
    tables = "ExtendedOffsetTable", "ExtendedOffsetTableLengths"
    offsets = tuple(dataset[table].value for table in tables) if tables[0] in dataset else None
    return generate_frames(dataset.PixelData, number_of_frames=count, extended_offsets=offsets)


def _require_rle(frame: bytes, voxels: int, planes: int, path: Path) -> None:
    """A run of 2 bytes may stand for 128: longer than the image is not compressed but hostile.

    One byte of each voxel makes a segment. The decoder in Rust believes their lengths, and panics,
    loudly, on what does not fit.
    """
    if len(frame) > planes * (voxels + voxels // 4) + 4096:
        raise UnsupportedScan(f"{path}: RLE data longer than the image they stand for")
    count, *starts = struct.unpack("<16I", frame[:64])
    ends = [*starts[1:count], len(frame)]
    sound = count == planes and starts[:count] == sorted(starts[:count]) and starts[0] == 64
    if not (sound and all(
        _packs(frame[start:end], voxels) for start, end in zip(starts, ends, strict=False)
    )):  # fmt: skip
        raise UnreadableScan(
            f"{path}: the RLE data do not stand for the {voxels:,} voxels of the image; the file "
            "is damaged, get it again from its source"
        )


def _packs(segment: bytes, count: int) -> bool:
    """Whether the runs of this segment stand for `count` bytes, but for padding with 0."""
    at = unpacked = 0
    while at + 1 < len(segment) and not (unpacked == count and not any(segment[at:])):
        code = segment[at]
        if code < 128:
            at += code + 2
            unpacked += code + 1
        elif code > 128:
            at += 2
            unpacked += 257 - code
        else:
            at += 1
    return unpacked == count and at <= len(segment)


def _jpeg_size(frame: bytes) -> tuple[int, int]:
    """Rows and columns. Raises ValueError if no frame of a known kind starts before the data."""
    at = 2
    while True:
        while frame[at + 1] == 0xFF:
            at += 1
        code = frame[at + 1]
        if code in FRAME_STARTS:
            rows, columns = frame[at + 5 : at + 7], frame[at + 7 : at + 9]
            return int.from_bytes(rows, "big"), int.from_bytes(columns, "big")
        if frame[at] != 0xFF or code == SCAN_START or code in OTHER_FRAME_STARTS:
            raise ValueError("no sequential frame")
        at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")


def _j2k_sizes(frame: bytes, path: Path) -> list[tuple[int, int]]:
    """Rows and columns of the codestream; of all there may be, if it is packed in a JP2 file."""
    starts = [0]
    if frame.startswith(JP2_BOX):
        starts = [found.start() for found in re.finditer(J2K_START, frame)]
    return [_j2k_size(frame[start:], path) for start in starts]


def _j2k_size(stream: bytes, path: Path) -> tuple[int, int]:
    rows = columns = 0
    layers = precincts = 1
    for code, segment in _j2k_segments(stream):
        if code == SIZE:
            right, bottom, left, top, *tile = _words(segment[2:34], 4)
            columns, rows = right - left, bottom - top
            tiles = ceil((right - tile[2]) / tile[0]) * ceil((bottom - tile[3]) / tile[1])
            extent = min(tile[0], right), min(tile[1], bottom)
        elif code == CODING:  # Scod, progression, layers (2 bytes), transform, then as below
            layers = max(layers, *_words(segment[2:4], 2))
            precincts = max(precincts, _precincts(segment[0], segment[5:], extent))
        elif code == COMPONENT_CODING:  # component, Scoc, then as above
            precincts = max(precincts, _precincts(segment[1], segment[2:], extent))
        if layers * precincts > 1 and tiles * layers * precincts > MOST_PACKETS:
            raise UnsupportedScan(
                f"{path}: the JPEG 2000 image is cut into more than {MOST_PACKETS:,} packets; "
                "no scan comes near it"
            )
    return rows, columns


def _precincts(style: int, coding: bytes, extent: tuple[int, int]) -> int:
    """The precincts of one tile over all its resolutions (T.800 tables A.15, A.20 and A.21)."""
    levels = coding[0]
    exponents = coding[5:] if style & 1 else b"\xff" * (levels + 1)
    count = 0
    for resolution in range(levels + 1):
        scale = levels - resolution
        wide, high = exponents[resolution] & 15, exponents[resolution] >> 4
        count += ceil(extent[0] / 2 ** (scale + wide)) * ceil(extent[1] / 2 ** (scale + high))
    return count


def _j2k_segments(stream: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and content of every marker segment, those of the tiles included."""
    at, tile_end = 2, len(stream)
    while at + 4 <= len(stream):
        code, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if code == TILE_DATA:
            at = max(tile_end, at + 2)
            continue
        segment = stream[at + 4 : at + 2 + length]
        if code == TILE:
            tile_end = at + (int.from_bytes(segment[2:6], "big") or len(stream))
        yield code, segment
        at += 2 + length


def _words(data: bytes, size: int) -> list[int]:
    return [int.from_bytes(data[i : i + size], "big") for i in range(0, len(data), size)]
