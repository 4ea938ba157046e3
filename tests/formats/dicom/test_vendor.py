"""What the private attributes of each vendor say of one image, value by value."""

from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset

from medddim.formats.dicom.vendor import Diffusion, diffusion_of, private_diffusion
from tests.formats.conftest import COLUMN, NORMAL, ROW
from tests.formats.dicom.test_private_diffusion import ge, in_csa, one, philips, siemens, uih

AXIAL = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]
SAGITTAL = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
CORONAL = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]
G = (0.6, 0.0, 0.8)


def said(dataset: Dataset) -> tuple[Any, ...]:
    """b-value, direction, directionality and whether the direction is lost."""
    found = diffusion_of(dataset)
    assert found is not None
    direction = None if found.direction is None else np.round(found.direction, 6).tolist()
    return found.b_value, direction, found.directionality, found.lost


@pytest.mark.parametrize("kind", ["DIRECTIONAL", "BMATRIX", "ISOTROPIC", "NONE"])
def test_siemens_names_the_kind_in_terms_of_the_standard(kind: str) -> None:
    dataset = one(siemens, 800.0, G)
    dataset[0x0019100D].value = f"{kind} "
    assert said(dataset) == (800, list(G), kind, False)


def test_a_kind_that_is_no_term_follows_from_the_direction() -> None:
    dataset = one(siemens, 800.0, G)
    dataset[0x0019100D].value = "SOME"
    assert said(dataset) == (800, list(G), "DIRECTIONAL", False)
    del dataset[0x0019100D]
    assert said(dataset) == (800, list(G), "DIRECTIONAL", False)
    del dataset[0x0019100E]
    assert said(dataset) == (800, None, "", False)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("*ep_b1000#3", (1000, None, "", False)),
        ("ep_b800t", (800, None, "ISOTROPIC", False)),
        ("ep2d_b0", (0, None, "NONE", False)),
        ("*fl3d1", None),
        ("ep_b1000x", None),
    ],
)
def test_the_name_of_a_siemens_sequence_is_the_last_resort(name: str, expected: Any) -> None:
    dataset = Dataset()
    dataset.Modality, dataset.SequenceName, dataset.Manufacturer = (
        "MR",
        name,
        "Siemens Healthineers",
    )
    assert (said(dataset) if expected else diffusion_of(dataset)) == expected
    dataset.private_block(0x29, "SIEMENS CSA HEADER", create=True).add_new(0x10, "LO", "text")
    assert (said(dataset) if expected else diffusion_of(dataset)) == expected
    for other in ("GE", "", None):
        dataset.Manufacturer = other
        assert diffusion_of(dataset) is None
    del dataset.Manufacturer
    assert diffusion_of(dataset) is None


def test_a_csa_header_without_a_b_value_says_no_diffusion() -> None:
    dataset = one(in_csa, 700.0, G)
    dataset[0x00291010].value = dataset[0x00291010].value.replace(b"B_value", b"C_value")
    assert diffusion_of(dataset) is None


@pytest.mark.parametrize(
    ("b", "kind", "expected"),
    [
        (1000.0, "M", (1000, list(G), "DIRECTIONAL", False)),
        (1000.0, "I", (1000, None, "ISOTROPIC", False)),
        (1000.0, None, (1000, list(G), "DIRECTIONAL", False)),
        (0.0, "I", (0, None, "NONE", False)),
        (0.5, "I", (0.5, None, "ISOTROPIC", False)),
        (-1.0, "M", None),
    ],
)
def test_philips(b: float, kind: str | None, expected: Any) -> None:
    dataset = one(philips, b, G)
    if kind:
        dataset.private_block(0x2001, "Philips Imaging DD 001").add_new(0x04, "CS", kind)
    assert (said(dataset) if expected else diffusion_of(dataset)) == expected


def test_uih_turns_with_the_image_and_is_lost_without_its_orientation() -> None:
    dataset = one(uih, 900.0, G, ImageOrientationPatient=[*ROW, *COLUMN])
    expected = np.round(0.6 * ROW + 0.8 * NORMAL, 6).tolist()
    assert said(dataset) == (900, expected, "DIRECTIONAL", False)
    del dataset.ImageOrientationPatient
    assert said(dataset) == (900, None, "", True)
    del dataset[0x00651037]
    assert said(dataset) == (900, None, "", False)
    assert said(one(uih, 0.0, G)) == (0, None, "NONE", False)


@pytest.mark.parametrize(
    ("orientation", "phase", "expected"),
    [  # frequency, phase and slice, with the signs of dcm2niix (geCorrectBvecs), as LPS
        (AXIAL, "COL", [-1, -2, 2]),
        (AXIAL, "ROW", [-2, 1, 2]),
        (SAGITTAL, "COL", [2, 1, -2]),
        (SAGITTAL, "ROW", [2, 2, 1]),
        (CORONAL, "COL", [-1, 2, -2]),
        (CORONAL, "ROW", None),
        (AXIAL, "OTHER", None),
        (None, "COL", None),
    ],
)
def test_ge_by_plane_and_phase(orientation: Any, phase: str, expected: Any) -> None:
    g = (0.333333, 0.666667, 0.666667)
    where = {} if orientation is None else {"ImageOrientationPatient": orientation}
    dataset = one(ge, 800.0, g, InPlanePhaseEncodingDirection=phase, **where)
    if orientation is None:
        del dataset.ImageOrientationPatient
    b_value, direction, kind, lost = said(dataset)
    assert (b_value, lost) == (800, expected is None)
    assert kind == ("" if expected is None else "DIRECTIONAL")
    assert direction == (
        None if expected is None else pytest.approx(np.array(expected) / 3, abs=1e-5)
    )


@pytest.mark.parametrize(
    ("length", "expected"),
    [(1.0, 1000), (0.98, 1000), (0.96, 920), (0.5, 250), (0.04, 5), (0.02, 1000)],
)
def test_ge_scales_b_by_the_square_of_the_length_to_steps_of_5(
    length: float, expected: int
) -> None:
    dataset = one(ge, 1000.0, (0.0, 0.0, length), InPlanePhaseEncodingDirection="COL")
    assert said(dataset) == (expected, [0, 0, 1], "DIRECTIONAL", False)


def test_ge_flags_the_choice_of_its_gradients_in_the_b_value() -> None:
    dataset = one(ge, 0.0, (0.0, 0.0, 0.0))
    for flagged, b_value in ((1_000_000_800, 800), (200_700, 700), (100_000, 0), (99_999, 99_999)):
        dataset[0x00431039].value = [flagged, 8, 0, 0]
        dataset[0x001910BD].value = "1"
        dataset.InPlanePhaseEncodingDirection = "COL"
        assert said(dataset)[0] == b_value
    del dataset[0x001910BB]
    assert said(dataset) == (99_999, None, "", False)


@pytest.mark.parametrize(
    ("length", "expected"), [(0.9995, 0.9995), (1.0005, 1.0005), (0.998, 1), (0.5, 1), (2.0, 1)]
)
def test_a_direction_of_nearly_one_stays_as_it_is_said(length: float, expected: float) -> None:
    found = diffusion_of(one(siemens, 800.0, [length * value for value in G]))
    assert found is not None
    assert found.direction is not None
    np.testing.assert_allclose(found.direction, expected * np.array(G), rtol=1e-12)


@pytest.mark.parametrize("length", [0.0, 0.0009, float("nan"), float("inf")])
def test_what_has_no_direction_says_none(length: float) -> None:
    found = diffusion_of(one(siemens, 800.0, [0.0, 0.0, length]))
    assert found is not None
    assert found.direction is None


def test_what_no_vendor_says_is_no_diffusion() -> None:
    assert diffusion_of(Dataset()) is None
    comment = Dataset()
    comment.DiffusionBValue, comment.ImageComments = 800.0, "b=800(0.6,0.0,0.8)"
    assert said(comment) == (800, None, "", True)
    comment.ImageComments = "b=800(0,0,0)"
    assert diffusion_of(comment) == Diffusion(800.0)
    comment.DiffusionGradientOrientation = list(G)
    assert diffusion_of(comment) is None
    del comment.DiffusionGradientOrientation
    comment.ImageComments = "no b=800(0.6,0.0,0.8)"
    assert diffusion_of(comment) is None


def test_private_attributes_are_kept_as_plain_numbers_and_terms_alone() -> None:
    dataset = Dataset()
    block = dataset.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x03, "FL", 800.0)
    block.add_new(0x04, "CS", "I")
    block.add_new(0x05, "FL", 1.0)  # says no diffusion
    block = dataset.private_block(0x19, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "LO", "1000")
    block.add_new(0x0D, "CS", "A NAME")
    block.add_new(0x0E, "UN", np.array(G).tobytes())
    block.add_new(0x27, "UN", b"name")
    block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
    block.add_new(0xBB, "DS", ["1"] * 80)  # longer than numbers of diffusion are
    kept = private_diffusion(dataset)
    assert {one.tag: (one.VR, one.value) for one in kept} == {
        0x20010010: ("LO", "Philips Imaging DD 001"),
        0x20011003: ("FL", 800.0),
        0x20011004: ("CS", "I"),
        0x00190010: ("LO", "SIEMENS MR HEADER"),
        0x0019100E: ("FD", list(G)),
    }
