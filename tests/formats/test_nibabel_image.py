"""Images of nibabel's as Volumes, and back."""

import json
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

import medddim as md
from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import Derivation
from tests import studies
from tests.phantoms import head


def image_of(voxels, affine=None, **header):
    """A NIfTI image in memory, (x, y, z)."""
    image = nib.Nifti1Image(voxels, head().affine if affine is None else affine)
    for key, value in header.items():
        image.header[key] = value
    return image


def test_there_and_back_keeps_voxels_place_modality_and_unit():
    scan = replace(head(), modality="CT", unit="HU")
    image = scan.to_nibabel()
    assert image.get_data_dtype() == np.float32
    assert image.shape == scan.shape
    back = md.Volume.from_nibabel(image)
    np.testing.assert_array_equal(back.voxels, scan.voxels)
    np.testing.assert_allclose(back.affine, scan.affine, rtol=0, atol=1e-6)
    assert (back.modality, back.unit) == ("CT", "HU")


def test_channels_are_the_fourth_axis():
    scan = replace(head(), voxels=np.concatenate([head().voxels, 2 * head().voxels]))
    image = scan.to_nibabel()
    assert image.shape == (*scan.shape, 2)
    np.testing.assert_array_equal(md.Volume.from_nibabel(image).voxels, scan.voxels)


def test_shear_is_kept():
    affine = head().affine.copy()
    affine[0, 2] += 0.8
    scan = replace(head(), affine=affine)
    back = md.Volume.from_nibabel(scan.to_nibabel())
    np.testing.assert_allclose(back.affine, affine, rtol=0, atol=1e-6)


def test_a_loaded_image_is_what_reading_its_file_gives(tmp_path):
    path = studies.nifti(tmp_path)
    scan = md.Volume.from_nibabel(nib.load(path))
    read = md.read(path)
    np.testing.assert_array_equal(scan.voxels, read.voxels)
    np.testing.assert_array_equal(scan.affine, read.affine)
    assert scan.name == read.name == "head"


def test_integers_and_slope_come_back_as_they_were(tmp_path):
    stored = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    image = image_of(stored)
    image.header.set_slope_inter(0.5, 10)
    nib.save(image, tmp_path / "scaled.nii.gz")
    loaded = nib.load(tmp_path / "scaled.nii.gz")
    scan = md.Volume.from_nibabel(loaded)
    np.testing.assert_allclose(scan.voxels[0], loaded.get_fdata())
    (written,) = md.write(scan, tmp_path / "out", derivation=Derivation("identity", "a test"))
    assert written.name == "scaled.nii.gz"
    again = nib.load(written)
    assert again.get_data_dtype() == np.int16
    np.testing.assert_array_equal(again.dataobj.get_unscaled(), loaded.dataobj.get_unscaled())


def test_the_file_beside_tells_the_modality(tmp_path):
    path = studies.nifti(tmp_path)
    path.with_name("head.json").write_text(json.dumps({"Modality": "CT"}))
    assert md.Volume.from_nibabel(nib.load(path)).unit == "HU"
    assert md.Volume.from_nibabel(nib.load(path), modality="MR").modality == "MR"


def test_an_affine_changed_in_memory_is_the_one_that_holds():
    image = image_of(np.ones((3, 4, 5), np.float32))
    image.affine[:3, 3] += 7
    np.testing.assert_allclose(md.Volume.from_nibabel(image).affine, image.affine, atol=1e-6)
    assert not np.allclose(image.header.get_best_affine(), image.affine)  # left as it was


def test_lengths_are_those_of_the_header_unit():
    image = image_of(np.ones((3, 4, 5), np.float32), np.diag([0.001, 0.002, 0.003, 1]))
    image.header.set_xyzt_units("meter")
    scan = md.Volume.from_nibabel(image)
    np.testing.assert_allclose(scan.spacing_mm, (1, 2, 3))
    back = scan.to_nibabel()
    assert back.header.get_xyzt_units()[0] == "mm"
    np.testing.assert_allclose(back.affine, scan.affine)


def test_not_a_number_comes_back():
    voxels = np.ones((3, 4, 5), np.float32)
    voxels[1, 1, 1] = np.nan
    scan = md.Volume.from_nibabel(image_of(voxels))
    assert scan.voxels[0, 1, 1, 1] == 0
    np.testing.assert_array_equal(scan.to_nibabel().get_fdata(), voxels)


def test_other_images_have_a_place_too():
    voxels = np.random.default_rng(0).random((3, 4, 5), dtype=np.float32)
    scan = md.Volume.from_nibabel(nib.MGHImage(voxels, head().affine))
    np.testing.assert_array_equal(scan.voxels[0], voxels)
    np.testing.assert_allclose(scan.affine, head().affine, atol=1e-6)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (image_of(np.ones((3, 4, 5), np.complex64)), "complex"),
        (image_of(np.ones((3, 4, 5), np.float32), intent_code=1002), "labels"),
        (nib.Nifti1Image(np.ones((3, 4, 5), np.float32), None), "no affine"),
        (nib.AnalyzeImage(np.ones((3, 4, 5), np.float32), np.eye(4)), "where it lies"),
        (np.ones((3, 4, 5)), "found ndarray"),
    ],
    ids=["complex", "labels", "nowhere", "analyze", "array"],
)
def test_what_cannot_be_taken_is_refused(image, message):
    with pytest.raises(UnsupportedScan, match=message):
        md.Volume.from_nibabel(image)


@pytest.mark.parametrize("shape", [(0, 5, 5), (5, 5, 5, 0)])
def test_an_image_without_voxels_is_refused(shape):
    with pytest.raises(UnreadableScan, match="none of them 0"):
        md.Volume.from_nibabel(nib.Nifti1Image(np.zeros(shape, np.float32), np.eye(4)))


def test_a_file_without_a_place_is_refused_as_when_read(tmp_path):
    nib.save(nib.Nifti1Image(np.ones((3, 4, 5), np.float32), None), tmp_path / "nowhere.nii.gz")
    for take in (md.read, lambda path: md.Volume.from_nibabel(nib.load(path))):
        with pytest.raises(UnsupportedScan, match=r"nowhere\.nii\.gz: the header places the scan"):
            take(tmp_path / "nowhere.nii.gz")


def test_a_broken_affine_is_refused():
    image = image_of(np.ones((3, 4, 5), np.float32))
    image.affine[0, 0] = np.nan
    with pytest.raises(UnreadableScan):
        md.Volume.from_nibabel(image)
