"""The real scans that nibabel and pydicom ship for their own tests: all right, or all reason."""

import re
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from medddim import formats
from medddim.errors import ScanError
from medddim.formats import Derivation

IDENTITY = Derivation("identity", "Nothing was changed.")
NIBABEL = Path(nibabel.__file__).parent / "tests" / "data"
PYDICOM = Path(pydicom.__file__).parent / "data" / "test_files"

SOUND_DICOM = {
    "CT_small": ("CT", (128, 128, 1)),
    "MR_small": ("MR", (64, 64, 1)),
    "MR_small_RLE": ("MR", (64, 64, 1)),
    "MR_small_bigendian": ("MR", (64, 64, 1)),
    "MR_small_implicit": ("MR", (64, 64, 1)),
    "MR_small_jp2klossless": ("MR", (64, 64, 1)),
    "MR_small_padded": ("MR", (64, 64, 1)),
    "J2K_pixelrep_mismatch": ("CT", (512, 512, 1)),
}


@pytest.mark.skipif(not NIBABEL.is_dir(), reason="this nibabel came without its tests")
def test_nifti_files_round_trip_to_the_integer(tmp_path: Path) -> None:
    sound = [
        series
        for series in formats.find(NIBABEL)
        if series.format == "nifti" and not series.refusal
    ]
    assert len(sound) >= 7
    for series in sound:
        (file,) = formats.write(
            formats.read(series), tmp_path, name=series.name, derivation=IDENTITY
        )
        before, after = nibabel.load(series.files[0]), nibabel.load(file)
        np.testing.assert_array_equal(
            after.dataobj.get_unscaled(), before.dataobj.get_unscaled(), err_msg=series.name
        )
        np.testing.assert_allclose(after.affine, before.affine, rtol=0, atol=1e-6)
        assert after.header["dim"].tolist() == before.header["dim"].tolist()


@pytest.mark.parametrize("name", SOUND_DICOM)
def test_dicom_files_round_trip_to_the_integer(tmp_path: Path, name: str) -> None:
    path = Path(get_testdata_file(f"{name}.dcm", download=False))
    volume = formats.read(path)
    assert (volume.modality, volume.shape) == SOUND_DICOM[name]
    (file,) = formats.write(volume, tmp_path, name=name, derivation=IDENTITY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, after = pydicom.dcmread(path).pixel_array, pydicom.dcmread(file).pixel_array
    np.testing.assert_array_equal(after, before)


def test_every_pydicom_file_is_read_or_refused_with_its_name() -> None:
    for path in sorted(PYDICOM.glob("*.dcm")):
        for series in formats.find(path):
            if series.refusal:
                with pytest.raises(ScanError, match=re.escape(path.name)):
                    formats.read(series)
            else:
                assert np.isfinite(formats.read(series).voxels).all()


def test_the_folder_as_a_whole_is_understood() -> None:
    series = formats.find(PYDICOM)
    assert len({one.name.lower() for one in series}) == len(series)
    assert all(one.refusal or one.facts for one in series)
    reasons = " ".join(one.refusal for one in series)
    for kind in ("RT Plan", "RT Dose", "Secondary Capture", "Waveform", "SR", "DICM mark"):
        assert kind in reasons
