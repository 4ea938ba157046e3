"""What is said of the diffusion weighting that a result cannot carry."""

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from medddim.formats.dicom.files import Header
from medddim.formats.dicom.weighting import diffusion_notes

G = [0.6, 0.0, 0.8]
NOWHERE = "volumes of a b-value above 0 have no gradient direction that can be read"
OF_THE_IMAGE = "volumes are those of the image"
OF_ITS_OWN = "puts the b0 of this maker into a file of its own"


def notes(*images: dict[str, Any]) -> list[str]:
    """Of one volume for each image; the second slice of each says nothing that counts."""
    stacks = []
    for attributes in images:
        dataset = Dataset()
        dataset.update(attributes)
        stacks.append([
            Header(Path("x"), one, "", ExplicitVRLittleEndian, 0) for one in (dataset, Dataset())
        ])  # fmt: skip
    return list(diffusion_notes(stacks))


def weighted(b: float, **attributes: Any) -> dict[str, Any]:
    return {"DiffusionBValue": b, **attributes}


def of_canon(b: float) -> dict[str, Any]:
    return weighted(b, ImageComments="b=800(0.6,0.0,0.8)")


@pytest.mark.parametrize(
    "images",
    [
        [{}, {}],
        [weighted(0.0), weighted(0.0)],
        [weighted(0.0), *[weighted(800.0, DiffusionGradientOrientation=G)] * 3],
        [weighted(0.0), *[weighted(800.0, DiffusionDirectionality="ISOTROPIC")] * 3],
        [weighted(0.0), weighted(500.0), weighted(1000.0)],  # b-values alone ask for none
    ],
)
def test_where_nothing_is_lost_nothing_is_said(images: Any) -> None:
    assert notes(*images) == []


def test_directions_that_no_header_has_are_counted() -> None:
    said = notes(weighted(0.0), *[weighted(500.0)] * 2, *[weighted(1000.0)] * 3, weighted(2000.0))
    (only,) = said
    assert only.startswith(f"5 {NOWHERE}")


def test_directions_in_the_frame_of_the_image_are_counted_apart() -> None:
    said = notes(weighted(0.0), *[of_canon(800.0)] * 2, *[weighted(1000.0)] * 3)
    assert [one.partition(": ")[0] for one in said] == [
        f"the gradient directions of 2 {OF_THE_IMAGE}, not of the patient",
        f"3 {NOWHERE}",
    ]


@pytest.mark.parametrize(
    ("maker", "values", "said"),
    [
        ("TOSHIBA", (0.0, 800.0), True), ("Toshiba", (0.0, 800.0), True),
        ("TOSHIBA", (500.0, 800.0), False), ("TOSHIBA", (0.0, 0.0), False),
        ("CANON_MEC", (0.0, 800.0), False),
    ],
)  # fmt: skip
def test_the_b0_of_toshiba_goes_into_a_file_of_its_own(
    maker: str, values: Any, *, said: bool
) -> None:
    kept = {"Manufacturer": maker, "DiffusionGradientOrientation": G}
    found = notes(*(weighted(b, **kept) for b in values))
    assert [OF_ITS_OWN in one for one in found] == [True] * said
