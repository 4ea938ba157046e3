"""Whose a scan is, without telling who that is."""

from __future__ import annotations

import re

from medddim.formats.contract import Series
from medddim.formats.table import named

BIDS_SUBJECT = re.compile(r"(?:^|[^A-Za-z0-9])(sub-[A-Za-z0-9]+)")


class Subjects:
    """Tells whose a scan is, without telling who that is.

    The BIDS entity `sub-XX` of its name; else, for DICOM, "patient 1", "patient 2", ... as they are
    met, distinguished by a PatientID that stays in memory; else the scan itself.
    """

    def __init__(self) -> None:
        self._patients: dict[str, str] = {}

    def of(self, series: Series) -> str:
        """The label of the subject of `series`."""
        if bids := BIDS_SUBJECT.search(series.name):
            return bids[1]
        if patient := named(series.format).subject(series):
            return self._patients.setdefault(patient, f"patient {len(self._patients) + 1}")
        return series.name
