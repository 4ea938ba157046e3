"""The sample scans in data_samples/ are what their maker makes, and can be read."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from medddim import formats

SAMPLES = Path(__file__).parents[2] / "data_samples"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="data_samples/ is not part of the source distribution"
)


@pytest.mark.slow
def test_making_them_again_gives_equal_voxels(tmp_path: Path) -> None:
    runpy.run_path(str(SAMPLES / "make_samples.py"))["make"](tmp_path)
    made, kept = formats.find(tmp_path), formats.find(SAMPLES)
    assert [one.name for one in made] == [one.name for one in kept]
    assert [one.name for one in kept] == ["phantom_mr", "phantom_mr_clean", "phantom_mr_dicom"]
    for new, old in zip(made, kept, strict=True):
        assert not old.refusal
        # hypot may round the last bit otherwise on another processor
        np.testing.assert_allclose(formats.read(new).voxels, formats.read(old).voxels, atol=1)
        np.testing.assert_allclose(formats.read(new).affine, formats.read(old).affine, atol=1e-6)


def test_they_are_small() -> None:
    files = [path for path in SAMPLES.rglob("*") if path.is_file() and "pycache" not in str(path)]
    assert sum(path.stat().st_size for path in files) < 400_000


def test_the_noisy_phantom_is_the_clean_one_with_noise() -> None:
    noisy = formats.read(SAMPLES / "phantom_mr.nii.gz")
    clean = formats.read(SAMPLES / "phantom_mr_clean.nii.gz")
    noisy.require_same_grid(clean)
    bright = clean.voxels > 0.9 * clean.voxels.max()
    error = (noisy.voxels - clean.voxels)[bright]
    assert error.std() == pytest.approx(0.05 * clean.voxels.max(), rel=0.05)
