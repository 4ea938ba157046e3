"""What the voxels themselves show: no magnitude, no CT in Hounsfield units, or labels.

The thresholds hold for the MR and CT scans that medddim was developed with: none of the CT scans is
taken for one without its intercept, each of them is once 1000 or 1024 is added to it, and no
magnitude is taken for signed values or for labels. See docs/decisions/0055.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from medddim.intensity import bright_end
from medddim.volume import Array, Volume

SAMPLE = 10**6
"""So many voxels tell a scan; evenly spread."""
STRONG, SIGNED = 0.1, 0.05
"""Values beyond this share of the bright end count; more than this share of them is negative."""
AIR_HU = -200.0
TISSUE, BODY = 850.0, 300.0
"""Water at 1000 or 1024 and fat below it lie above the one, lungs and bone of true CT below it."""
SOFT, FAT = (850.0, 1250.0), (860.0, 980.0)
BONE = 1300.0
LEAST_HU = 10.0
"""The noise of any CT spans more."""
AIR_SHARE, DARK, BRAIN_HU = 0.2, 0.15, 100.0
"""An MR magnitude has so much air, below this share of its bright end, and CT that ends here may be
a crop or a window of brain."""
EQUAL = 0.85
"""Of labels nearly all neighbours are equal; of a scan few, for it has noise."""

SAY = 'say what it is in a JSON file beside it, {"Modality": "MR"} or {"Modality": "CT"}'
SUBTRACT = (
    "subtract 1024 (or 1000: what makes air -1000), or convert it again from DICOM with dcm2niix"
)


def why_not(volume: Volume, modality: str) -> str:
    """Why this is no magnitude, or no CT in HU, though no header says so; "" if nothing shows it.

    `modality` is that of the model, which is meant where the scan does not say its own.
    """
    if not np.ptp(volume.voxels):
        return ""  # a constant scan shows nothing
    if _is_labels(volume):
        return (
            "nearly all neighbouring voxels are equal whole numbers, as in labels or a mask; "
            "give the scan they belong to"
        )
    values = _sample(volume.voxels)
    if (volume.modality or modality) == "CT":
        return _why_no_ct(values, said=bool(volume.modality))
    if _is_signed(values):
        said = "" if volume.modality else f"; if it is CT, {SAY}"
        return (
            "much of it lies far below 0, which no MR magnitude does: a phase, a map, CT or an "
            f"image with its mean taken off; give the magnitude image instead{said}"
        )
    if not volume.modality and _is_offset_ct(values):
        return (
            "it does not say what it is, and its air at 0, fat and water near 1000 and bone are "
            f"those of CT stored without its intercept; {SAY}, and if it is CT, {SUBTRACT}"
        )
    return ""


def _why_no_ct(values: Array, *, said: bool) -> str:
    if _is_rescaled(values):
        return (
            f"its values run from {values.min():g} to {values.max():g}, as in a picture made "
            "for display or for a network, not in Hounsfield units; convert it again from "
            "DICOM with dcm2niix"
        )
    if not said and _is_positive(values) and not _is_offset_ct(values):
        return (
            "it does not say what it is, and has air but nothing below 0, where CT in Hounsfield "
            "units has its air and fat. If it is MR, choose a model for MR; if it is CT stored "
            f"without its intercept, {SUBTRACT}; if it is CT whose values below 0 were cut off, "
            f"{SAY}"
        )
    if _lacks_intercept(values):
        return (
            "air lies at 0 and water near 1000, as in CT stored without its intercept, not in "
            f"Hounsfield units; {SUBTRACT}"
        )
    return ""


def _sample(voxels: Array) -> Array:
    flat = voxels.reshape(-1)
    return flat[:: max(1, flat.size // SAMPLE)]


def _is_signed(values: Array) -> bool:
    size = np.abs(values)
    strong = values[size > STRONG * bright_end(size)]
    return bool(strong.size and (strong < 0).mean() > SIGNED)


def _is_positive(values: Array) -> bool:
    """As magnitudes are: nothing below 0, much air just above it, and tissue brighter than CT's."""
    top = bright_end(np.abs(values))
    dark = (values < DARK * top).mean()
    return bool((values < 0).mean() < 1e-3 and dark > AIR_SHARE and top > BRAIN_HU)


def _is_rescaled(values: Array) -> bool:
    """Whether all lies within a few units, or it is whole numbers from 0 to 255."""
    low, high = float(values.min()), float(values.max())
    return high - low < LEAST_HU or ((low, high) == (0.0, 255.0) and _whole(values))


def _lacks_intercept(values: Array) -> bool:
    """No air, and more of the body as dense as water with 1000 added than lighter than that."""
    if (values < AIR_HU).mean() > 1e-3:
        return False
    dense, light = (values >= TISSUE).mean(), ((values >= BODY) & (values < TISSUE)).mean()
    return bool(dense > 0.05 and dense > light)


def _is_offset_ct(values: Array) -> bool:
    """The same, more strictly: fat and water in one narrow hump, little bone above, air at 0."""
    body = values[values >= BODY]
    if not _lacks_intercept(values) or (values < BODY / 2).mean() < 0.05 or values.min() < -1100:
        return False
    soft, fat = (((body >= low) & (body < high)).mean() for low, high in (SOFT, FAT))
    return bool(soft > 0.65 and fat > 0.02 and (body >= BONE).mean() < 0.2)


def _is_labels(volume: Volume) -> bool:
    image = volume.voxels[0]
    axis = int(np.argmin(image.shape))
    planes = np.moveaxis(image, axis, 0)
    planes = planes[np.linspace(0, len(planes) - 1, min(len(planes), 16)).astype(int)]
    if not _whole(planes) or min(planes.shape[1:]) < 2:
        return False
    first, second = planes[:, 1:], planes[:, :-1]
    inside = (first != 0) | (second != 0)
    return bool(inside.any() and (first == second)[inside].mean() > EQUAL)


def _whole(values: npt.NDArray[np.float32]) -> bool:
    return bool(np.array_equal(values, np.rint(values)))
