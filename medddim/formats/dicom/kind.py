"""Is this a file medddim enhances? If not, why not, in words for the user."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, CTImageStorage, MRImageStorage

from medddim.errors import EnvironmentProblem, UnreadableScan, UnsupportedScan
from medddim.formats.content import IMAGINARY, PHASE, REAL, Content, of_unit, of_words
from medddim.formats.dicom.files import Header, values_of
from medddim.formats.dicom.vendor import ge_raw_type
from medddim.formats.guard import reading

TERMS = {
    "MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL", "YBR_FULL_422", "YBR_ICT",
    "YBR_RCT", "YBR_PARTIAL_420", "SEG", "REG", "DOC", "RTIMAGE", "RTDOSE", "RTPLAN", "RTSTRUCT",
}  # fmt: skip
"""Of PhotometricInterpretation and Modality; most modalities have two letters."""
LOCALIZER = {"LOCALIZER", "SCOUT"}
SAID_APART = ("ComplexImageComponent", "VolumeBasedCalculationTechnique")
GE_RAW_TYPES: dict[float | None, Content] = {1: PHASE, 2: REAL, 3: IMAGINARY}


def require_supported(header: Header) -> None:
    """Raise UnsupportedScan with the reason, unless this is a slice of an MR or CT scan.

    Raises UnreadableScan for a file that is cut off, EnvironmentProblem for want of a decoder.
    """
    with reading(header.path, "DICOM"):
        reason = (
            _wrong_class(header.dataset)
            or _wrong_pixels(header.dataset)
            or _wrong_content(header.dataset)
        )
        if reason:
            raise UnsupportedScan(f"{header.place}: {reason}")
        _require_whole(header)
        _require_decoder(header)


def _wrong_class(dataset: Dataset) -> str:
    sop_class = UID(str(dataset.get("SOPClassUID", "")))
    expected = {CTImageStorage: "CT", MRImageStorage: "MR"}.get(sop_class)
    if expected:
        modality = str(dataset.get("Modality") or "")
        return (
            "" if modality == expected else f"expected Modality {expected}, found {term(modality)}"
        )
    kind = sop_class.name if sop_class.is_valid else "none of the standard"
    return f"expected an MR or CT image, found: {kind}"


def term(value: str) -> str:
    """`value` if it is a term of the standard, for a damaged header may hold anything there."""
    return value if value in TERMS or re.fullmatch("[A-Z]{2}", value) else "something else"


def _wrong_pixels(dataset: Dataset) -> str:
    if int(dataset.get("NumberOfFrames") or 1) > 1:
        return "expected one frame a file, found several"
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if dataset.get("SamplesPerPixel") is None:
        return "expected SamplesPerPixel, found none"
    if dataset.get("SamplesPerPixel") != 1 or not photometric.startswith("MONOCHROME"):
        return f"expected grey values, found {term(photometric)}"
    if dataset.get("PixelPresentation") in ("COLOR", "MIXED", "TRUE_COLOR"):
        return "expected grey values, found a map to be shown in colours (PixelPresentation)"
    allocated, stored = dataset.get("BitsAllocated"), dataset.get("BitsStored")
    if allocated not in (8, 16) or not stored or not 0 < stored <= allocated:
        return "expected 8 or 16 bits a voxel, at least one of them stored"
    if dataset.get("HighBit", stored - 1) != stored - 1:
        return "the bits of a voxel do not start at bit 0 (HighBit)"
    return _wrong_scale(dataset)


def _wrong_scale(dataset: Dataset) -> str:
    if dataset.get("ModalityLUTSequence"):
        return "its values go through a look-up table (ModalityLUTSequence), not a slope"
    if dataset.Modality == "CT" and not {"RescaleSlope", "RescaleIntercept"} <= set(dataset.dir()):
        return "expected a RescaleSlope and a RescaleIntercept, without which a CT has no unit"
    slope, intercept = dataset.get("RescaleSlope", 1), dataset.get("RescaleIntercept", 0)
    if slope is None or intercept is None or not slope or not abs(slope) + abs(intercept) < 1e30:
        return "RescaleSlope or RescaleIntercept is 0, empty or not a number"
    return ""


def _wrong_content(dataset: Dataset) -> str:
    words = _words(dataset)
    if LOCALIZER & set(words):
        return "a localizer, for planning only"
    if "MOSAIC" in words:
        return "a Siemens mosaic: many slices tiled in one image; convert it with dcm2niix"
    if "VFRAME" in words:
        return "a UIH VFRAME: many slices tiled in one image; convert it with dcm2niix"
    content, where = _content(dataset)
    return content.at(where) if content else ""


def _words(dataset: Dataset) -> list[str]:
    return [value.strip().upper() for value in values_of(dataset, "ImageType")]


def _content(dataset: Dataset) -> tuple[Content | None, str]:
    """What an image is in place of a magnitude or CT, and what says so."""
    modality = "MR" if dataset.get("SOPClassUID") == MRImageStorage else "CT"
    said = (str(dataset.get(name) or "") for name in SAID_APART)
    words = [*_words(dataset)[2:], *said]
    if found := of_words(words, modality):
        return found, f"ImageType, {' or '.join(SAID_APART)}"
    if modality == "CT":
        return None, ""
    if found := GE_RAW_TYPES.get(ge_raw_type(dataset)):
        return found, "the private raw data type of GE"
    return next(filter(None, map(of_unit, _units(dataset))), None), "the unit of its values"


def _units(dataset: Dataset) -> Iterator[str]:
    """The units in RescaleType and in the mapping to real world values."""
    said = str(dataset.get("RescaleType") or "").strip()
    yield said if said.upper() != "US" else ""  # unspecified (PS3.3 C.11.1.1.2), no microseconds
    mappings = [dataset, *(dataset.get("RealWorldValueMappingSequence") or ())]
    for item in mappings:  # of a frame, the mapping lies in its own attributes
        for unit in item.get("MeasurementUnitsCodeSequence") or ():
            yield str(unit.get("CodeValue") or "")


def set_aside(headers: Sequence[Header]) -> tuple[list[Header], list[str]]:
    """The images of a series that may be a scan, and what is said of the rest, for people.

    A scout, a screenshot, and the phases or maps beside magnitudes are no fault of the others.
    Where nothing else is there, all stay: `require_supported` says why not.
    """
    found = [_aside(header) for header in headers]
    if not any(found) or all(found):
        return list(headers), []
    counts = Counter(name for name in found if name)
    kept = [header for header, name in zip(headers, found, strict=True) if not name]
    return kept, [
        f"{count} of its {len(headers)} images left out: {name}" for name, count in counts.items()
    ]


def _aside(header: Header) -> str:
    """What an image shows in place of a slice of a scan; "" if it does, or does not say."""
    with reading(header.path, "DICOM"):
        if _wrong_class(header.dataset):
            sop_class = UID(str(header.dataset.get("SOPClassUID", "")))
            slices = sop_class in (CTImageStorage, MRImageStorage) or not sop_class.is_valid
            return "" if slices else sop_class.name
        if LOCALIZER & set(_words(header.dataset)):
            return "a localizer"
        content, _ = _content(header.dataset)
        return content.name if content else ""


def _require_whole(header: Header) -> None:
    """Cheap at find: an uncompressed file must be longer than its pixels."""
    dataset = header.dataset
    if header.syntax.is_encapsulated or header.syntax.is_deflated:
        return
    needed = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
    needed *= 1 if header.frame is None else header.frame + 1
    if header.pixel_bytes < needed:
        raise UnreadableScan(
            f"{header.path}: expected {needed:,} bytes of pixels, the file is shorter; it is "
            "truncated, get it again from its source"
        )


def _require_decoder(header: Header) -> None:
    syntax = header.syntax
    if not syntax.is_encapsulated:
        return
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        raise UnsupportedScan(f"{header.path}: {syntax.name} is not a syntax of images") from None
    if not available:
        raise EnvironmentProblem(
            f"{header.path}: compressed as {syntax.name}, and no decoder for it is installed; "
            "run: pip install medddim[codecs]"
        )
