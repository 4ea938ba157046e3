"""What public functions are given in the place of a number, and of a modality."""

import dataclasses

import nibabel as nib
import numpy as np
import pytest
import torch

import medddim as md
from medddim.degradation import DEGRADATIONS, LargerVoxels, RicianNoise, ThickSlices
from medddim.degradation.larger_voxels import factors_to
from medddim.errors import RequestProblem
from medddim.inference.intervals import Calibration
from medddim.inference.settings import Settings
from medddim.report.show import figure
from tests import studies
from tests.phantoms import head

NUMBERS = [
    (kind, one)
    for kind in DEGRADATIONS.values()
    for one in dataclasses.fields(kind)
    if str(one.type).partition(" | ")[0] in ("int", "float")
]


def made(kind, **given):
    """A degradation, with what it cannot be without."""
    needed = {ThickSlices: {"thickness_mm": 6}, LargerVoxels: {"factors": (2, 2, 1)}}
    return kind(**needed.get(kind, {}) | given)


def test_degradations_have_numbers():
    assert {RicianNoise, ThickSlices} <= {kind for kind, _ in NUMBERS}


@pytest.mark.parametrize(
    ("kind", "field"), NUMBERS, ids=[f"{kind.name}-{one.name}" for kind, one in NUMBERS]
)
def test_a_number_of_a_degradation_is_taken_from_any_library_and_never_from_text(kind, field):
    plain = getattr(made(kind), field.name)
    plain = 1.0 if plain is None else plain
    for given in (np.array(plain), torch.tensor(plain)):
        taken = getattr(made(kind, **{field.name: given}), field.name)
        assert type(taken) is type(plain) or (type(taken), type(plain)) == (float, int)
        assert taken == pytest.approx(plain)
    for wrong in ("5", [0.05, 0.1], object()):
        with pytest.raises(RequestProblem, match=f"number as {field.name}, found"):
            made(kind, **{field.name: wrong})


def test_per_cent_are_answered_with_the_share():
    with pytest.raises(
        RequestProblem, match=r"as level, found '7.5 %'; as a share, 7.5 % is 0.075"
    ):
        RicianNoise("7.5 %")


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: LargerVoxels(4), r"three whole factors of 1 or more, found \(4,\)"),
        (lambda: LargerVoxels("2,2,1"), "a whole number as a factor, found '2,2,1'"),
        (lambda: LargerVoxels((2, 2, 0.5)), "a whole number as a factor, found 0.5"),
        (lambda: Settings(factor="2,2,1"), "a whole number as factor, found '2,2,1'"),
        (lambda: Settings(factor=(2, 2)), "one factor or three, found 2"),
        (lambda: factors_to(head(), "1"), "a number as spacing_mm, found '1'"),
        (lambda: figure([head()], zoom="2"), "a number as zoom, found '2'"),
        (lambda: md.train("mr_denoise_2d", "run", devices="2"), "a whole number as devices"),
        (lambda: md.train("mr_denoise_2d", "run", workers=0.5), "a whole number as workers"),
        (lambda: md.train("mr_denoise_2d", "run", minutes="9"), "a number as minutes"),
    ],
)
def test_what_is_no_number_is_answered_with_what_was_expected(call, why):
    with pytest.raises(RequestProblem, match=why):
        call()


def test_factors_and_spacings_may_be_arrays():
    assert LargerVoxels(np.array([2, 2, 1])).factors == (2, 2, 1)
    assert Settings(factor=np.array([2, 2, 1])).factor == (2, 2, 1)
    assert Settings(factor=torch.tensor(4)).factor == 4
    mm = np.array(head().spacing_mm)
    assert factors_to(head(), mm / 2) == (2, 2, 2)


@pytest.mark.parametrize("coverage", ["90%", None, 80])
def test_an_interval_has_a_coverage_that_was_calibrated(coverage):
    calibration = Calibration("scans", 2, (0.0, 0.2), 0.0, (), {"90": 1.0})
    with pytest.raises(RequestProblem, match=r"an interval of .*90.* per cent.*found"):
        calibration.require_coverage(coverage)


@pytest.mark.parametrize("said", ["mr", " MR", "Mr"])
def test_a_modality_is_known_however_it_is_written(said):
    made = md.Volume(head().voxels, np.eye(4), modality=said)
    assert made.modality == "MR"
    assert md.Volume.from_nibabel(head().to_nibabel(), modality=said).modality == "MR"
    assert md.Volume.from_sitk(head().to_sitk(), modality=said).modality == "MR"
    assert md.Volume.from_metatensor(head().to_metatensor(), modality=said).modality == "MR"


def test_ct_is_in_hu_however_it_is_written():
    silent = dataclasses.replace(head(), modality="")
    there = [
        silent.taken_for("ct"),
        md.Volume.from_nibabel(nib.Nifti1Image(silent.voxels[0], silent.affine), modality="ct"),
    ]
    assert [(one.modality, one.unit) for one in there] == [("CT", "HU")] * 2


@pytest.mark.parametrize("said", ["MRI", "T1w", "M", 3])
def test_what_is_no_modality_is_answered_with_those_that_are(said):
    with pytest.raises(RequestProblem, match='expected the modality "MR" or "CT"'):
        md.Volume(head().voxels, np.eye(4), modality=said)
    assert md.Volume(head().voxels, np.eye(4), modality="pt").modality == "PT"


def test_the_json_file_beside_a_scan_may_say_it_in_small_letters(tmp_path):
    path = studies.nifti(tmp_path)
    for said, found in (("mr", "MR"), ("ct", "CT"), ("MR", "MR")):
        path.with_name("head.json").write_text(f'{{"Modality": "{said}"}}')
        (series,) = md.find(tmp_path)
        assert (series.modality, series.refusal) == (found, "")
        assert md.read(series).modality == found
