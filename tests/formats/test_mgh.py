"""MGH: the place of FreeSurfer, times behind the voxels, and nothing else of it."""

import nibabel
import numpy as np
import pytest

from medddim import formats
from medddim.errors import UnsupportedScan
from medddim.formats import Derivation
from tests.formats import files

IDENTITY = Derivation("identity", "Nothing was changed.")
DATA = np.arange(60, dtype=np.int16).reshape(5, 4, 3)


@pytest.mark.parametrize("name", ["scan.mgz", "scan.mgh"])
@pytest.mark.parametrize("dtype", ["u1", "i2", "i4", "f4"])
def test_nibabel_reads_the_result_as_the_source(tmp_path, name, dtype):
    path = files.mgh(tmp_path / "in" / name, DATA.astype(dtype), files.oblique())
    (file, _) = formats.write(formats.read(path), tmp_path / "out", derivation=IDENTITY)
    source, result = (nibabel.MGHImage.from_bytes(files.unpacked(one)) for one in (path, file))
    assert file.name == name
    assert result.get_data_dtype() == source.get_data_dtype()
    np.testing.assert_array_equal(np.asarray(result.dataobj), np.asarray(source.dataobj))
    np.testing.assert_array_equal(result.affine, source.affine)
    assert float(result.header["tr"]) == 2300
    np.testing.assert_allclose(result.header["te"], 3.2, rtol=1e-6)


def test_the_place_is_that_of_nibabel(tmp_path):
    path = files.mgh(tmp_path / "scan.mgz", DATA, files.oblique())
    np.testing.assert_allclose(formats.read(path).affine, nibabel.load(path).affine, atol=1e-5)


def test_without_a_place_it_is_refused(tmp_path):
    path = files.mgh(tmp_path / "scan.mgh", DATA, files.oblique())
    content = bytearray(path.read_bytes())
    content[28:30] = b"\0\0"
    path.write_bytes(bytes(content))
    with pytest.raises(UnsupportedScan, match="left and right are unknown"):
        formats.read(path)


def test_commands_behind_the_voxels_stay_behind(tmp_path):
    path = files.mgh(tmp_path / "in" / "scan.mgh", DATA, files.oblique())
    path.write_bytes(path.read_bytes() + b"mri_convert /home/ZZPHI/scan")
    (file, _) = formats.write(formats.read(path), tmp_path / "out", derivation=IDENTITY)
    assert b"ZZPHI" not in file.read_bytes()


def test_labels_of_freesurfer_are_known_by_name(tmp_path):
    files.mgh(tmp_path / "aseg.mgz", DATA, files.oblique())
    files.mgh(tmp_path / "T1.mgz", DATA, files.oblique())
    refused = {one.name: bool(one.refusal) for one in formats.find(tmp_path)}
    assert refused == {"T1": False, "aseg": True}
