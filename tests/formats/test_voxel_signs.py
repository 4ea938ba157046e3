"""What no header says, the voxels show: signed values, CT without its intercept, labels."""

import numpy as np
import pytest

from medddim.formats.voxel_signs import why_not
from medddim.volume import Volume
from tests import phantoms

RNG = np.random.default_rng(5)
SHAPE = (40, 36, 12)


def scan(voxels, modality=""):
    return Volume(np.float32(voxels)[None], np.eye(4), modality, "HU" if modality == "CT" else "")


def rician(sigma=20.0):
    clean = phantoms.head(SHAPE).voxels[0]
    return np.hypot(clean + RNG.normal(0, sigma, SHAPE), RNG.normal(0, sigma, SHAPE))


def hounsfield(noise=20.0):
    """Air, fat, muscle, lung and bone, a quarter of a body in air."""
    tissue = RNG.choice([-1000, -100, 40, 60, 400, 900], SHAPE, p=[0.4, 0.2, 0.2, 0.15, 0.03, 0.02])
    tissue[:6] = -1000
    return tissue + RNG.normal(0, noise, SHAPE)


def stored(hu, offset):
    return np.rint(hu + offset).clip(0, 4095)


@pytest.mark.parametrize("modality", ["", "MR"])
def test_a_magnitude_is_fine(modality):
    assert why_not(scan(rician(), modality), "MR") == ""
    low = np.rint(rician() / 60)  # 14 grey levels
    assert why_not(scan(low, modality), "MR") == ""
    unbiased = rician() - 25  # a denoised background lies around 0
    assert why_not(scan(unbiased, modality), "MR") == ""


@pytest.mark.parametrize("modality", ["", "MR"])
@pytest.mark.parametrize("kind", ["z map", "phase", "chi", "mean taken off"])
def test_signed_values_are_no_magnitude(kind, modality):
    values = {
        "z map": RNG.normal(size=SHAPE) * (phantoms.head(SHAPE).voxels[0] > 0),
        "phase": RNG.uniform(-np.pi, np.pi, SHAPE),
        "chi": 0.05 * np.sin(np.linspace(0, 30, np.prod(SHAPE))).reshape(SHAPE),
        "mean taken off": rician() - rician().mean(),
    }[kind]
    assert "no MR magnitude" in why_not(scan(values, modality), "MR")


@pytest.mark.parametrize("offset", [1000, 1024])
def test_ct_without_its_intercept(offset):
    without = stored(hounsfield(), offset)
    assert "without its intercept" in why_not(scan(without, "CT"), "CT")
    assert "subtract 1024" in why_not(scan(without), "MR")
    assert why_not(scan(without, "MR"), "MR") == ""  # what the user says stands


def test_ct_in_hounsfield_units_is_fine():
    assert why_not(scan(hounsfield(), "CT"), "CT") == ""
    assert why_not(scan(hounsfield().clip(-160, 240), "CT"), "CT") == ""
    bone = np.abs(RNG.normal(500, 300, SHAPE))  # a crop without air
    assert why_not(scan(bone, "CT"), "CT") == ""


@pytest.mark.parametrize("top", [200, 1000, 4000])
def test_mr_that_does_not_say_so_is_no_ct(top):
    head = rician() * top / 700
    assert "choose a model for MR" in why_not(scan(head), "CT")
    assert "choose a model for MR" not in why_not(scan(head, "CT"), "CT")  # what the user says


def test_ct_that_does_not_say_so_may_be_cut_to_pieces():
    """All but what was cut off at 0 with bone in it, of which voxels show nothing else."""
    hu = hounsfield()
    tissue = np.where(hu < -150, RNG.normal(50, 10, SHAPE), hu)  # no air, and little below 0
    for values in (hu, hu.clip(-160, 240), tissue, RNG.normal(55, 10, SHAPE), hu.clip(0, 80)):
        assert why_not(scan(values), "CT") == ""
    assert '{"Modality": "CT"}' in why_not(scan(hu.clip(0)), "CT")
    assert why_not(scan(hu.clip(0), "CT"), "CT") == ""


def test_offset_ct_that_does_not_say_so_is_known_from_mr():
    reason = why_not(scan(stored(hounsfield(), 1024)), "CT")
    assert reason.startswith("air lies at 0 and water near 1000")


@pytest.mark.parametrize("top", [1, 255])
def test_ct_made_for_display_is_no_ct_in_hounsfield_units(top):
    shown = np.interp(hounsfield(), [-160, 240], [0, top])
    assert "Hounsfield" in why_not(scan(shown.round() if top == 255 else shown, "CT"), "CT")


def test_a_window_of_ct_that_does_not_say_so_is_asked_about():
    assert '{"Modality": "CT"}' in why_not(scan(hounsfield().clip(-160, 240)), "MR")


def test_labels_are_no_scan():
    head = phantoms.head((60, 60, 12)).voxels[0]
    labels = np.digitize(head, [1, 300, 500])
    assert "labels or a mask" in why_not(scan(labels, "MR"), "MR")
    assert "labels or a mask" in why_not(scan(head > 0), "MR")
    assert why_not(scan(np.zeros(SHAPE)), "MR") == ""
