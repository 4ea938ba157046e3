"""Enhance and Degrade inside MONAI's own pipelines."""

import json
import pickle

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from monai.data import DataLoader, Dataset, PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import (
    Compose,
    EnsureChannelFirstD,
    LoadImageD,
    OrientationD,
    SaveImageD,
    SpacingD,
)

import medddim as md
from medddim.batch.choice import model_for
from medddim.cli import main
from medddim.errors import CheckpointError, RequestProblem
from medddim.formats import modality_of
from medddim.formats.like_file import Order
from medddim.inference.enhancer import Enhancer
from medddim.integrations.monai import Degrade, DegradeD, Enhance, EnhanceD
from tests import studies
from tests.phantoms import head

pytestmark = pytest.mark.filterwarnings(
    "ignore:NvImgCodec",  # LoadImage makes every reader, used or not
)


@pytest.fixture
def model(tmp_path):
    """A checkpoint folder of an untrained network."""
    return str(studies.model(tmp_path / "model"))


def test_a_pipeline_of_monais_gives_what_the_command_gives(tmp_path, model):
    path = studies.nifti(tmp_path / "scans")
    command = ["enhance", str(path), "-o", str(tmp_path / "ours"), "--model", model, "--steps", "2"]
    assert CliRunner().invoke(main, [*command, "--precision", "fp32"]).exit_code == 0
    pipeline = Compose(
        [
            LoadImageD("image", ensure_channel_first=True),
            EnhanceD("image", model=model, steps=2, precision="fp32"),
            SaveImageD("image", output_dir=tmp_path / "theirs", print_log=False),
        ]
    )
    pipeline({"image": path})
    ours = nib.load(tmp_path / "ours" / "head.nii.gz")
    theirs = nib.load(tmp_path / "theirs" / "head" / "head_trans.nii.gz")
    np.testing.assert_array_equal(theirs.get_fdata(), ours.get_fdata())
    np.testing.assert_allclose(theirs.affine, ours.affine, atol=1e-6)
    assert not np.array_equal(ours.get_fdata(), nib.load(path).get_fdata())


def nifti_of(folder, voxels, affine=None, *, scale=(None, None)):
    """A NIfTI file of these stored numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(voxels, head().affine if affine is None else affine)
    image.header.set_slope_inter(*scale)
    nib.save(image, folder / "head.nii.gz")
    return folder / "head.nii.gz"


def noisy(folder):
    return nib.load(studies.nifti(folder)).get_fdata(dtype=np.float32)


def scaled(folder):
    return nifti_of(folder, np.rint(noisy(folder) * 4).astype(np.uint16), scale=(0.25, -64))


def not_all_numbers(folder):
    voxels = noisy(folder)
    voxels[0, 0, 0], voxels[20, 20, 2] = np.nan, np.inf
    return nifti_of(folder, voxels)


def sheared(folder):
    affine = head().affine.copy()
    affine[0, 2] += 0.8
    return nifti_of(folder, noisy(folder), affine)


KINDS = {
    "int16": lambda folder: nifti_of(folder, np.rint(noisy(folder)).astype(np.int16)),
    "slope and intercept": scaled,
    "float64": lambda folder: nifti_of(folder, noisy(folder).astype(np.float64)),
    "4D": lambda folder: nifti_of(folder, noisy(folder)[..., None] * np.float32([1, 0.5])),
    "not all numbers": not_all_numbers,
    "sheared": sheared,
    "DICOM": studies.dicom,
}


@pytest.mark.daily(3)
@pytest.mark.parametrize("kind", KINDS)
def test_of_each_kind_of_file_it_is_what_the_command_stores(tmp_path, model, kind):
    path = KINDS[kind](tmp_path / "scans")
    command = ["enhance", str(path), "-o", str(tmp_path / "ours"), "--model", model]
    assert CliRunner().invoke(main, command).exit_code == 0
    loaded = LoadImageD("image", ensure_channel_first=True)({"image": path})
    answer = EnhanceD("image", model=model)(loaded)["image"]
    ours, place = stored(tmp_path / "ours"), np.asarray(answer.affine)
    theirs = Order.of(md.Volume(answer.numpy(), place), ours).applied(
        md.Volume(answer.numpy(), place)
    )
    np.testing.assert_array_equal(theirs.voxels, ours.voxels)
    np.testing.assert_allclose(theirs.affine, ours.affine, rtol=0, atol=1e-5)
    np.testing.assert_allclose(place, loaded["image"].affine, rtol=0, atol=1e-5)


def stored(folder):
    """The one result in a folder, voxels that are no numbers included."""
    result = md.read(folder)
    if (folder / "head.nii.gz").exists():
        voxels = nib.load(folder / "head.nii.gz").get_fdata(dtype=np.float32)
        return result.with_voxels(np.moveaxis(voxels.reshape(*result.shape, -1), -1, 0))
    return result


def test_what_was_scaled_before_is_not_rounded(tmp_path, model):
    path = KINDS["int16"](tmp_path / "scans")
    loaded = LoadImageD("image", ensure_channel_first=True)({"image": path})
    of_file = EnhanceD("image", model=model)(loaded)["image"]
    scaled = EnhanceD("image", model=model)({"image": loaded["image"] / 1000})["image"]
    assert len(np.unique(scaled)) > len(np.unique(of_file))


def test_another_order_of_the_axes_makes_no_difference(tmp_path, model):
    path = studies.nifti(tmp_path)
    steps = [LoadImageD("image", ensure_channel_first=True), EnhanceD("image", model=model)]
    turned = [steps[0], OrientationD("image", axcodes="SPL", labels=None), steps[1]]
    back = OrientationD("image", axcodes=md.read(path).orientation, labels=None)
    ours, theirs = (Compose(some)({"image": path}) for some in (steps, turned))
    assert theirs["image"].shape != ours["image"].shape
    np.testing.assert_array_equal(back(theirs)["image"], ours["image"])


@pytest.mark.parametrize("said", ["MR", "CT", ""])
def test_without_a_name_it_takes_the_model_of_the_command(tmp_path, monkeypatch, said):
    taken = []

    class Loaded:
        def __init__(self, name):
            taken.append(name)

        def __call__(self, scan, **settings):
            return scan

    monkeypatch.setattr(Enhancer, "load", lambda name, **how: Loaded(name))
    path = KINDS["int16"](tmp_path)
    if said:
        path.with_name("head.json").write_text(json.dumps({"Modality": said}))
    (series,) = md.find(path)
    scan = LoadImageD("image", ensure_channel_first=True)({"image": path})["image"]
    Enhance()(scan)
    assert taken == [model_for(modality_of(series))]


def test_the_array_transform_is_the_enhancer(model):
    scan = head()
    answer = Enhance(model, noise=20.0)(scan.to_metatensor())
    direct = md.Enhancer.load(model)(scan, noise=20.0)
    np.testing.assert_array_equal(answer.numpy(), direct.voxels)


def test_a_lazy_pipeline_does_what_is_pending_first(tmp_path, model):
    steps = [
        LoadImageD("image"),
        EnsureChannelFirstD("image"),
        SpacingD("image", 2.0),
        EnhanceD("image", model=model, noise=20.0),
    ]
    path = studies.nifti(tmp_path)
    lazy, eager = (Compose(steps, lazy=lazy)({"image": path})["image"] for lazy in (True, False))
    assert lazy.pending_operations == []
    np.testing.assert_allclose(lazy.numpy(), eager.numpy(), atol=0.02)
    np.testing.assert_allclose(np.linalg.norm(lazy.affine[:3, :3], axis=0), 2)


def test_caching_data_sets_know_the_same_settings_and_weights(tmp_path, model):
    one, same = (EnhanceD("image", model=model) for _ in range(2))
    one({"image": head().to_metatensor()})  # loaded weights are no part of it
    assert pickle_hashing(one) == pickle_hashing(same)
    assert pickle_hashing(one) != pickle_hashing(EnhanceD("image", model=model, steps=2))
    other = str(studies.sampler(tmp_path / "other"))
    assert pickle_hashing(one) != pickle_hashing(EnhanceD("image", model=other))


def test_a_persistent_data_set_and_worker_processes(tmp_path, model):
    path = studies.nifti(tmp_path)
    steps = [LoadImageD("image", ensure_channel_first=True), EnhanceD("image", model=model)]
    data = PersistentDataset([{"image": path}], Compose(steps), cache_dir=tmp_path / "cache")
    cached = [data[0]["image"].numpy() for _ in range(2)]
    np.testing.assert_array_equal(*cached)
    assert len(list((tmp_path / "cache").iterdir())) == 1
    loader = DataLoader(Dataset([{"image": path}], Compose(steps)), num_workers=1)
    np.testing.assert_array_equal(next(iter(loader))["image"][0].numpy(), cached[0])


def test_degraded_as_by_the_command(tmp_path):
    path = studies.nifti(tmp_path / "scans")
    command = ["degrade", str(path), "-o", str(tmp_path / "ours"), "--as", "rician"]
    assert CliRunner().invoke(main, [*command, "--level", "0.1", "--seed", "3"]).exit_code == 0
    steps = [
        LoadImageD("image", ensure_channel_first=True),
        DegradeD("image", degradation=md.RicianNoise(0.1), seed=3),
    ]
    answer = Compose(steps)({"image": path})["image"]
    ours = nib.load(tmp_path / "ours" / "head.nii.gz").get_fdata()
    np.testing.assert_array_equal(answer[0].numpy(), ours)


def test_a_worse_grid_brings_its_affine():
    thick = Degrade(md.ThickSlices(6.0))
    answer = pickle.loads(pickle.dumps(thick))(head().to_metatensor())
    assert np.linalg.norm(answer.affine[:3, 2]) == pytest.approx(6.0)


def test_a_model_that_is_not_there_is_said_at_once():
    with pytest.raises(CheckpointError, match="mr-denose"):
        Enhance("mr-denose")


def test_settings_are_judged_at_once(model):
    with pytest.raises(TypeError, match="step"):
        Enhance(model, step=2)
    with pytest.raises(RequestProblem, match="at least 1 step"):
        Enhance(model, steps=0)
    assert Enhance(model, quality="fast", spacing_mm=None).settings["quality"] == "fast"


def test_missing_keys_are_an_error_unless_allowed(model):
    with pytest.raises(KeyError):
        EnhanceD("image", model=model)({})
    assert EnhanceD("image", model=model, allow_missing_keys=True)({}) == {}
