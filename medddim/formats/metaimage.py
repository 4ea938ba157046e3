"""MetaImage, .mha and .mhd, as ITK, elastix and many challenges write it, through SimpleITK."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from medddim.errors import UnsupportedScan
from medddim.formats.itk import ItkFile, ItkHeader, text_of
from medddim.formats.single_file import ToSave

END = b"LOCAL"
MM = {"", "?", "mm"}
MODALITIES = {"MET_MOD_MR": "MR", "MET_MOD_CT": "CT"}


class MetaImage(ItkFile):
    """One file, or a .mhd beside its .raw."""

    name = "metaimage"
    title = "MetaImage"
    endings = (".mha", ".mhd")
    data_endings = (".raw", ".zraw")
    map_ending = ".mha"
    reader = "MetaImageIO"

    def fields(self, path: Path) -> dict[str, str]:
        """`Key = value`, a line each; ElementDataFile is the last."""
        text = text_of(path, END, self.title)
        found = re.findall(r"^[ \t]*(\w+)[ \t]*[=:][ \t]*(.*?)[ \t\r]*$", text, re.MULTILINE)
        fields = {key.lower(): value for key, value in found}
        if reason := _unread(fields):
            raise UnsupportedScan(f"{path}: {reason}")
        return fields

    def data_file(self, path: Path, fields: dict[str, str]) -> str:
        """The value of ElementDataFile; LOCAL means behind the header."""
        return fields.get("elementdatafile", "")

    def header(self, path: Path, fields: dict[str, str], volumes: str) -> ItkHeader:
        """Whether the voxels are compressed, and the modality."""
        kept = {"Modality": fields["modality"]} if fields.get("modality") in MODALITIES else {}
        packed = fields.get("compresseddata", "").lower() == "true"
        return ItkHeader(volumes, compressed=packed, fields=kept)

    def modality(self, fields: dict[str, str]) -> str:
        """That of the field Modality."""
        return MODALITIES.get(fields.get("modality", ""), "")

    def describe_result(self, written: Any, image: ToSave) -> None:
        """Keep the modality."""
        for key, value in (image.like.header.fields if image.like else {}).items():
            written.SetMetaData(key, value)


def _unread(fields: dict[str, str]) -> str:
    """What SimpleITK takes for something else without a word; "" if nothing."""
    if fields.get("distanceunits", "").lower() not in MM:
        return "expected millimetres for its DistanceUnits, found another; convert its space to mm"
    slope = fields.get("elementtointensityfunctionslope", "1")
    offset = fields.get("elementtointensityfunctionoffset", "0")
    if float(slope) != 1 or float(offset) != 0:
        return (
            "SimpleITK does not apply its ElementToIntensityFunctionSlope and Offset; save the "
            "intensities, with a slope of 1 and an offset of 0"
        )
    return ""
