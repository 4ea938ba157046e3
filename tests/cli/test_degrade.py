"""`medddim degrade`: worse on purpose, and the same every time."""

import json
from dataclasses import replace

import numpy as np
import pytest

from medddim import formats
from medddim.degradation import (
    ChiNoise,
    KernelChange,
    LowDose,
    LowMatrix,
    MrScanner,
    RicianNoise,
    ThickSlices,
)
from medddim.volume import Volume
from tests import studies
from tests.phantoms import head


@pytest.fixture
def ct(tmp_path):
    """`ct/`: a CT as a NIfTI file, with the JSON file beside it that says so."""
    scan = head((40, 40, 4))
    volume = Volume(np.rint(1.2 * scan.voxels - 1000), scan.affine, "CT", "HU")
    formats.write(volume, tmp_path / "ct", name="ct", derivation=studies.IDENTITY)
    (tmp_path / "ct" / "ct.json").write_text('{"Modality": "CT"}')
    return tmp_path / "ct"


def degrade(medddim, *how, out="out"):
    return medddim("degrade", "study", "-o", out, *how)


@pytest.mark.parametrize(
    ("how", "degradation"),
    [
        (("--as", "rician", "--level", "0.2", "--seed", "3"), RicianNoise(0.2)),
        (("--as", "chi", "--level", "0.1", "--coils", "8", "--seed", "3"), ChiNoise(0.1, coils=8)),
        (
            ("--as", "mr-scanner", "--preset", "zero-filled", "--g-factor", "2", "--seed", "3"),
            replace(MrScanner.preset("zero-filled"), g_factor=2.0),
        ),
        (("--as", "chi", "--g-factor", "2", "--seed", "3"), ChiNoise(g_factor=2.0)),
        (("--as", "low-matrix", "--fraction", "0.6", "--taper", "0.3"), LowMatrix(0.6, taper=0.3)),
        (("--as", "low-matrix", "--zero-filled"), LowMatrix(zero_filled=True)),
        (("--as", "thick-slices", "--thickness", "6"), ThickSlices(6.0)),
        (
            ("--as", "thick-slices", "--thickness", "6", "--gap", "1", "--profile", "gaussian"),
            ThickSlices(6.0, profile="gaussian", gap_mm=1.0),
        ),
    ],
)
@pytest.mark.daily(2)
def test_it_is_the_degradation_of_the_library(medddim, study, tmp_path, how, degradation):
    result = degrade(medddim, *how)
    assert result.exit_code == 0
    before, after = (formats.read(folder / "head.nii.gz") for folder in (study, tmp_path / "out"))
    expected = degradation(before, seed=3)
    after.require_same_grid(expected)
    assert np.allclose(after.voxels, expected.voxels, rtol=1e-5)


@pytest.mark.parametrize(
    ("how", "degradation"),
    [
        (("--as", "low-dose", "--seed", "3"), LowDose()),
        (
            ("--as", "low-dose", "--fraction", "0.1", "--kernel", "sharp", "--noise", "15"),
            LowDose(0.1, kernel="sharp", noise_hu=15.0),
        ),
        (("--as", "kernel"), KernelChange()),
        (
            ("--as", "kernel", "--kernel", "standard", "--from-kernel", "sharp"),
            KernelChange("standard", "sharp"),
        ),
    ],
)
def test_ct_is_degraded_as_by_the_library(medddim, ct, tmp_path, how, degradation):
    result = medddim("degrade", ct, "-o", "out", "--seed", "3", *how)
    assert result.exit_code == 0
    before, after = (formats.read(folder / "ct.nii.gz") for folder in (ct, tmp_path / "out"))
    expected = degradation(before, seed=3)
    assert np.allclose(after.voxels, expected.voxels, atol=0.51)  # stored as whole units


@pytest.mark.parametrize("kind", ["low-dose", "kernel"])
def test_what_is_for_ct_refuses_mr_scan_by_scan(medddim, study, kind):
    result = degrade(medddim, "--as", kind)
    assert result.exit_code == 1
    assert "Hounsfield" in result.stdout


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (("--as", "rician", "--coils", "4"), "--coils means nothing to --as rician"),
        (("--as", "low-dose", "--thickness", "4"), "--thickness means nothing to --as low-dose"),
        (("--as", "kernel", "--kernel", "sharp"), "softer"),
        (("--as", "low-matrix", "--fraction", "1"), "share of k-space"),
    ],
)
def test_parameters_that_make_no_sense_are_refused_at_once(medddim, study, how, message):
    result = degrade(medddim, *how)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_record_tells_every_parameter(medddim, study, tmp_path):
    degrade(medddim, "--as", "chi", "--coils", "2")
    written = "".join(path.read_text() for path in (tmp_path / "out").rglob("*.json*"))
    for fact in ('"coils": 2', '"level": 0.05', '"g_factor": 1.0', '"seed": 0'):
        assert fact in written


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


def test_a_ct_that_does_not_say_so_is_one(medddim, ct):
    (ct / "ct.json").unlink()
    assert medddim("degrade", "ct", "-o", "dose", "--as", "low-dose").exit_code == 0
    result = medddim("degrade", "ct", "-o", "rice", "--as", "rician")
    assert result.exit_code == 1
    assert "found a CT in HU" in result.stdout


def test_every_preset_of_an_acquisition_is_offered():
    from medddim.cli.degrade import PRESETS as OFFERED
    from medddim.degradation.mr_scanner import PRESETS

    assert tuple(PRESETS) == OFFERED


@pytest.mark.daily(1)
@pytest.mark.parametrize("level", [0.04, 0.08])
def test_the_level_is_a_share_of_what_inspect_calls_the_bright_end(medddim, tmp_path, level):
    clean = head((96, 96, 24))
    formats.write(clean, tmp_path / "study", name="head", derivation=studies.IDENTITY)
    assert degrade(medddim, "--as", "rician", "--level", level).exit_code == 0
    (row,) = medddim("inspect", "out", "--json").stdout.splitlines()
    assert json.loads(row)["noise_level"] == pytest.approx(level, rel=0.1)
