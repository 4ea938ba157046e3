"""Which images a series holds, and which it was made from."""

from __future__ import annotations

import pydicom

from medddim.formats.contract import Series
from medddim.formats.guard import reading

TAGS = ("SeriesInstanceUID", "SOPInstanceUID", "SourceImageSequence")


def related_uids(series: Series) -> frozenset[str]:
    """UIDs of a DICOM series: its own, those of its images and of the images they derive from.

    Two series that share one belong together.
    Source Image Sequence: DICOM PS3.3 C.7.6.1. Raises UnreadableScan.
    """
    found = set()
    for path in series.files:
        with reading(path, "DICOM"):
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(TAGS))
            sources = header.get("SourceImageSequence") or []
            named = [item.get("ReferencedSOPInstanceUID") for item in sources]
            found |= {header.get("SeriesInstanceUID"), header.get("SOPInstanceUID"), *named}
    return frozenset(str(uid) for uid in found if uid)
