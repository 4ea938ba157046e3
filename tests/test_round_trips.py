"""Scans through nibabel, SimpleITK and MONAI, in memory and by file: voxels and place come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

import medddim as md
from medddim.errors import UnsupportedScan

ANGLES = st.tuples(*[st.floats(-np.pi, np.pi)] * 3)
SPACINGS = st.tuples(*[st.floats(0.1, 12)] * 3)
PLACES = st.tuples(*[st.floats(-500, 500)] * 3)
ORDERS = st.permutations(range(3))
SIGNS = st.tuples(*[st.sampled_from([-1, 1])] * 3)
SHAPES = st.tuples(st.integers(1, 2), *[st.integers(1, 6)] * 3)


@st.composite
def scans(draw: Any) -> md.Volume:
    """Scans oblique, flipped, with axes in any order, any shape; of several volumes."""
    spacing, order, signs = draw(SPACINGS), draw(ORDERS), draw(SIGNS)
    turned = _rotation(draw(ANGLES)) if draw(st.booleans()) else np.eye(3)
    affine = np.eye(4)
    affine[:3, :3] = turned[:, order] * signs * spacing
    affine[:3, 3] = draw(PLACES)
    shape = draw(SHAPES)
    voxels = np.random.default_rng(sum(shape)).normal(0, 1000, shape).astype(np.float32)
    return md.Volume(voxels, affine, modality="MR")


def _rotation(angles: tuple[float, ...]) -> Any:
    turned = np.eye(3)
    for axis, angle in enumerate(angles):
        one = np.eye(3)
        first, second = (axis + 1) % 3, (axis + 2) % 3
        one[[first, second], [first, second]] = np.cos(angle)
        one[first, second], one[second, first] = -np.sin(angle), np.sin(angle)
        turned = turned @ one
    return turned


def same(again: md.Volume, scan: md.Volume, tolerance: float = 1e-6) -> None:
    np.testing.assert_array_equal(again.voxels, scan.voxels)
    np.testing.assert_allclose(again.affine, scan.affine, rtol=0, atol=tolerance)


@settings(max_examples=30, deadline=None)
@given(scan=scans())
def test_in_memory(scan: md.Volume) -> None:
    same(md.Volume.from_nibabel(scan.to_nibabel()), scan)
    same(md.Volume.from_sitk(scan.to_sitk()), scan)


@settings(max_examples=8, deadline=None)
@given(scan=scans())
def test_from_nibabel_to_simpleitk_and_back(scan: md.Volume) -> None:
    by_both = md.Volume.from_sitk(md.Volume.from_nibabel(scan.to_nibabel()).to_sitk())
    same(md.Volume.from_nibabel(by_both.to_nibabel()), scan)


@settings(max_examples=8, deadline=None)
@given(scan=scans())
def test_by_a_file_of_the_other_library(scan: md.Volume, tmp_path_factory: Any) -> None:
    folder: Path = tmp_path_factory.mktemp("files")
    nib.save(scan.to_nibabel(), folder / "a.nii.gz")
    sitk.WriteImage(scan.to_sitk(), folder / "b.nrrd")
    float32 = 1e-7 * np.abs(scan.affine).max() * 10  # of the header of NIfTI
    same(md.read(folder / "a.nii.gz"), scan, max(1e-6, float32))
    same(md.read(folder / "b.nrrd"), scan)


@pytest.mark.filterwarnings("ignore:NvImgCodec")
@settings(max_examples=8, deadline=None)
@given(scan=scans())
def test_as_a_metatensor(scan: md.Volume) -> None:
    same(md.Volume.from_metatensor(scan.to_metatensor()), scan)


@settings(max_examples=8, deadline=None)
@given(scan=scans(), lean=st.floats(0.02, 1))
def test_shear_is_kept_by_nibabel_and_refused_for_simpleitk(scan: md.Volume, lean: float) -> None:
    affine = scan.affine.copy()
    affine[:3, 2] += lean * np.linalg.norm(affine[:3, 2]) * affine[:3, 0] / scan.spacing_mm[0]
    leaning = md.Volume(scan.voxels, affine, modality="MR")
    same(md.Volume.from_nibabel(leaning.to_nibabel()), leaning)
    with pytest.raises(UnsupportedScan, match="lean"):
        leaning.to_sitk()
