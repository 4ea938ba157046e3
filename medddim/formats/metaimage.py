"""MetaImage, .mha and .mhd, as ITK, elastix and many challenges write it, through SimpleITK."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from medddim.formats.itk import ItkFile, ItkHeader, text_of
from medddim.formats.single_file import ToSave

END = b"LOCAL"
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
        return {key.lower(): value for key, value in found}

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
