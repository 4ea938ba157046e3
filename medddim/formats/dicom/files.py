"""Which files are DICOM, and what their headers say; pixels are left alone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.tag import Tag
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from medddim.errors import EnvironmentProblem, RequestProblem, ScanError, UnreadableScan
from medddim.formats.dicom.media import MEDIA_DIRECTORY, files_listed, is_directory
from medddim.formats.dicom.vendor import PRIVATE_TAGS, PUBLIC_TAGS, name_diffusion
from medddim.formats.guard import reading, require_moderate_inflation
from medddim.formats.walk import files_at

ONE_EACH = ("PatientID", "StudyInstanceUID", "PhotometricInterpretation")
"""What all files of one series agree on."""
KIND_TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "Modality", "ImageType",
    "ComplexImageComponent", "VolumeBasedCalculationTechnique", "NumberOfFrames",
    "SamplesPerPixel", "PhotometricInterpretation",
    "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "ModalityLUTSequence", "RealWorldValueMappingSequence",
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
)  # fmt: skip
PART_TAGS = ("ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber")
"""Which part of one multi-frame image a file is, that came as several (PS3.3 C.7.6.16)."""
GRID_TAGS = (
    "Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient",
    "SliceThickness", "SpacingBetweenSlices", "FrameOfReferenceUID",
)  # fmt: skip
STACK_TAGS = (
    "EchoNumbers", "EchoTime", "TemporalPositionIdentifier", "TemporalPositionTimeOffset",
    "DiffusionBValue", "DiffusionGradientOrientation", "InversionTime", "TriggerTime", "FlipAngle",
    "NominalPercentageOfCardiacPhase", "NominalPercentageOfRespiratoryPhase", "AcquisitionNumber",
    "ImageType", "RepetitionTime", "SequenceName", "ScanOptions", "ReceiveCoilName", "KVP",
    "ConvolutionKernel", "ASLContext", "(2005,1429)",
)  # fmt: skip
"""What tells two images at one position apart, the most telling first."""
ASL_TAG = "(2005,1429)"
"""LABEL or CONTROL, as Philips says it; its private block may lie elsewhere."""
LABELLING = ("ASLContext", ASL_TAG)
ASL_CREATOR = "Philips MR Imaging DD 005"
ASL_TAGS = tuple(
    0x2005 << 16 | place for block in range(0x10, 0x18) for place in (block, block << 8 | 0x29)
)
ORDER_TAGS = (
    "InstanceNumber", "AcquisitionDate", "AcquisitionTime", "AcquisitionDateTime", "ContentDate",
    "ContentTime", "NumberOfTemporalPositions", "ConcatenationFrameOffsetNumber",
)  # fmt: skip
"""What tells in which order images were acquired."""

DICOM_SUFFIXES = {".dcm", ".dicom", ".ima"}


@dataclass(frozen=True)
class Header:
    """The part of one image's header that find and geometry look at."""

    path: Path
    dataset: Dataset
    sop_class: str
    syntax: UID
    pixel_bytes: int
    """At most so many bytes follow the header in the file."""
    frame: int | None = None
    """Which frame of a multi-frame file, from 0; None for the file as a whole."""
    frames: int = 1
    """How many frames share those bytes."""

    @property
    def place(self) -> str:
        """The file, and the frame in it, for messages."""
        return str(self.path) if self.frame is None else f"{self.path}, frame {self.frame + 1}"


def value_of(dataset: Dataset, name: str) -> Any:
    """The value of an attribute by its keyword, or by its tag, as "(0019,10A2)"; None if absent."""
    if name == ASL_TAG:
        with suppress(KeyError):
            return dataset.get_private_item(0x2005, 0x29, ASL_CREATOR).value
    if not name.startswith("("):
        return dataset.get(name)
    element = dataset.get(tag_of(name))
    return None if element is None else element.value


def tag_of(name: str) -> Any:
    """What pydicom takes for an attribute: its keyword, or of "(0019,10A2)" the tag."""
    return Tag(name.strip("()").replace(",", "")) if name.startswith("(") else name


def attributes_named(text: str) -> tuple[str, ...]:
    """The attributes in "EchoTime and (0019,10A2)". Raises RequestProblem for what is none."""
    names = [one for one in re.split(r"\s+and\s+|[\s+;]+", text.strip()) if one]
    found = []
    for name in names:
        if re.fullmatch(r"\(?[0-9A-Fa-f]{4},[0-9A-Fa-f]{4}\)?", name):
            found.append(f"({name.strip('()').upper()})")
        elif tag_for_keyword(name) is not None:
            found.append(name)
        else:
            raise RequestProblem(
                "--stack-by: expected DICOM keywords or tags, such as EchoTime, or "
                f'"ImageType and (0019,10A2)", found {name!r}'
            )
    return tuple(found)


def values_of(dataset: Dataset, keyword: str) -> list[str]:
    """The values of an attribute; pydicom gives one alone as a text."""
    value = dataset.get(keyword) or []
    return [value] if isinstance(value, str) else [str(one) for one in value]


def is_number(value: Any) -> bool:
    """Whether a decimal or integer text, or each of several, is one; none at all will do."""
    try:
        np.array(value or 0, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return True


def common_folder(headers: Sequence[Header]) -> Path:
    """The folder that holds all of the files."""
    return Path(os.path.commonpath([header.path.parent for header in headers]))


def names_in(folder: Path, headers: Sequence[Header]) -> list[str]:
    """The place of each relative to the folder that holds them, for messages."""
    return [
        header.place.replace(str(header.path), os.path.relpath(header.path, folder), 1)
        for header in headers
    ]


def read_header(path: Path, stack_by: Sequence[str] = ()) -> Header:
    """The header of one file, with the attributes `stack_by` too.

    Raises UnreadableScan, or UnsupportedScan for a deflate bomb.
    """
    require_moderate_deflate(path)
    tags: list[Any] = [
        *ONE_EACH, *KIND_TAGS, *GRID_TAGS, *map(tag_of, (*STACK_TAGS, *stack_by)), *ORDER_TAGS,
        *PART_TAGS, *PUBLIC_TAGS, *PRIVATE_TAGS, *ASL_TAGS, "SeriesNumber",
    ]  # fmt: skip
    with reading(path, "DICOM"):
        with path.open("rb") as stream:
            dataset = pydicom.dcmread(stream, stop_before_pixels=True, specific_tags=tags)
            pixel_bytes = path.stat().st_size - stream.tell()
        for element in (*dataset.file_meta, *dataset):  # converted when first looked at: here
            _ = element.value
        name_diffusion(dataset)
        syntax = UID(dataset.file_meta.get("TransferSyntaxUID") or "")
    if not syntax:
        raise UnreadableScan(
            f"{path}: expected a TransferSyntaxUID, found none, so its encoding is unknown; get "
            "the file again from its source"
        )
    return Header(path, dataset, str(dataset.get("SOPClassUID", "")), syntax, pixel_bytes)


def scan(
    root: Path, stack_by: Sequence[str] = ()
) -> Iterator[tuple[Path, Header | ScanError | EnvironmentProblem]]:
    """Every DICOM file at or below `root`, by path, with its header or why it has none.

    A DICOMDIR stands for the files it lists. A file without the DICOM mark counts only if its name
    is like that of one, as its own suffix or the images beside it tell; in a folder, media
    directories and hidden files are skipped.
    """
    try:
        paths = _listed(root) if is_directory(root) else sorted(files_at(root))
    except ScanError as problem:
        yield root, problem
        return
    marked = {path for path in paths if _has_mark(path)}
    bare = {path.parent for path in marked if _is_bare(path)}
    for path in paths:
        if path.is_dir():
            yield path, UnreadableScan(f"{path}: the folder may not be listed; allow it to be read")
            continue
        named = path.suffix.lower() in DICOM_SUFFIXES or (path.parent in bare and _is_bare(path))
        if path not in marked and (not named or _is_text(path)):
            continue
        try:
            header = read_header(path, stack_by)
        except (ScanError, EnvironmentProblem) as problem:
            yield path, problem
            continue
        if header.dataset.file_meta.get("MediaStorageSOPClassUID") != MEDIA_DIRECTORY:
            yield path, header


def _listed(directory: Path) -> list[Path]:
    paths = files_listed(directory)
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise UnreadableScan(
            f"{directory}: {len(missing)} of the {len(paths)} images it lists are not there, "
            "keep it beside them, or name their folder instead"
        )
    return sorted(paths)


def _has_mark(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:  # what cannot be looked at may be an image
        return _is_bare(path)


def _is_bare(path: Path) -> bool:
    """Whether a name has no suffix, as those of images often have none, or end in a UID."""
    return not path.suffix.strip(".0123456789")


def _is_text(path: Path) -> bool:
    """Whether a file without a suffix of DICOM begins as a README does."""
    if path.suffix.lower() in DICOM_SUFFIXES:
        return False
    with path.open("rb") as stream:
        begin = stream.read(132)
    return bool(begin) and all(byte >= 32 or byte in b"\t\r\n" for byte in begin)


def require_moderate_deflate(path: Path) -> None:
    """Inflate in vain, up to a limit: pydicom inflates the whole file whatever it is asked for."""
    with reading(path, "DICOM"):
        if not path.stat().st_size:
            raise UnreadableScan(f"{path}: the file is empty; get it again from its source")
        if not _has_mark(path):
            raise UnreadableScan(
                f"{path}: expected a DICOM file, found no DICM mark; if it is one without its "
                "preamble, rewrite it with `dcmconv` of dcmtk, else give it another name"
            )
        with path.open("rb") as stream:
            read_preamble(stream, force=False)
            meta = _read_file_meta_info(stream)  # pydicom's own, lest a file tell the two apart
            if meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
                require_moderate_inflation(stream, path)
