"""What a NIfTI file of a result holds beside voxels and header."""

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np

from medddim import formats


def test_a_packed_result_has_neither_name_nor_time_inside(
    nifti_file: Callable[..., Path], tmp_path: Path
) -> None:
    source = nifti_file()
    (file,) = formats.write(formats.read(source), tmp_path / "out", name="x")
    packed = file.read_bytes()
    assert packed[:8] == b"\x1f\x8b\x08" + bytes(5)  # FLG (a name?) and MTIME: RFC 1952, 2.3
    assert np.array_equal(nibabel.load(file).dataobj, nibabel.load(source).dataobj)
