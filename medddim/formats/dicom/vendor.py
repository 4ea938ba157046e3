"""What vendors say in private attributes, said under its public name."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset

B_VALUES = (
    (0x0019, 0x0C, "SIEMENS MR HEADER"),
    (0x0043, 0x39, "GEMS_PARM_01"),
    (0x2001, 0x03, "Philips Imaging DD 001"),
)
"""Group, element and creator of each vendor's b-value (their DICOM conformance statements)."""

PRIVATE_TAGS = tuple(
    group << 16 | place for group, element, _ in B_VALUES for place in (0x10, 0x1000 | element)
)
"""What must be read for name_b_value: each creator and its element."""
GE_FLAG = 100_000
"""GE adds multiples of this to mark how the gradients were chosen."""


def name_b_value(dataset: Dataset) -> None:
    """Set DiffusionBValue of a diffusion-weighted MR image that says it in private only."""
    if dataset.get("DiffusionBValue") is not None or dataset.get("Modality") != "MR":
        return
    for group, element, creator in B_VALUES:
        try:
            value = dataset.get_private_item(group, element, creator).value
            b_value = float(np.ravel(value)[0]) % GE_FLAG
        except (KeyError, IndexError, TypeError, ValueError):
            continue  # absent, empty or no number
        if 0 < b_value < GE_FLAG:
            dataset.DiffusionBValue = b_value
            return
