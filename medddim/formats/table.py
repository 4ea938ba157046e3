"""Every format, in the order in which they look at a folder. A new one is a line here."""

from __future__ import annotations

from medddim.formats.contract import Format
from medddim.formats.dicom import Dicom
from medddim.formats.metaimage import MetaImage
from medddim.formats.mgh import Mgh
from medddim.formats.nifti import Nifti
from medddim.formats.nrrd import Nrrd

FORMATS: list[Format] = [
    Nifti(),
    Dicom(),
    MetaImage(),
    Nrrd(),
    Mgh(),
]
"""A Volume without a source is written by the first."""


def named(name: str) -> Format:
    """The format of this name."""
    return next(format for format in FORMATS if format.name == name)
