"""Enhance and Degrade inside MONAI's own pipelines."""

import pickle

import nibabel as nib
import numpy as np
import pytest
from click.testing import CliRunner
from monai.data import DataLoader, Dataset, PersistentDataset
from monai.data.utils import pickle_hashing
from monai.transforms import Compose, EnsureChannelFirstD, LoadImageD, SaveImageD, SpacingD

import medddim as md
from medddim.cli import main
from medddim.errors import CheckpointError, RequestProblem
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


@pytest.mark.parametrize(
    ("stored", "slope", "intercept"), [("int16", 1.0, 0.0), ("uint16", 0.25, -64.0)]
)
def test_of_integers_it_is_what_the_command_stores(tmp_path, model, stored, slope, intercept):
    clean = nib.load(studies.nifti(tmp_path))
    numbers = np.rint((clean.get_fdata() - intercept) / slope).astype(stored)
    image = nib.Nifti1Image(numbers, clean.affine, dtype=stored)
    image.header.set_slope_inter(slope, intercept)
    path = tmp_path / "scans" / "head.nii.gz"
    path.parent.mkdir()
    nib.save(image, path)
    command = ["enhance", str(path), "-o", str(tmp_path / "ours"), "--model", model]
    assert CliRunner().invoke(main, command).exit_code == 0
    ours = nib.load(tmp_path / "ours" / "head.nii.gz")
    loaded = LoadImageD("image", ensure_channel_first=True)({"image": path})
    theirs = EnhanceD("image", model=model)(loaded)["image"]
    np.testing.assert_allclose(theirs[0], ours.get_fdata(), rtol=0, atol=1e-4)
    scaled = {"image": loaded["image"] / 1000}  # no integers any more: not rounded
    answer = EnhanceD("image", model=model)(scaled)["image"]
    assert len(np.unique(answer)) > len(np.unique(theirs)) / 2


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
