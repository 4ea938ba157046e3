"""MetaTensors as Volumes, and back."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from monai.data.meta_tensor import MetaTensor
from monai.transforms import Compose, EnsureChannelFirst, LoadImage, Spacing

import medddim as md
from medddim.errors import UnsupportedScan
from tests import studies
from tests.phantoms import head


def test_there_and_back_keeps_voxels_place_modality_and_unit():
    scan = replace(head(), modality="CT", unit="HU")
    tensor = scan.to_metatensor()
    assert isinstance(tensor, MetaTensor)
    back = md.Volume.from_metatensor(tensor)
    np.testing.assert_array_equal(back.voxels, scan.voxels)
    np.testing.assert_array_equal(back.affine, scan.affine)
    assert (back.modality, back.unit) == ("CT", "HU")


@pytest.mark.filterwarnings("ignore:NvImgCodec")  # LoadImage makes every reader, used or not
def test_what_monai_loads_is_what_we_read(tmp_path):
    path = studies.nifti(tmp_path)
    tensor = LoadImage(ensure_channel_first=True)(path)
    scan, read = md.Volume.from_metatensor(tensor), md.read(path)
    np.testing.assert_array_equal(scan.voxels, read.voxels)
    scan.require_same_grid(read)


def test_metadata_and_space_of_another_are_kept():
    tensor = head().to_metatensor()
    tensor.meta |= {"filename_or_obj": "head.nii.gz", "space": "LPS"}
    scan = md.Volume.from_metatensor(tensor)
    np.testing.assert_array_equal(scan.affine[:2], -head().affine[:2])
    again = scan.to_metatensor(like=tensor)
    assert again.meta["filename_or_obj"] == "head.nii.gz"
    np.testing.assert_array_equal(again.affine, tensor.affine)


def test_an_operation_put_off_is_refused():
    tensor = head().to_metatensor()
    put_off = Spacing(2.0, lazy=True)(tensor)
    with pytest.raises(UnsupportedScan, match="ApplyPending"):
        md.Volume.from_metatensor(put_off)
    done = Compose([Spacing(2.0), EnsureChannelFirst(channel_dim=0)], lazy=True)(tensor)
    assert md.Volume.from_metatensor(done).spacing_mm == pytest.approx((2, 2, 2))


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.ones(1, 3, 4, 5), "LoadImage"),
        (MetaTensor(torch.ones(3, 4, 5)), "EnsureChannelFirst"),
        (MetaTensor(torch.ones(1, 3, 4, 5), meta={"space": "scanner"}), "scanner"),
    ],
    ids=["tensor", "3D", "space"],
)
def test_what_cannot_be_taken_is_refused(tensor, message):
    with pytest.raises(UnsupportedScan, match=message):
        md.Volume.from_metatensor(tensor)
