"""A DICOMDIR: the table of contents of a CD or of an export, and the files it lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pydicom
from pydicom.filereader import read_file_meta_info

from medddim.errors import UnsupportedScan
from medddim.formats.guard import quiet, reading

MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"
PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
"""A part of a file's place; the standard asks for less still (PS3.10 8.5: A-Z, 0-9, _)."""


def is_directory(path: Path) -> bool:
    """Whether this file is a DICOMDIR, whatever it is called."""
    if not path.is_file():
        return False
    try:
        with quiet():
            meta = read_file_meta_info(path)
            return bool(meta.get("MediaStorageSOPClassUID") == MEDIA_DIRECTORY)
    except Exception:  # what is no DICOM file is no DICOMDIR
        return False


def files_listed(directory: Path) -> list[Path]:
    """The files of all images listed, in order, whether they are there or not.

    Raises UnsupportedScan if one would lie outside the DICOMDIR's own folder, UnreadableScan if
    the DICOMDIR is broken.
    """
    with reading(directory, "DICOMDIR"):
        dataset = pydicom.dcmread(directory, specific_tags=["DirectoryRecordSequence"])
        listed = [
            _parts(record.ReferencedFileID)
            for record in dataset.DirectoryRecordSequence
            if record.get("DirectoryRecordType") == "IMAGE" and record.get("ReferencedFileID")
        ]
    return [_place(directory.parent, parts, directory) for parts in listed]


def _parts(file_id: str | Iterable[str]) -> tuple[str, ...]:
    return (file_id,) if isinstance(file_id, str) else tuple(file_id)


def _place(folder: Path, parts: tuple[str, ...], directory: Path) -> Path:
    """The file below `folder`, in lower case if that is how the disk has it."""
    named = [folder.joinpath(*parts), folder.joinpath(*(part.lower() for part in parts))]
    path = next((path for path in named if path.is_file()), named[0])
    plain = all(PLAIN.fullmatch(part) for part in parts)
    if not plain or not path.resolve().is_relative_to(folder.resolve()):
        raise UnsupportedScan(
            f"{directory}: it lists a file outside its own folder; name the folder of the images"
        )
    return path
