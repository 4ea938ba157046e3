"""`medddim degrade`: worse on purpose, and the same every time."""

import numpy as np
import pytest

from medddim import formats
from medddim.degradation import RicianNoise, ThickSlices
from tests import studies


def degrade(medddim, *how, out="out"):
    return medddim("degrade", "study", "-o", out, *how)


@pytest.mark.parametrize(
    ("how", "degradation"),
    [
        (("--as", "rician", "--level", "0.2", "--seed", "3"), RicianNoise(0.2)),
        (("--as", "thick-slices", "--thickness", "6"), ThickSlices(6.0)),
    ],
)
def test_it_is_the_degradation_of_the_library(medddim, study, tmp_path, how, degradation):
    result = degrade(medddim, *how)
    assert result.exit_code == 0
    before, after = (formats.read(folder / "head.nii.gz") for folder in (study, tmp_path / "out"))
    expected = degradation(before, np.random.default_rng(3))
    after.require_same_grid(expected)
    assert np.allclose(after.voxels, expected.voxels, rtol=1e-5)


def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(medddim, study, tmp_path):
    for out, seed in (("one", 0), ("two", 0), ("three", 1)):
        degrade(medddim, "--as", "rician", "--seed", seed, out=out)
    one, two, three = (
        (tmp_path / out / "head.nii.gz").read_bytes() for out in ("one", "two", "three")
    )
    assert one == two
    assert one != three


def test_slices_thinner_than_the_scan_are_refused_scan_by_scan(medddim, study, tmp_path):
    result = degrade(medddim, "--as", "thick-slices", "--thickness", "4")
    assert result.exit_code == 1
    assert result.stdout.count("refused ") == 1  # the series has slices of 5 mm
    assert list(studies.contents(tmp_path / "out")) == ["head.nii.gz"]


def test_thick_slices_need_a_thickness(medddim, study):
    result = degrade(medddim, "--as", "thick-slices")
    assert result.exit_code == 2
    assert "--thickness" in result.stderr
