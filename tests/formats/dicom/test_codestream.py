"""What the headers of compressed images say, read byte by byte."""

import struct
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000, UID, JPEGBaseline8Bit, RLELossless

from medddim.errors import ScanError, UnreadableScan, UnsupportedScan
from medddim.formats.dicom import codestream

SOI, START = b"\xff\xd8", b"\xff\xda"


def segment(code: int, content: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(content) + 2).to_bytes(2, "big") + content


def frame_start(code: int) -> bytes:
    """Of 515 rows and 258 columns: each takes both of its bytes."""
    return segment(code, b"\x08\x02\x03\x01\x02\x01\x01\x11\x00")


@pytest.mark.parametrize("code", sorted(codestream.FRAME_STARTS))
@pytest.mark.parametrize(
    "before", [b"", segment(0xE0, b"JFIF\0"), b"\xff\xff", segment(0xC4, b"ab")]
)
def test_the_size_of_a_jpeg_follows_its_frame_start(code: int, before: bytes) -> None:
    assert codestream._jpeg_size(SOI + before + frame_start(code) + START) == (515, 258)


@pytest.mark.parametrize("code", [0xC2, 0xC5, 0xCA, 0xCF, 0xDA])
def test_other_kinds_of_frames_have_no_size(code: int) -> None:
    with pytest.raises(ValueError, match="no sequential frame"):
        codestream._jpeg_size(SOI + segment(code, b"123") + frame_start(0xC0))


def test_what_is_no_marker_ends_the_search() -> None:
    with pytest.raises(ValueError, match="no sequential frame"):
        codestream._jpeg_size(SOI + b"\x00\x10\x00\x02" + frame_start(0xC0))


def tile(length: int, data: bytes) -> bytes:
    """A tile-part of so many bytes, from its first marker on; 0 is all that is left."""
    return segment(0x90, b"\0\0" + length.to_bytes(4, "big") + b"\x07\x01") + b"\xff\x93" + data


def test_segments_after_a_tile_are_found_by_its_length() -> None:
    data = b"\xff\x52\x00\x04no"  # looks like a segment, and is image data
    whole = len(tile(0, data))
    stream = b"\xff\x4f" + segment(0x52, b"yes") + tile(whole, data) + segment(0x53, b"also")
    found = list(codestream._j2k_segments(stream))
    assert [code for code, _ in found] == [0x52, 0x90, 0x53]
    assert found[0][1] == b"yes"
    assert found[2][1] == b"also"


def test_a_tile_without_a_length_is_the_last() -> None:
    stream = b"\xff\x4f" + tile(0, b"\xff\x52\x00\x04no") + segment(0x53, b"also")
    assert [code for code, _ in codestream._j2k_segments(stream)] == [0x90]


@pytest.mark.parametrize(
    ("segment", "count", "sound"),
    [
        (b"\x02abc", 3, True),  # three as they are
        (b"\xfea", 3, True),  # one three times
        (b"\x80\x02abc", 3, True),  # 128 is nothing
        (b"\x02abc\0\0", 3, True),  # padding
        (b"\x02abc\x01de", 3, False),
        (b"\x02ab", 3, False),  # cut
        (b"\x02abc", 4, False),
        (b"\xfda", 3, False),
        (b"\x00a\xffb", 3, True),
    ],
)
def test_runs_stand_for_so_many_bytes(segment: bytes, count: int, sound: bool) -> None:
    assert codestream._packs(segment, count) is sound


@pytest.mark.parametrize(
    ("style", "coding", "extent", "count"),
    [
        (0, b"\x00\x00\x00\x00\x00", (512, 512), 1),
        (0, b"\x05\x00\x00\x00\x00", (512, 512), 6),  # one for each resolution
        (1, b"\x00\x00\x00\x00\x00\x87", (512, 512), 4 * 2),  # 2^7 wide, 2^8 high
        (1, b"\x01\x00\x00\x00\x00\x87\x88", (512, 300), 2 * 1 + 2 * 2),
    ],
)
def test_precincts_of_all_resolutions(
    style: int, coding: bytes, extent: tuple[int, int], count: int
) -> None:
    assert codestream._precincts(style, coding, extent) == count


def compressed(
    syntax: str, frame: bytes, rows: int = 515, columns: int = 258, bits: int = 8
) -> FileDataset:
    """A file of one frame."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(syntax)
    dataset = FileDataset("x", {}, file_meta=meta)
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = rows, columns, bits
    dataset.PixelData = encapsulate([frame])
    return dataset


def sound(dataset: FileDataset) -> None:
    codestream.require_sound_frames(dataset, Path("x.dcm"))


def refused(dataset: FileDataset, error: type[ScanError] = UnreadableScan) -> str:
    with pytest.raises(error) as said:
        sound(dataset)
    return str(said.value)


def other_size(rows: int, columns: int) -> str:
    return (
        f"x.dcm: the compressed image is not of the {rows} rows and {columns} columns that the "
        "header states; get the file again from its source"
    )


WHOLE_JPEG = SOI + frame_start(0xC0) + START + b"\xff\xd9"


@pytest.mark.parametrize("padding", [b"", b"\0", b"\xff", b"\0\0\0\0", b"\x07"])
def test_a_jpeg_of_the_stated_size_with_its_end_is_sound(padding: bytes) -> None:
    sound(compressed(JPEGBaseline8Bit, WHOLE_JPEG + padding))


@pytest.mark.parametrize("frame", [WHOLE_JPEG[:-2], WHOLE_JPEG + b"\x07\x07"])
def test_a_jpeg_without_its_end_is_truncated(frame: bytes) -> None:
    assert refused(compressed(JPEGBaseline8Bit, frame)) == (
        "x.dcm: the compressed image has no end; the file is truncated, get it again from its "
        "source"
    )


@pytest.mark.parametrize(("rows", "columns"), [(258, 515), (515, 259), (514, 258)])
def test_a_size_other_than_that_of_the_header_is_named(rows: int, columns: int) -> None:
    said = refused(compressed(JPEGBaseline8Bit, WHOLE_JPEG, rows, columns))
    assert said == other_size(rows, columns)


def rle(*segments: bytes, starts: list[int] | None = None, count: int | None = None) -> bytes:
    """A frame after PS3.5 G.5: how many segments, where each starts, and they."""
    found = [64 + sum(map(len, segments[:n])) for n in range(len(segments))]
    header = [len(segments) if count is None else count, *(starts or found)]
    return struct.pack("<16I", *header, *[0] * (16 - len(header))) + b"".join(segments)


SIX = b"\xfea\xfeb"  # three times a, three times b


def test_rle_of_one_and_of_two_bytes_a_voxel_is_sound() -> None:
    sound(compressed(RLELossless, rle(SIX), 2, 3))
    sound(compressed(RLELossless, rle(SIX, SIX + b"\0\0"), 2, 3, bits=16))


@pytest.mark.parametrize(
    ("frame", "bits"),
    [
        (rle(SIX, SIX), 8),  # two segments for one byte
        (rle(SIX), 16),
        (rle(SIX[:2]), 8),  # three of six
        (rle(SIX, SIX[:2]), 16),
        (rle(SIX[:2], SIX), 16),
        (rle(SIX, SIX, starts=[68, 64]), 16),
        (rle(SIX, starts=[66]), 8),
        (rle(SIX, count=2), 8),
    ],
)
def test_rle_that_does_not_stand_for_the_voxels_is_damaged(frame: bytes, bits: int) -> None:
    assert refused(compressed(RLELossless, frame, 2, 3, bits)) == (
        "x.dcm: the RLE data do not stand for the 6 voxels of the image; the file is damaged, get "
        "it again from its source"
    )


def test_rle_much_longer_than_its_image_is_refused() -> None:
    most = 8 + 8 // 4 + 4096  # of 8 voxels: a quarter more, and 4 kB
    padded = b"\x07abcdefgh"
    long = rle(padded + bytes(most - 64 - len(padded)))
    sound(compressed(RLELossless, long, 2, 4))
    longer = compressed(RLELossless, long + b"\0\0", 2, 4)
    assert refused(longer, UnsupportedScan) == (
        "x.dcm: RLE data longer than the image they stand for"
    )


def j2k(
    rows: int, columns: int, *, layers: int = 1, tile_side: int = 4096, more: bytes = b""
) -> bytes:
    """The main header of a codestream (T.800 A.5.1, A.6.1), and its end."""
    words = [columns + 3, rows + 2, 3, 2, tile_side, tile_side, 0, 0]
    size = b"\0\0" + b"".join(word.to_bytes(4, "big") for word in words)
    coding = b"\x00\x00" + layers.to_bytes(2, "big") + b"\x00" + b"\x00\x04\x04\x00\x00"
    return b"\xff\x4f" + segment(0x51, size) + segment(0x52, coding) + more + b"\xff\xd9"


def test_a_jpeg_2000_image_has_the_size_of_its_area() -> None:
    sound(compressed(JPEG2000, j2k(515, 258)))
    for rows, columns in ((515, 259), (514, 258)):
        assert refused(compressed(JPEG2000, j2k(rows, columns))) == other_size(515, 258)


def test_every_codestream_of_a_jp2_file_has_to_be_of_that_size() -> None:
    box = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
    sound(compressed(JPEG2000, box + j2k(515, 258)))
    sound(compressed(JPEG2000, box + j2k(515, 258) + j2k(515, 258)))
    for wrong in (j2k(515, 258) + j2k(4000, 258), b"\xff\xd9"):
        assert refused(compressed(JPEG2000, box + wrong)) == other_size(515, 258)


COMPONENT = segment(0x53, b"\x00\x01" + b"\x00\x04\x04\x00\x00\x00")
"""A component of its own coding (T.800 A.6.2): precincts of one voxel."""


@pytest.mark.parametrize(
    ("layers", "tile_side", "more", "packets"),
    [
        (65535, 4096, b"", 65535),
        (20, 8, b"", 20 * 65 * 33),
        (1, 4096, COMPONENT, 517 * 261),
        (1, 8, COMPONENT, 65 * 33 * 64),
    ],
)
def test_packets_are_layers_times_tiles_times_precincts(
    monkeypatch: pytest.MonkeyPatch, *, layers: int, tile_side: int, more: bytes, packets: int
) -> None:
    dataset = compressed(JPEG2000, j2k(515, 258, layers=layers, tile_side=tile_side, more=more))
    monkeypatch.setattr(codestream, "MOST_PACKETS", packets)
    sound(dataset)
    monkeypatch.setattr(codestream, "MOST_PACKETS", packets - 1)
    assert refused(dataset, UnsupportedScan) == (
        f"x.dcm: the JPEG 2000 image is cut into more than {packets - 1:,} packets; no scan comes "
        "near it"
    )
