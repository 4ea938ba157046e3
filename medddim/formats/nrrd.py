"""NRRD, .nrrd and .nhdr, as 3D Slicer writes it, through SimpleITK."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats.itk import ItkFile, ItkHeader, text_of
from medddim.formats.single_file import ToSave

MAGIC = re.compile(r"NRRD000[1-6]")
VOLUMES = {"list", "vector", "domain", "time", "none", "???", ""}
"""Kinds of an axis that hold several volumes; the others are colours, matrices and vectors."""
KEPT = re.compile(r"DWMRI_.*|modality|measurement frame", re.IGNORECASE)
"""The gradients of 3D Slicer; other keys may hold anything."""
MODALITIES = {"mr": "MR", "dwmri": "MR", "ct": "CT"}
RAW = ("raw", "txt", "text", "ascii", "hex")
READ = (*RAW, "gzip", "gz")
"""Encodings that SimpleITK reads."""
MM = {"", "mm", "???", "none"}
LPS_AND_TIME = "left-posterior-superior-time"
SPACES = {"", "right-anterior-superior", "left-anterior-superior", "left-posterior-superior",
          "ras", "las", "lps", LPS_AND_TIME, "lpst"}  # fmt: skip
"""Those that SimpleITK reads as what they are; it takes all others for LPS, RAS with time too."""
LEFT_OUT = {"measurement frame", "space", "kinds"}
"""Fields that are kept, and that SimpleITK cannot write, or writes otherwise."""
QUANTISED = {"old min", "oldmin", "old max", "oldmax"}
"""The range that the stored integers span, as dcm2niix writes slope and intercept."""


class Nrrd(ItkFile):
    """One file, or a .nhdr beside its .raw."""

    name = "nrrd"
    title = "NRRD"
    endings = (".nrrd", ".nhdr")
    data_endings = (".raw", ".raw.gz")
    map_ending = ".nrrd"
    reader = "NrrdImageIO"

    def fields(self, path: Path) -> dict[str, str]:
        """`field: value` and `key:=value`, a line each, up to a blank line."""
        text = text_of(path, b"\n\n", self.title).replace("\r\n", "\n").partition("\n\n")[0]
        if not MAGIC.match(text):
            raise UnreadableScan(
                f"{path}: expected the header of a NRRD file, found something else"
            )
        found = re.findall(r"^([^#:\n]+):=?[ \t]*(.*?)[ \t\r]*$", text, re.MULTILINE)
        fields = {_key(key): value for key, value in found}
        if reason := _unread(fields):
            raise UnsupportedScan(f"{path}: {reason}")
        return fields

    def data_file(self, path: Path, fields: dict[str, str]) -> str:
        """The value of `data file`."""
        return fields.get("data file", "") or fields.get("datafile", "")

    def header(self, path: Path, fields: dict[str, str], volumes: str) -> ItkHeader:
        """Whether the voxels are compressed, and the fields that are kept."""
        if "space" not in fields and volumes != "axis":  # of four axes ITK names no space
            raise UnsupportedScan(
                f"{path}: the header names no space, so left and right are unknown; set "
                "`space: left-posterior-superior` or another if you know it"
            )
        kinds = set(fields.get("kinds", "").lower().split()) - {"space", "domain"}
        if volumes == "list" and not kinds <= VOLUMES:
            raise UnsupportedScan(f"{path}: expected one real number a voxel, found {min(kinds)}")
        kept = {key: value for key, value in fields.items() if KEPT.fullmatch(key)}
        if fields.get("space", "").lower() in (LPS_AND_TIME, "lpst"):
            kept["space"] = LPS_AND_TIME
        if volumes == "list" and "list" in kinds:
            kept["kinds"] = "list"
        packed = fields.get("encoding", "raw").lower() not in RAW
        return ItkHeader(volumes, compressed=packed, fields=kept)

    def is_list(self, fields: dict[str, str]) -> bool:
        """Also where the header calls the axis a list."""
        return super().is_list(fields) or "list" in fields.get("kinds", "").lower().split()

    def modality(self, fields: dict[str, str]) -> str:
        """That of the key `modality`, which 3D Slicer sets for diffusion."""
        return MODALITIES.get(fields.get("modality", "").lower(), "")

    def describe_result(self, written: Any, image: ToSave) -> None:
        """Keep gradients and modality."""
        for key, value in (image.like.header.fields if image.like else {}).items():
            if key not in LEFT_OUT:
                written.SetMetaData(key, value)

    def finish(self, path: Path, like: ItkHeader) -> None:
        """Put in what SimpleITK leaves out: frame of gradients, space with time, kind of a list."""
        if not LEFT_OUT & like.fields.keys():
            return
        head, end, voxels = path.read_bytes().partition(b"\n\n")
        if space := like.fields.get("space"):
            head = head.replace(b"\nspace dimension: 4", f"\nspace: {space}".encode())
        if kind := like.fields.get("kinds"):
            head = head.replace(b"\nkinds: vector ", f"\nkinds: {kind} ".encode())
        if frame := like.fields.get("measurement frame"):
            head += f"\nmeasurement frame: {frame}".encode("latin-1")
        path.write_bytes(head + end + voxels)


def _unread(fields: dict[str, str]) -> str:
    """What SimpleITK does not read, or takes for something else without a word; "" if nothing."""
    if fields.get("encoding", "raw").lower() not in READ:
        return "expected raw, text or gzip for its encoding, found another; save it with gzip"
    units = {one.strip().lower() for one in re.findall(r'"([^"]*)"', fields.get("space units", ""))}
    if not units <= MM:
        return "expected millimetres for its space units, found another; convert its space to mm"
    if (space := fields.get("space", "")).lower() not in SPACES:
        return (
            f'its space, "{space[:30]}", is none that SimpleITK knows, and would be read as '
            "left-posterior-superior; save it in that space, or as NIfTI"
        )
    if QUANTISED & fields.keys():
        return (
            "its numbers are quantised (old min, old max), which SimpleITK does not undo; save it "
            "unquantised, or read the DICOM series or NIfTI file it was made from"
        )
    kinds, axes = fields.get("kinds", "").lower().split(), fields.get("space directions", "")
    if "time" in kinds and "none" in axes:
        return 'of its kinds, "time" has no direction in space, as "list" alone may; name it list'
    return ""


def _key(key: str) -> str:
    """Fields in lower case; keys of users as they are."""
    return key.strip() if key.startswith("DWMRI_") else key.strip().lower()
