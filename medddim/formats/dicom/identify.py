"""Whose image a DICOM file is, and the file as others send and store it."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pydicom

from medddim.errors import UnreadableScan
from medddim.formats.dicom.files import require_moderate_deflate
from medddim.formats.dicom.uids import MAKER
from medddim.formats.guard import reading

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

UID_FORM = re.compile(r"[0-9][0-9.]{0,63}")
SOURCES = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID")


@dataclass(frozen=True)
class Identity:
    """The identifiers of one image, and whether medddim made it."""

    instance: str
    series: str
    study: str
    ours: bool


def identify(path: Path) -> Identity:
    """The identifiers in the header of one file.

    Raises UnreadableScan for a file that is no DICOM object or lacks one, UnsupportedScan for a
    deflate bomb.
    """
    require_moderate_deflate(path)
    with reading(path, "DICOM"):
        tags = [*SOURCES, "ContributingEquipmentSequence"]
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        found = [str(header.get(keyword, "")) for keyword in SOURCES]
        makers = [
            str(item.get("ManufacturerModelName", ""))
            for item in header.get("ContributingEquipmentSequence") or ()
        ]
    if not all(UID_FORM.fullmatch(uid) for uid in found):
        raise UnreadableScan(f"{path}: expected identifiers of image, series and study")
    instance, series, study = found
    return Identity(instance, series, study, ours=MAKER in makers)


def load(path: Path) -> Dataset:
    """The whole object, for a library that sends it. Raises UnreadableScan."""
    with reading(path, "DICOM"):
        return pydicom.dcmread(path)


def as_file(dataset: Dataset) -> bytes:
    """The object as a DICOM file."""
    stream = io.BytesIO()
    dataset.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
