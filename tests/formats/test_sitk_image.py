"""Images of SimpleITK's as Volumes, and back; SimpleITK itself reads the files."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

import medddim as md
from medddim.errors import UnsupportedScan
from tests import studies
from tests.phantoms import head


def test_there_and_back_keeps_voxels_place_modality_and_unit():
    scan = replace(head(), modality="CT", unit="HU")
    back = md.Volume.from_sitk(scan.to_sitk())
    np.testing.assert_array_equal(back.voxels, scan.voxels)
    np.testing.assert_allclose(back.affine, scan.affine, rtol=0, atol=1e-6)
    assert (back.modality, back.unit) == ("CT", "HU")


def test_channels_are_components():
    scan = replace(head(), voxels=np.concatenate([head().voxels, 2 * head().voxels]))
    image = scan.to_sitk()
    assert (image.GetDimension(), image.GetNumberOfComponentsPerPixel()) == (3, 2)
    np.testing.assert_array_equal(md.Volume.from_sitk(image).voxels, scan.voxels)


def test_a_voxel_lies_where_simpleitk_says():
    scan = head()
    index = (5, 7, 2)
    lps = scan.to_sitk().TransformIndexToPhysicalPoint(index)
    ras = scan.affine @ (*index, 1)
    np.testing.assert_allclose(lps, ras[:3] * (-1, -1, 1), atol=1e-6)
    assert scan.to_sitk()[index] == scan.voxels[0][index]


def test_a_file_read_by_both_is_one_scan(tmp_path):
    path = studies.nifti(tmp_path)
    scan, read = md.Volume.from_sitk(sitk.ReadImage(path)), md.read(path)
    np.testing.assert_array_equal(scan.voxels, read.voxels)
    scan.require_same_grid(read)


def test_a_dicom_series_read_by_both_is_one_scan(tmp_path):
    folder = studies.dicom(tmp_path)
    files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    scan, read = md.Volume.from_sitk(sitk.ReadImage(files), modality="MR"), md.read(folder)
    place = np.linalg.inv(read.affine) @ scan.affine  # the order of the slices may be the other
    there = np.rint(np.abs(place[:3, :3])).astype(int)
    np.testing.assert_array_equal(there, np.eye(3))
    flipped = tuple(slice(None, None, int(np.sign(place[n, n]))) for n in range(3))
    np.testing.assert_array_equal(scan.voxels[0][flipped], read.voxels[0])


def test_the_fourth_dimension_becomes_channels():
    first = head().to_sitk()
    image = sitk.JoinSeries([first, 2 * first])
    scan = md.Volume.from_sitk(image)
    np.testing.assert_array_equal(scan.voxels[1], 2 * head().voxels[0])
    np.testing.assert_allclose(scan.affine, head().affine, atol=1e-6)


def test_shear_is_refused_with_its_angle():
    affine = head().affine.copy()
    affine[:3, 2] += affine[:3, 0]
    with pytest.raises(UnsupportedScan, match=r"lean \d+\.\d+ degrees .* nibabel"):
        replace(head(), affine=affine).to_sitk()


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (sitk.Image(4, 4, sitk.sitkFloat32), "JoinSeries"),
        (sitk.Image([4, 4, 4], sitk.sitkVectorUInt8, 3), "colours"),
        (sitk.Image([4, 4, 4], sitk.sitkComplexFloat32), "complex"),
        (np.ones((3, 4, 5)), "found ndarray"),
    ],
    ids=["2D", "colours", "complex", "array"],
)
def test_what_cannot_be_taken_is_refused(image, message):
    with pytest.raises(UnsupportedScan, match=message):
        md.Volume.from_sitk(image)
