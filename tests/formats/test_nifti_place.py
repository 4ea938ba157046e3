"""NIfTI at the edge of the standard is read; both places of a header move together."""

import logging
from dataclasses import replace

import nibabel
import numpy as np
import pytest

from medddim import formats
from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import Derivation
from tests.formats import files
from tests.formats.test_contract import finer

IDENTITY = Derivation("identity", "Nothing was changed.")
AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])


def turned():
    """Half a turn about an oblique axis, of which the quaternion has w = 0."""
    affine = np.eye(4)
    c, s = np.cos(0.3), np.sin(0.3)
    affine[:3, :3] = np.array([[-1, 0, 0], [0, c, s], [0, s, -c]]) @ np.diag([2.0, 2.0, 3.0])
    affine[:3, 3] = 48, -50, 60
    return affine


def longer(nifti_file, times, **fields):
    """A scan whose quaternion is longer than it should be."""
    header = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), turned()).header
    header.set_qform(turned(), 1)
    rounded = {f"quatern_{axis}": float(header[f"quatern_{axis}"]) * times for axis in "bcd"}
    return nifti_file("x.nii", affine=turned(), **rounded, **fields)


@pytest.mark.parametrize("sform", [0, 1])
def test_a_quaternion_over_1_by_rounding_is_read(nifti_file, tmp_path, sform):
    path = longer(nifti_file, 1 + 2.5e-7, sform_code=sform, qform_code=1)
    np.testing.assert_allclose(formats.read(path).affine, turned(), atol=1e-4)
    assert formats.find(path)[0].refusal == ""
    (file,) = formats.write(formats.read(path), tmp_path / "out", derivation=IDENTITY)
    again = nibabel.load(file)  # which nibabel refuses of the source
    np.testing.assert_allclose(again.get_qform(), turned(), atol=1e-4)


def test_a_sound_sform_suffices(nifti_file, tmp_path, caplog):
    path = longer(nifti_file, 1.5, sform_code=1, qform_code=1)
    np.testing.assert_allclose(formats.read(path).affine, turned(), atol=1e-5)
    assert "its qform is no rotation; the sform is taken" in caplog.text
    (file,) = formats.write(formats.read(path), tmp_path / "out", derivation=IDENTITY)
    assert int(nibabel.load(file).header["qform_code"]) == 0
    np.testing.assert_allclose(nibabel.load(file).affine, turned(), atol=1e-5)


def test_no_rotation_and_no_sform_is_refused(nifti_file):
    path = longer(nifti_file, 1.5, sform_code=0, qform_code=1)
    with pytest.raises(UnreadableScan, match="no rotation, and there is no sform"):
        formats.read(path)


@pytest.mark.parametrize("codes", [(1, 1), (0, 1), (1, 0)])
def test_a_qfac_of_0_counts_as_1(nifti_file, tmp_path, caplog, codes):
    sform, qform = codes
    path = nifti_file("x.nii", affine=AFFINE, sform_code=sform, qform_code=qform,
                      pixdim=[0, 2, 2, 3, 1, 1, 1, 1])  # fmt: skip
    np.testing.assert_allclose(formats.read(path).affine, AFFINE)
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
    (file,) = formats.write(formats.read(path), tmp_path / "out", derivation=IDENTITY)
    assert float(nibabel.load(file).header["pixdim"][0]) == 1


def test_a_qfac_of_minus_1_turns_the_third_axis(nifti_file):
    mirrored = np.diag([2.0, 2.0, -3.0, 1.0])
    path = nifti_file("x.nii", affine=mirrored, sform_code=0)
    np.testing.assert_allclose(formats.read(path).affine, mirrored)


def test_both_places_are_moved_by_the_same_change_of_grid(nifti_file, tmp_path):
    scanner, template = AFFINE.copy(), AFFINE.copy()
    template[0, 3] = 100
    path = nifti_file("x.nii", affine=scanner)
    image = nibabel.load(path)
    image.set_sform(template, 4)
    image.set_qform(scanner, 1)
    image.to_filename(path)
    fine = finer(formats.read(path))
    (file,) = formats.write(fine, tmp_path / "out", derivation=IDENTITY)
    header = nibabel.load(file).header
    assert (int(header["qform_code"]), int(header["sform_code"])) == (1, 4)
    np.testing.assert_allclose(header.get_sform(), fine.affine, atol=1e-5)
    np.testing.assert_allclose(header.get_sform()[:3, 3] - header.get_qform()[:3, 3], [100, 0, 0])
    np.testing.assert_allclose(header.get_qform()[:3, :3], fine.affine[:3, :3], atol=1e-5)


@pytest.mark.parametrize("dtype", ["u1", "<i2", "<f4"])
def test_a_slope_counts_once_on_a_finer_grid_too(nifti_file, tmp_path, dtype):
    scan = formats.read(nifti_file(dtype=dtype, slope=3.77, inter=5))
    halved = replace(
        scan, voxels=np.repeat(scan.voxels, 2, axis=3), affine=scan.affine @ np.diag([1, 1, 0.5, 1])
    )
    (file,) = formats.write(halved, tmp_path / "out", derivation=IDENTITY)
    np.testing.assert_allclose(nibabel.load(file).get_fdata(), halved.voxels[0], rtol=1e-6)


def test_cifti_is_named(tmp_path):
    from nibabel import cifti2

    brain = cifti2.BrainModelAxis.from_mask(
        np.ones((3, 3, 2), bool), affine=AFFINE, name="thalamus_left"
    )
    data = np.zeros((5, len(brain)), np.float32)
    axes = (cifti2.SeriesAxis(0, 0.72, 5), brain)
    cifti2.Cifti2Image(data, header=axes).to_filename(tmp_path / "rest.dtseries.nii")
    (series,) = formats.find(tmp_path)
    assert "found a surface or grayordinates (CIFTI)" in series.refusal


def test_a_pair_is_known_by_either_file(tmp_path):
    data = np.arange(60, dtype=np.int16).reshape(5, 4, 3)
    header = files.pair(tmp_path / "in" / "scan.hdr", data, AFFINE)
    for named in (header, header.with_suffix(".img"), header.parent):
        (series,) = formats.find(named)
        assert series.files == (header, header.with_suffix(".img"))
    written = formats.write(formats.read(header), tmp_path / "out", derivation=IDENTITY)
    assert [file.name for file in written] == ["scan.hdr", "scan.img"]
    np.testing.assert_array_equal(nibabel.load(written[0]).get_fdata(), data)
    header.with_suffix(".img").unlink()
    assert formats.find(header.parent) == []  # a .hdr alone may be of another format


def test_analyze_is_refused_by_name(tmp_path):
    image = nibabel.AnalyzeImage(np.zeros((3, 3, 3), np.int16), np.eye(4))
    image.to_filename(tmp_path / "old.hdr")
    (series,) = formats.find(tmp_path)
    assert "found Analyze 7.5" in series.refusal
    with pytest.raises(UnsupportedScan, match="left and right"):
        formats.read(tmp_path / "old.img")
