"""Every transfer syntax a permissively licensed decoder reads gives the same voxels."""

from pathlib import Path
from typing import Any

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from medddim import formats
from medddim.errors import EnvironmentProblem, UnreadableScan

BY_GDCM = {
    JPEGLossless: gdcm.TransferSyntax.JPEGLosslessProcess14,
    JPEGLosslessSV1: gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    JPEGLSLossless: gdcm.TransferSyntax.JPEGLSLossless,
}
BY_PYDICOM = (RLELossless, JPEG2000Lossless)
PLAIN = (
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)  # fmt: skip

HTJ2K_STREAM = bytes.fromhex(
    "ff4fff51002940000000000a0000000800000000000000000000000a00000008000000000000000000010f0101ff5000"
    "0800020000000aff52000c00020001000504044001ff5c00132088909090909090909090909090888888ff6400170001"
    "4f70656e4a50482056657220302e32362e332eff90000a0000000000940001ff93c0002627fc0507740000c000130064"
    "fe02877400c00012c00013c0001200f300c7740056a9fe00623400fe006300c00012c00015900004a0009362b3000294"
    "808840fa0000037eb60020fb233300c0002d180005a30000acd546264404858290f83fe64b103f7de80011c308f00401"
    "e9401184200b5f9b8f5a009be65839fb05577d3fa45700ffd9"
)
"""8 × 10 voxels of `100 column + 37 row + (row column) % 7`, by OpenJPH 0.26.3, reversible."""


def stored_as(path: Path, syntax: str) -> None:
    """Write the file again in another transfer syntax, its voxels unchanged."""
    if syntax in BY_GDCM:
        return _by_gdcm(path, BY_GDCM[syntax])
    dataset = pydicom.dcmread(path)
    if syntax in BY_PYDICOM:
        dataset.compress(syntax, generate_instance_uid=False)
    else:
        dataset.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    little = syntax != ExplicitVRBigEndian
    implicit = syntax == ImplicitVRLittleEndian
    return pydicom.dcmwrite(path, dataset, implicit_vr=implicit, little_endian=little,
                            enforce_file_format=True)  # fmt: skip


def _by_gdcm(path: Path, kind: int) -> None:
    reader = gdcm.ImageReader()
    reader.SetFileName(str(path))
    assert reader.Read()
    change = gdcm.ImageChangeTransferSyntax()
    change.SetTransferSyntax(gdcm.TransferSyntax(kind))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer = gdcm.ImageWriter()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("syntax", [*PLAIN, *BY_PYDICOM, *BY_GDCM], ids=lambda uid: uid.keyword)
@pytest.mark.daily(4)
def test_the_voxels_are_the_same(scanner: Any, syntax: str, *, signed: bool) -> None:
    slices = scanner.slices(2, shape=(32, 40), signed=signed, bits=12)
    plain = formats.read(scanner.store(slices, to="plain"))
    folder = scanner.store(slices, to="coded")
    for path in folder.iterdir():
        stored_as(path, syntax)
    (series,) = formats.find(folder)
    assert series.facts["transfer_syntax"] == syntax.name
    volume = formats.read(series)
    np.testing.assert_array_equal(volume.voxels, plain.voxels)
    np.testing.assert_array_equal(volume.affine, plain.affine)


def test_high_throughput_jpeg_2000(scanner: Any) -> None:
    folder = scanner.store(scanner.slices(1, shape=(8, 10), bits=16))
    dataset = pydicom.dcmread(folder / "000.dcm")
    dataset.PixelData = encapsulate([HTJ2K_STREAM])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = HTJ2KLossless
    dataset.save_as(folder / "000.dcm")
    row, column = np.mgrid[:8, :10]
    expected = 100 * column + 37 * row + (row * column) % 7
    np.testing.assert_array_equal(formats.read(folder).voxels[0, :, :, 0], expected.T)


@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless])
def test_a_missing_decoder_is_named_with_the_cure(
    scanner: Any, monkeypatch: pytest.MonkeyPatch, syntax: str
) -> None:
    folder = scanner.store(scanner.slices(1, shape=(32, 40)))
    stored_as(folder / "000.dcm", syntax)
    decoder = pydicom.pixels.decoders.base.get_decoder(syntax)
    monkeypatch.setattr(decoder, "_available", {})
    assert "pip install medddim[codecs]" in formats.find(folder)[0].refusal
    with pytest.raises(EnvironmentProblem, match=r"000\.dcm.*no decoder"):
        formats.read(folder)


@pytest.mark.daily(1)
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless])
def test_any_byte_may_make_the_length_even(scanner: Any, syntax: str) -> None:
    """The standard says 0, and real files hold whatever was in the writer's memory."""
    folder = scanner.store(scanner.slices(1, shape=(32, 40)))
    plain = formats.read(folder)
    stored_as(folder / "000.dcm", syntax)
    dataset = pydicom.dcmread(folder / "000.dcm")
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    whole = frame.rstrip(b"\0")
    for ending in (b"\x9f", b"\xff", b"\0", b"\x9f\0"):
        dataset.PixelData = encapsulate([whole + ending])
        dataset.save_as(folder / "000.dcm")
        np.testing.assert_array_equal(formats.read(folder).voxels, plain.voxels)
    dataset.PixelData = encapsulate([whole[:-2] + b"\x9f\x9f"])
    dataset.save_as(folder / "000.dcm")
    with pytest.raises(UnreadableScan, match="has no end"):
        formats.read(folder)
