"""Formats that are not read are known by name: refused where named, described in a folder."""

import pytest

from medddim import formats
from medddim.errors import UnsupportedScan
from medddim.formats.others import OTHERS
from tests import studies


@pytest.mark.parametrize("ending", OTHERS)
def test_a_named_file_is_refused_with_the_way_to_convert(tmp_path, ending):
    path = tmp_path / f"scan{ending}"
    path.write_bytes(b"CDF\1" + bytes(200))
    (series,) = formats.find(path)
    assert OTHERS[ending][0] in series.refusal
    assert str(path) in series.refusal


@pytest.mark.parametrize("name", ["scan.mnc", "scan.PAR", "scan.mif", "picture.png"])
def test_reading_one_is_a_typed_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UnsupportedScan, match=name):
        formats.read(tmp_path / name)


def test_in_a_folder_scans_of_such_a_format_are_a_warning(tmp_path, caplog):
    studies.nifti(tmp_path, "head")
    for name in ("a.mnc", "b.mnc", "c.HEAD", "picture.png"):
        (tmp_path / name).write_bytes(b"x")
    assert [one.name for one in formats.find(tmp_path)] == ["head"]
    assert "2 files of a format that medddim does not read are skipped: MINC" in caplog.text
    assert "AFNI" in caplog.text
    assert "PNG" not in caplog.text


def test_a_dicom_image_with_such_a_name_is_one(scanner):
    folder = scanner.store(scanner.slices(1), names=["scan.img"])
    (series,) = formats.find(folder / "scan.img")
    assert (series.format, series.refusal) == ("dicom", "")
