"""Diffusion as vendors say it in private attributes, said under its public names.

Directions of Siemens and Philips are those of the patient; those of GE, Canon and UIH are of the
image, and are turned. After the vendors' conformance statements and, for the signs of GE and
Canon, dcm2niix (`geCorrectBvecs`), which was checked with tractography.
"""

from __future__ import annotations

import re
import struct
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.tag import Tag

Vector = npt.NDArray[np.float64]

SIEMENS, CSA = "SIEMENS MR HEADER", "SIEMENS CSA HEADER"
GE_PARAMETERS, GE_ACQUISITION = "GEMS_PARM_01", "GEMS_ACQU_01"
PHILIPS, PHILIPS_MR = "Philips Imaging DD 001", "Philips MR Imaging DD 001"
UIH = "Image Private Header"

DIFFUSION = {
    (0x0019, SIEMENS): (0x0C, 0x0D, 0x0E, 0x27),
    (0x0019, GE_ACQUISITION): (0xBB, 0xBC, 0xBD, 0xDF, 0xE0),
    (0x0043, GE_PARAMETERS): (0x30, 0x39),
    (0x0065, UIH): (0x09, 0x37),
    (0x2001, PHILIPS): (0x03, 0x04),
    (0x2005, PHILIPS_MR): (0xB0, 0xB1, 0xB2),
}
"""Group and creator, and the elements that say diffusion; plain numbers and terms, all of them."""

GE_RAW_TYPE = 0x2F
READ = [*DIFFUSION.items(), ((0x0029, CSA), (0x10,)), ((0x0043, GE_PARAMETERS), (GE_RAW_TYPE,))]
PRIVATE_TAGS = tuple(
    Tag(group, place)
    for (group, _), elements in READ
    for block in range(0x10, 0x18)
    for place in (block, *(block << 8 | element for element in elements))
)
"""Private attributes that must be read: each creator and its elements, in whatever block."""
PUBLIC_TAGS = (
    "Manufacturer", "ImageComments", "InPlanePhaseEncodingDirection", "DiffusionDirectionality",
)  # fmt: skip
"""And of public ones, beside those that sort a stack."""
GE_FLAG = 100_000
"""GE adds multiples of this to mark how the gradients were chosen."""
DIRECTIONALITY = {"DIRECTIONAL", "BMATRIX", "ISOTROPIC", "NONE"}
UNIT = 1e-3
"""A direction whose length is so near 1 is left as it is said."""
SEQUENCE_NAME = re.compile(r"\*?\w+_b(\d{1,5})(t|#\d+)?")
"""ep_b1000#3, ep_b800t: b-value, and the number of the direction or t for the trace."""
CANON_COMMENT = re.compile(r"b=\d+\(\s*(-?[\d.]+)[\s,]+(-?[\d.]+)[\s,]+(-?[\d.]+)\s*\)")
SIGNS = ((1, 1, -1), (-1, 1, 1), (-1, -1, 1))
"""Of GE's three directions, by the axis (x, y, z) to which the normal of the slice is next."""

CORONAL = 1


@dataclass(frozen=True)
class Diffusion:
    """What is said of one image: b-value in s/mm2, unit direction in LPS, DiffusionDirectionality.

    `lost` says that there is a direction, in a frame that the header does not tell.
    """

    b_value: float
    direction: Vector | None = None
    directionality: str = ""
    lost: bool = False


def name_diffusion(dataset: Dataset) -> None:
    """Set the public diffusion attributes an MR image says in private only, b-values of 0 too."""
    if dataset.get("Modality") != "MR":
        return
    found = diffusion_of(dataset)
    if found is None:
        return
    if dataset.get("DiffusionBValue") is None:
        dataset.DiffusionBValue = found.b_value
    if found.direction is not None and dataset.get("DiffusionGradientOrientation") is None:
        dataset.DiffusionGradientOrientation = [
            round(float(value), 7) + 0.0 for value in found.direction
        ]
    if found.directionality and dataset.get("DiffusionDirectionality") is None:
        dataset.DiffusionDirectionality = found.directionality


def diffusion_of(dataset: Dataset) -> Diffusion | None:
    """What the private attributes of an image say; None if they are silent."""
    found = next(filter(None, (vendor(dataset) for vendor in VENDORS)), None)
    if found is None or found.directionality:
        return found
    kind = "DIRECTIONAL" if found.direction is not None else "NONE" if found.b_value == 0 else ""
    return Diffusion(found.b_value, found.direction, kind, found.lost)


def ge_raw_type(dataset: Dataset) -> float | None:
    """0 magnitude, 1 phase, 2 real, 3 imaginary part (0043,102F); None if GE does not say."""
    return _one(dataset, 0x0043, GE_PARAMETERS, GE_RAW_TYPE)


def private_diffusion(dataset: Dataset) -> Dataset:
    """The private attributes that say diffusion, for tools that read no others."""
    kept = Dataset()
    for (group, creator), elements in DIFFUSION.items():
        block: Any = None
        for element in elements:
            value = _item(dataset, group, creator, element)
            if value is None or len(str(value.value)) > 200 or value.VR not in PLAIN:
                continue
            block = block or kept.private_block(group, creator, create=True)
            numbers = np.ravel(_numbers(value.value))
            if value.VR == "UN":
                if numbers.size:
                    block.add_new(element, "FD", numbers.tolist())
            elif value.VR != "CS" or str(value.value) in TERMS:
                block.add_new(element, value.VR, value.value)
    return kept


PLAIN = {"CS", "DS", "FD", "FL", "IS", "SL", "SS", "UL", "UN", "US"}
TERMS = DIRECTIONALITY | {"NO", "S", "M", "P", "O", "I"}
"""DiffusionDirectionality, and what Philips says in its place."""


def _siemens(dataset: Dataset) -> Diffusion | None:
    b_value = _one(dataset, 0x0019, SIEMENS, 0x0C)
    if b_value is None:
        return _siemens_csa(dataset)
    kind = _item(dataset, 0x0019, SIEMENS, 0x0D)
    said = str(kind.value).strip() if kind is not None else ""
    direction = _unit(_all(dataset, 0x0019, SIEMENS, (0x0E,)))
    return Diffusion(b_value, direction, said if said in DIRECTIONALITY else "")


def _siemens_csa(dataset: Dataset) -> Diffusion | None:
    """The same of software up to VB13, which says it in the CSA header alone."""
    item = _item(dataset, 0x0029, CSA, 0x10)
    if item is None or not isinstance(item.value, bytes):
        return _siemens_name(dataset)
    with warnings.catch_warnings():  # that its other readers are experimental
        warnings.simplefilter("ignore", UserWarning)
        from nibabel.nicom import csareader
    try:
        tags = csareader.read(item.value)["tags"]
        b_value = [float(value) for value in tags["B_value"]["items"]]
        direction = [float(value) for value in tags["DiffusionGradientDirection"]["items"]]
    # whatever a damaged header makes of the reader: it says no diffusion then
    except (csareader.CSAError, struct.error, LookupError, TypeError, ValueError, OverflowError):
        return None
    return Diffusion(b_value[0], _unit(np.array(direction))) if b_value else None


def _siemens_name(dataset: Dataset) -> Diffusion | None:
    """The b-value in the name of the sequence, all that is left without private attributes."""
    said = SEQUENCE_NAME.fullmatch(str(dataset.get("SequenceName") or ""))
    if said is None or "SIEMENS" not in str(dataset.get("Manufacturer") or "").upper():
        return None
    return Diffusion(float(said[1]), None, "ISOTROPIC" if said[2] == "t" else "")


def _philips(dataset: Dataset) -> Diffusion | None:
    b_value = _one(dataset, 0x2001, PHILIPS, 0x03)
    if b_value is None or b_value < 0:
        return None
    kind = _item(dataset, 0x2001, PHILIPS, 0x04)
    if b_value > 0 and kind is not None and str(kind.value).strip() == "I":
        return Diffusion(b_value, None, "ISOTROPIC")
    direction = _unit(_all(dataset, 0x2005, PHILIPS_MR, (0xB0, 0xB1, 0xB2)))
    return Diffusion(b_value, direction if b_value else None)


def _uih(dataset: Dataset) -> Diffusion | None:
    b_value = _one(dataset, 0x0065, UIH, 0x09)
    if b_value is None:
        return None
    vector = _unit(_all(dataset, 0x0065, UIH, (0x37,)))
    axes = _axes(dataset)
    if vector is None or axes is None:
        return Diffusion(b_value, lost=vector is not None)
    return Diffusion(b_value, vector @ axes)


def _ge(dataset: Dataset) -> Diffusion | None:
    """GE scales the vector where it scaled the gradient, and has (0, 0, 0) for no gradient."""
    b_value = _one(dataset, 0x0043, GE_PARAMETERS, 0x39)
    if b_value is None:
        return None
    b_value %= GE_FLAG
    vector = _all(dataset, 0x0019, GE_ACQUISITION, (0xBB, 0xBC, 0xBD))
    if vector.size != 3 or not b_value:
        return Diffusion(b_value)
    length = float(np.linalg.norm(vector))
    if length <= UNIT:
        trace = _one(dataset, 0x0019, GE_ACQUISITION, 0xE0) == 0
        return Diffusion(b_value, None, "ISOTROPIC") if trace else Diffusion(0.0)
    if 0.03 < length < 0.97:
        b_value = max(5.0, 5.0 * np.floor(b_value * length**2 / 5 + 0.5))
    direction = _turned(vector / length, dataset)
    return Diffusion(b_value, direction, lost=direction is None)


def _canon(dataset: Dataset) -> Diffusion | None:
    """Canon and Toshiba say the direction in a comment, as b=1000(0.445,0.000,0.895).

    It stays there: versions of dcm2niix take a public one beside it for the image's.
    """
    b_value = dataset.get("DiffusionBValue")
    said = CANON_COMMENT.match(str(dataset.get("ImageComments") or ""))
    if said is None or not b_value or dataset.get("DiffusionGradientOrientation") is not None:
        return None
    return Diffusion(float(b_value), lost=_unit(_numbers(said.groups())) is not None)


VENDORS: tuple[Callable[[Dataset], Diffusion | None], ...] = (_siemens, _ge, _philips, _uih, _canon)


def _turned(vector: Vector, dataset: Dataset) -> Vector | None:
    """GE's frequency, phase and slice as a direction in LPS; None where that is not known."""
    axes = _axes(dataset)
    column = {"COL": True, "ROW": False}.get(str(dataset.get("InPlanePhaseEncodingDirection")))
    if axes is None or column is None:
        return None
    x, y, z = vector if column else (vector[1], -vector[0], vector[2])
    nearest = int(np.abs(axes[2]).argmax())
    if nearest == CORONAL and not column:
        return None  # dcm2niix of 2022 and of 2026 contradict each other
    return np.array([x, y, z]) * SIGNS[nearest] @ axes


def _axes(dataset: Dataset) -> Vector | None:
    """Unit vectors along the rows, the columns and the normal, in LPS."""
    cosines = _numbers(dataset.get("ImageOrientationPatient"))
    if cosines.size != 6:
        return None
    return np.stack([cosines[:3], cosines[3:], np.cross(cosines[:3], cosines[3:])])


def _item(dataset: Dataset, group: int, creator: str, element: int) -> Any:
    try:
        return dataset.get_private_item(group, element, creator)
    except KeyError:
        return None


def _all(dataset: Dataset, group: int, creator: str, elements: Iterable[int]) -> Vector:
    items = [_item(dataset, group, creator, element) for element in elements]
    return np.concatenate([_numbers(None if item is None else item.value) for item in items])


def _one(dataset: Dataset, group: int, creator: str, element: int) -> float | None:
    numbers = _all(dataset, group, creator, (element,))
    return float(numbers[0]) if numbers.size and np.isfinite(numbers[0]) else None


def _numbers(value: Any) -> Vector:
    """What is said as numbers, none if it is not; implicit files have some as bytes."""
    if isinstance(value, bytes) and len(value) % 8 == 0:
        return np.frombuffer(value, "<f8")
    try:
        return np.ravel(np.array([] if value is None else value, dtype=np.float64))
    except (TypeError, ValueError):
        return np.array([])


def _unit(vector: Vector) -> Vector | None:
    """The direction, made a unit vector if it is not; None if it is none."""
    length = float(np.linalg.norm(vector)) if vector.size == 3 else 0.0
    if not np.isfinite(length) or length <= UNIT:
        return None
    return vector if abs(length - 1) < UNIT else vector / length
