"""A file cut short is refused wherever it is cut: never half a scan and half zeros."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest

from medddim import formats
from medddim.errors import ScanError
from medddim.volume import Volume
from tests.hostile import bases

POINTS = 50
LENGTH_OF_THE_END = 8


def sound_files(folder: Path) -> dict[str, Path]:
    """One file of each kind that can be cut, none with anything behind its voxels."""
    files = {}
    for base in (*bases.dicom_bases(folder)[-2:], *bases.compressed_bases(folder)[-3:]):
        path = folder / "whole" / base.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(base.content)
        files[path.stem] = path
    for name in ("a.nii", "b.nii.gz"):
        base = next(one for one in bases.nifti_bases(folder) if one.name == name)
        packed = name.endswith(".gz")
        path = folder / "whole" / name
        path.write_bytes(gzip.compress(base.content, mtime=0) if packed else base.content)
        files[path.suffix] = path
    zipped = shutil.make_archive(str(folder / "scan"), "zip", files[".nii"].parent, "a.nii")
    return files | {"zip": Path(zipped)}


def loaded(path: Path) -> Volume | None:
    """The scan at `path`; None if it is refused, at find or at read."""
    (series,) = formats.find(path)
    try:
        return formats.read(series)
    except ScanError:
        return None


@pytest.mark.parametrize("kind", ["000", "deflated", "j2k", "jpegls", "rle", ".nii", ".gz", "zip"])
@pytest.mark.daily(3)
def test_a_truncated_file_is_refused(kind: str, tmp_path: Path) -> None:
    """Unless all that is missing is the padding or the mark of the end."""
    whole = sound_files(tmp_path)[kind]
    content = whole.read_bytes()
    sound = loaded(whole)
    assert sound is not None
    cut = whole.with_name(f"cut-{whole.name}")
    for length in np.linspace(0, len(content) - 1, POINTS, dtype=int):
        cut.write_bytes(content[:length])
        volume = loaded(cut)
        if volume is not None:
            assert len(content) - length <= LENGTH_OF_THE_END
            np.testing.assert_array_equal(volume.voxels, sound.voxels)


@pytest.mark.parametrize("kind", ["j2k", "jpegls"])
@pytest.mark.daily(1)
def test_a_file_that_ends_in_zeros_is_refused(kind: str, tmp_path: Path) -> None:
    """What is left of a copy that a full disk or a lost connection ended."""
    whole = sound_files(tmp_path)[kind]
    content = whole.read_bytes()
    start = content.rfind(b"\xe0\x7f\x10\x00") + 200
    for length in np.linspace(start, len(content) - 12, POINTS, dtype=int):
        whole.write_bytes(content[:length].ljust(len(content), b"\0"))
        assert loaded(whole) is None, length
