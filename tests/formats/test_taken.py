"""What an Enhancer is given in the place of a Volume."""

import pickle
import re

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import medddim as md
from medddim.errors import RequestProblem, UnreadableScan
from medddim.formats.taken import as_volume
from tests import studies
from tests.phantoms import head


@pytest.fixture
def path(tmp_path):
    """A scan on disk."""
    return studies.nifti(tmp_path)


@pytest.mark.parametrize(
    "given",
    [str, lambda path: path, nib.load, sitk.ReadImage, lambda path: md.read(path).to_metatensor()],
    ids=["str", "Path", "nibabel", "SimpleITK", "MetaTensor"],
)
def test_one_scan_in_any_shape_gives_one_answer(path, given):
    enhancer = studies.enhancer()
    answer, direct = enhancer(given(path)), enhancer(md.read(path))
    np.testing.assert_array_equal(answer.voxels, direct.voxels)
    np.testing.assert_allclose(answer.affine, direct.affine, atol=1e-6)


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (head().voxels[0], r"medddim\.Volume\(array\[None\], affine\)"),
        (head().voxels, r"medddim\.Volume\(array, affine\), with the channel first"),
        (b"scan", r"medddim\.read\(path\)"),
    ],
    ids=["3D", "4D", "bytes"],
)
def test_an_array_is_answered_with_the_remedy(given, remedy):
    with pytest.raises(RequestProblem, match=remedy):
        studies.enhancer()(given)


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableScan, match="no such file"):
        as_volume(tmp_path / "nowhere.nii.gz")


def test_an_enhancer_goes_to_another_process_and_says_what_it_is():
    enhancer = studies.enhancer()
    again = pickle.loads(pickle.dumps(enhancer))
    np.testing.assert_array_equal(again(head()).voxels, enhancer(head()).voxels)
    assert re.fullmatch(r"Enhancer\(tiny: denoises MR · cpu, fp32\)", repr(again))
