"""Identifiers of results: functions of what they were made from, so that they can be made again."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator

import numpy as np
from pydicom.config import IGNORE
from pydicom.dataset import Dataset
from pydicom.uid import UID

from medddim.formats.contract import Derivation
from medddim.formats.dicom.read import DicomSource

MAKER = "medddim"
GEOMETRY = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing")
SCALE = ("RescaleSlope", "RescaleIntercept")


def derived_uid(*facts: str) -> UID:
    """A UID that is a function of `facts` (2.25 and a name-based UUID, PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, chr(0).join(facts)).int}")


def is_owned(uid: str) -> bool:
    """Whether someone can have issued this UID: it is well formed and its root is ISO's.

    Some files carry UIDs below 0 (that of the ITU, which gives none to images); see
    docs/decisions/0015.
    """
    wording = UID(uid, validation_mode=IGNORE)  # else a warning that quotes it
    return wording.is_valid and uid[:2] in ("1.", "2.")


def owned_uid(uid: str) -> UID:
    """`uid`, or one that is a function of it where no one can have issued it."""
    return UID(uid) if is_owned(uid) else derived_uid("in place of", uid)


def series_uid(source: DicomSource, derivation: Derivation, slices: Iterable[Dataset]) -> UID:
    """The SeriesInstanceUID of a result: a function of its source, its making and its content."""
    digest = hashlib.sha256()
    for header in slices:
        for keyword in (*GEOMETRY, *SCALE):
            numbers = np.atleast_1d(np.array(header.get(keyword, 0), dtype=np.float64))
            digest.update(numbers.tobytes())
        digest.update(header.PixelData)
    return derived_uid(*_facts(source, derivation), digest.hexdigest())


def instance_uid(series: UID, number: int) -> UID:
    """The SOPInstanceUID of slice `number`, from 1."""
    return derived_uid(series, str(number))


def _facts(source: DicomSource, derivation: Derivation) -> Iterator[str]:
    yield MAKER
    yield derivation.kind
    # as JSON, so that facts read back from a record are the facts that were written
    yield from (
        f"{key}={json.dumps(value, default=str)}" for key, value in derivation.parameters.items()
    )
    yield from (str(header.SOPInstanceUID) for header in source.headers)
