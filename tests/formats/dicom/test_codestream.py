"""What the headers of compressed images say, read byte by byte."""

import pytest

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
