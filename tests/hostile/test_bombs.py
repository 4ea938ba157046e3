"""Small files that would take a lot of memory: refused with the reason, before they get it."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate, generate_frames

from medddim import formats
from medddim.errors import EnvironmentProblem, MedddimError, UnreadableScan, UnsupportedScan
from medddim.formats import guard
from tests.hostile import bases

LIMIT = 2**28
PIECE = bytes(2**24)
# VmHWM, not getrusage: that takes over the peak of the process this one was forked from
READ_ALL = """
import sys
from pathlib import Path
from medddim import formats
from medddim.errors import MedddimError
for path in map(Path, sys.argv[1:]):
    for series in formats.find(path):
        reason = series.refusal
        try:
            if not reason:
                formats.read(series)
        except MedddimError as problem:
            reason = str(problem)
        print(path.name, reason.replace(str(path), ""), sep="\\t")
status = Path("/proc/self/status").read_text()
print(1024 * int(status.split("VmHWM:")[1].split()[0]))
"""


def gzip_bomb(folder: Path) -> Path:
    """An honest NIfTI header, 1 GiB of zeros behind it."""
    image = nibabel.Nifti1Image(np.zeros((1, 1, 1), np.int16), np.eye(4))
    image.set_sform(np.eye(4), code=1)
    image.header.set_data_shape((1024, 1024, 512))
    path = folder / "bomb.nii.gz"
    zeros = gzip.compress(PIECE, mtime=0)
    path.write_bytes(gzip.compress(image.header.binaryblock + bytes(4)) + 64 * zeros)
    return path


def deflate_bomb(folder: Path) -> Path:
    """A DICOM file that inflates to 1 GiB, with a file meta group that does not tell its length."""
    base = next(one for one in bases.dicom_bases(folder) if one.name == "deflated.dcm")
    start = 132 + 12 + struct.unpack("<I", base.content[140:144])[0]
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    element = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, 2**30)
    opening = packer.compress(element) + packer.flush(zlib.Z_FULL_FLUSH)
    zeros = packer.compress(PIECE) + packer.flush(zlib.Z_FULL_FLUSH)
    path = folder / "deflate.dcm"
    meta = base.content[:132] + base.content[144:start]
    path.write_bytes(meta + opening + 64 * zeros + packer.flush())
    return path


def j2k_bomb(folder: Path) -> Path:
    """4 kB that claim 65535 × 65535."""
    return claiming(folder, "j2k", lambda frame: overwritten(frame, 8, ">II", 65535, 65535))


def j2k_packets_bomb(folder: Path) -> Path:
    """4 kB cut into 65535 layers, each of which a decoder looks for everywhere."""
    return claiming(
        folder,
        "j2k",
        lambda frame: overwritten(frame, frame.index(b"\xff\x52") + 6, ">H", 65535),
        name="packets",
    )


def jpegls_bomb(folder: Path) -> Path:
    """3 kB that claim 65535 × 65535."""
    return claiming(folder, "jpegls", lambda frame: overwritten(frame, 7, ">HH", 65535, 65535))


def rle_bomb(folder: Path) -> Path:
    """1 MB of runs for 40 × 36 voxels: 67 MB, were they unpacked."""
    runs = struct.pack("<16I", 2, 64, 64 + 2**20, *[0] * 13) + b"\x81\0" * 2**20
    return claiming(folder, "rle", lambda frame: runs)


def rle_claim_bomb(folder: Path) -> Path:
    """3 kB of a header that asks for 288 MB of voxels."""
    return claiming(folder, "rle", lambda frame: frame, name="rle-claim", size=(12000, 12000))


def zip_bomb(folder: Path) -> Path:
    """320 MiB of zeros in a zip."""
    path = folder / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("scan.nii", "w") as member,
    ):
        for _ in range(20):
            member.write(PIECE)
    return path


def claiming(
    folder: Path,
    kind: str,
    change: Callable[[bytes], bytes],
    *,
    name: str = "",
    size: tuple[int, int] | None = None,
) -> Path:
    """A compressed DICOM file whose one frame is changed."""
    dataset = pydicom.dcmread(bases.compressed_file(folder, kind))
    (frame,) = generate_frames(dataset.PixelData, number_of_frames=1)
    dataset.PixelData = encapsulate([change(frame)])
    if size:
        dataset.Rows, dataset.Columns = size
    path = folder / f"{name or kind}-bomb.dcm"
    dataset.save_as(path)
    return path


def overwritten(frame: bytes, at: int, layout: str, *values: int) -> bytes:
    data = bytearray(frame)
    struct.pack_into(layout, data, at, *values)
    return bytes(data)


BOMBS: dict[Callable[[Path], Path], str] = {
    gzip_bomb: "set MEDDDIM_MAX_BYTES",
    deflate_bomb: "set MEDDDIM_MAX_RATIO",
    zip_bomb: "set MEDDDIM_MAX_BYTES",
    j2k_bomb: "packets",
    j2k_packets_bomb: "packets",
    jpegls_bomb: "not of the 40 rows and 36 columns",
    rle_bomb: "longer than the image",
    rle_claim_bomb: "set MEDDDIM_MAX_BYTES",
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of its memory from /proc")
def test_bombs_are_refused_and_the_memory_stays_below_the_limit(tmp_path: Path) -> None:
    paths = {make(tmp_path): reason for make, reason in BOMBS.items()}
    assert sum(path.stat().st_size for path in paths) < 10_000_000
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL, *map(str, paths)],
        env=os.environ | {"MEDDDIM_MAX_BYTES": str(LIMIT)},
        capture_output=True,
        text=True,
        check=True,
    )
    *lines, peak = done.stdout.splitlines()
    reported = dict(line.split("\t") for line in lines)
    assert reported.keys() == {path.name for path in paths}
    for path, reason in paths.items():
        assert reason in reported[path.name]
    assert int(peak) < 1.2 * LIMIT


@pytest.mark.parametrize("syntax", ["j2k", "jpegls", "rle"])
def test_compressed_frames_as_they_should_be_are_read(syntax: str, tmp_path: Path) -> None:
    volume = formats.read(bases.compressed_file(tmp_path, syntax))
    assert volume.shape == (36, 40, 1)


def test_a_decoder_that_panics_is_one_refused_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decoders in Rust raise what is not an Exception."""

    class PanicException(BaseException):
        pass

    def panic(*_: object) -> None:
        raise PanicException

    monkeypatch.setattr("medddim.formats.dicom.read.require_sound_frames", panic)
    with pytest.raises(MedddimError, match="PanicException"):
        formats.read(bases.compressed_file(tmp_path, "rle"))


@pytest.mark.parametrize(
    "runs", [b"\x81\0" * 12, b"\x81\0" * 11, b"\x81\0" * 10 + b"\x7f" + b"x" * 40, b""]
)
def test_runs_that_do_not_make_the_image_never_reach_the_decoder(
    runs: bytes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """1440 voxels are 11 runs of 128 and one of 32; the decoder would panic aloud."""
    whole = b"\x81\0" * 11 + b"\xe1\0"

    def image(segment: bytes) -> Callable[[bytes], bytes]:
        head = struct.pack("<16I", 2, 64, 64 + len(whole), *[0] * 13)
        return lambda frame: head + whole + segment

    assert formats.read(claiming(tmp_path, "rle", image(whole + b"\0"))).voxels.max() == 0
    with pytest.raises(UnreadableScan, match="do not stand for the 1,440 voxels"):
        formats.read(claiming(tmp_path, "rle", image(runs)))
    assert capfd.readouterr().err == ""


def test_an_empty_image_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "zeros.nii.gz"
    image = nibabel.Nifti1Image(np.zeros((160, 160, 100), np.int16), np.eye(4))
    image.set_sform(np.eye(4), code=1)
    image.to_filename(path)
    assert path.stat().st_size * 200 < image.get_data_dtype().itemsize * 160 * 160 * 100
    assert formats.read(path).shape == (160, 160, 100)


def test_a_scan_for_which_the_memory_is_missing_is_refused_in_advance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = bases.nifti_bases(tmp_path)[-1]
    (tmp_path / "scan.nii").write_bytes(base.content)
    monkeypatch.setattr(guard.memory, "available", lambda: 1000)
    with pytest.raises(EnvironmentProblem, match="are free"):
        formats.read(tmp_path / "scan.nii")


@pytest.mark.parametrize("said", ["many", "-1", "0", "1.5"])
def test_a_limit_that_is_no_number_is_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDDDIM_MAX_RATIO", said)
    with pytest.raises(EnvironmentProblem, match="MEDDDIM_MAX_RATIO"):
        guard.limit("MEDDDIM_MAX_RATIO")


def test_the_machine_says_how_much_memory_is_free() -> None:
    assert 2**20 < guard.memory.available() < 2**50


@pytest.mark.parametrize("name", ["../evil.dcm", "/evil.dcm", "C:\\evil.dcm", "a/..\\evil.dcm"])
def test_a_zip_with_names_that_lead_out_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "evil")
    with zipfile.ZipFile(path) as archive, pytest.raises(UnsupportedScan, match="lead out"):
        guard.require_sound_archive(archive, path)


def test_a_zip_with_a_link_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(path) as archive, pytest.raises(UnsupportedScan, match="links"):
        guard.require_sound_archive(archive, path)
