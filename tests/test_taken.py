"""What public functions are given in the place of a Volume."""

import pickle
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from matplotlib import pyplot

import medddim as md
from medddim.errors import RequestProblem, UnreadableScan, WriteRefused
from medddim.taken import as_volume
from tests import studies
from tests.phantoms import head

GIVEN = {
    "str": str,
    "Path": Path,
    "Series": lambda path: md.find(path)[0],
    "nibabel": nib.load,
    "SimpleITK": sitk.ReadImage,
    "MetaTensor": lambda path: md.read(path).to_metatensor(),
}


def written_map(scan, folder):
    """The voxels of the map that is made of `scan`, beside the result of it."""
    result = md.write(scan, folder, name="result")
    (path,) = md.write_map(scan, folder, of=str(result[0]), quantity="residual")
    return md.read(path).voxels


def shown(scan, _):
    md.show(scan)
    pyplot.close()


TAKES = {
    "ChiNoise": lambda scan, _: md.ChiNoise(0.1)(scan).voxels,
    "Enhancer": lambda scan, _: studies.enhancer()(scan).voxels,
    "KernelChange": lambda scan, _: md.KernelChange()(scan).voxels,
    "LargerVoxels": lambda scan, _: md.LargerVoxels((2, 2, 2))(scan).voxels,
    "LowDose": lambda scan, _: md.LowDose(0.5)(scan).voxels,
    "LowMatrix": lambda scan, _: md.LowMatrix()(scan).voxels,
    "MrScanner": lambda scan, _: md.MrScanner(0.1)(scan).voxels,
    "RicianNoise": lambda scan, _: md.RicianNoise(0.1)(scan).voxels,
    "ThickSlices": lambda scan, _: md.ThickSlices(6)(scan).voxels,
    "compare": lambda scan, _: md.compare(scan, scan).hf_power,
    "estimate_noise": lambda scan, _: md.estimate_noise(scan),
    "noise_passport": lambda scan, _: md.noise_passport(scan).level,
    "show": shown,
    "write": lambda scan, folder: md.read(md.write(scan, folder, like=scan, name="a")[0]).voxels,
    "write_map": written_map,
}
OTHERS = {
    "NoisePassport", "Recipe", "Scores", "Series", "Volume", "__version__",
    "degradation", "diffusion", "errors", "find", "read", "train",
}  # fmt: skip
"""Records, modules, and what takes paths."""


def test_of_every_public_name_it_is_known_whether_it_takes_scans():
    assert {*TAKES, *OTHERS} == {*md.__all__}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """A scan on disk of MR and of CT."""
    folder = tmp_path_factory.mktemp("scans")
    (ct,) = md.write(head(spacing_mm=(1.0, 1.0, 2.0), air=-1.25), folder, name="ct")
    return {"MR": studies.nifti(folder), "CT": ct}


@pytest.mark.parametrize("given", GIVEN)
@pytest.mark.parametrize("name", TAKES)
def test_one_scan_in_any_shape_gives_one_answer(name, given, paths, tmp_path, monkeypatch):
    monkeypatch.setattr(pyplot, "show", lambda: None)
    path = paths["CT" if name in ("KernelChange", "LowDose") else "MR"]
    answer = TAKES[name](GIVEN[given](path), tmp_path / "given")
    direct = TAKES[name](md.read(path), tmp_path / "read")
    if direct is not None:
        np.testing.assert_allclose(answer, direct, rtol=1e-6)


@pytest.mark.parametrize("name", TAKES)
@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        (head().voxels[0], r"an array .*medddim\.Volume\(array\[None\], affine\)"),
        (head().voxels, r"medddim\.Volume\(array, affine\), with the channel first"),
        (b"scan", r"found a bytes; give a Volume, a path, or an image of nibabel"),
        ([head()], r"found a list; give one scan at a time"),
        (None, r"found a NoneType; give a Volume"),
    ],
    ids=["3D", "4D", "bytes", "list", "None"],
)
def test_what_cannot_be_taken_is_answered_with_the_remedy(name, given, remedy, tmp_path):
    with pytest.raises(RequestProblem, match=remedy):
        TAKES[name](given, tmp_path)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: md.read(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))), "path of a scan"),
        (lambda: md.find(head()), "found a Volume"),
        (lambda: md.write(head(), head(), name="a"), "path of the folder to write to"),
    ],
    ids=["read", "find", "write"],
)
def test_where_a_path_is_due_nothing_else_is(call, expected):
    with pytest.raises(RequestProblem, match=expected):
        call()


def test_a_path_that_is_not_there(tmp_path):
    with pytest.raises(UnreadableScan, match="no such file"):
        as_volume(tmp_path / "nowhere.nii.gz")


@pytest.mark.parametrize("scan", [head, lambda: head().to_nibabel()], ids=["Volume", "nibabel"])
def test_a_file_may_be_named_where_its_ending_is_that_of_the_scan(scan, tmp_path):
    (path,) = md.write(scan(), tmp_path / "a.b" / "better.nii.gz")
    assert path == tmp_path / "a.b" / "better.nii.gz"
    with pytest.raises(WriteRefused, match=r"a name that ends in \.nii\.gz"):
        md.write(scan(), tmp_path / "better.mha")
    assert sorted(tmp_path.rglob("*.*")) == [tmp_path / "a.b", path]


def test_the_result_of_a_dicom_series_is_no_file(tmp_path):
    series = studies.dicom(tmp_path)
    with pytest.raises(WriteRefused, match="DICOM result is one"):
        md.write(series, tmp_path / "better.nii.gz")


def test_an_enhancer_goes_to_another_process_and_says_what_it_is():
    enhancer = studies.enhancer()
    again = pickle.loads(pickle.dumps(enhancer))
    np.testing.assert_array_equal(again(head()).voxels, enhancer(head()).voxels)
    assert re.fullmatch(r"Enhancer\(tiny: denoises MR · cpu, fp32\)", repr(again))
