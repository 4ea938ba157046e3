"""Coded concepts, as DICOM's sequences hold them."""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """As pydicom's, whose module loads dictionaries of all the codes that there are."""

    value: str
    scheme_designator: str
    meaning: str
