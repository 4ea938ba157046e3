"""The header of a derived image: what is kept of the source, and what is said anew.

After DICOM PS3.3 C.7.6.1.1.3 (derivation) and C.12.1.1.5 (contributing equipment).
"""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterable
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from medddim.formats.contract import Derivation
from medddim.formats.dicom.placement import Placement
from medddim.formats.dicom.read import DicomSource

MAKER = "medddim"
LONGEST_SHORT_TEXT = 1024
LONGEST_LONG_STRING = 64
SERIES_OFFSET = {"identity": 0, "denoise": 1, "superresolve": 2, "degrade": 3}
TAGLINE = {
    "identity": "unchanged copy",
    "denoise": "AI denoised",
    "superresolve": "AI super-resolved",
    "degrade": "degraded",
}
CODES = {
    "identity": ("IDENTITY", "99MEDDDIM", "Unchanged copy"),
    "denoise": ("AIDENOISE", "99MEDDDIM", "Noise reduction by a neural network"),
    "superresolve": ("113085", "DCM", "Spatial resampling"),
    "degrade": ("DEGRADE", "99MEDDDIM", "Simulated degradation"),
}
OTHER_CODE = ("DERIVED", "99MEDDDIM", "Derived image")
SOURCE_IMAGE = ("121322", "DCM", "Source image for image processing operation")
PROCESSING_EQUIPMENT = ("109102", "DCM", "Processing Equipment")

EMPTY_IF_ABSENT = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime",
    "StudyID", "AccessionNumber", "ReferringPhysicianName", "Manufacturer", "PatientPosition",
    "PositionReferenceIndicator", "AcquisitionNumber", "SliceThickness",
)  # fmt: skip
RESEARCH_MODE = {"ScanningSequence": "RM", "SequenceVariant": "NONE"}
"""For MR images whose header does not say, because these may not be empty."""
EMPTY_IF_ABSENT_IN = {
    "MR": (
        "ScanningSequence", "SequenceVariant", "ScanOptions", "MRAcquisitionType", "RepetitionTime",
        "EchoTime", "EchoTrainLength",
    ),
    "CT": ("KVP",),
}  # fmt: skip
NOT_IF_EMPTY = ("Laterality", "SpacingBetweenSlices", "BodyPartExamined", "TriggerTime")
CLINICAL_TRIAL = (
    "ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID", "ClinicalTrialSiteName", "ClinicalTrialSubjectID",
)  # fmt: skip


def derived_uid(*facts: str) -> UID:
    """A UID that is a function of `facts` (2.25 and a name-based UUID, PS3.5 B.2)."""
    return UID(f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, chr(0).join(facts)).int}")


def derivation_text(derivation: Derivation, version: str, clipped: int) -> str:
    """At most 1024 characters on how the image came about, for DerivationDescription."""
    warning = " Not for primary diagnosis."
    parameters = "; ".join(f"{key}={value}" for key, value in derivation.parameters.items())
    text = f"medddim {version}, {derivation.kind}: {derivation.summary}"
    if parameters:
        text += f" [{parameters}]"
    if clipped:
        text += f" {clipped} voxels clipped to the stored range."
    return _ascii(text)[: LONGEST_SHORT_TEXT - len(warning)] + warning


def derived_header(
    source: DicomSource, placement: Placement, *, kind: str, text: str, version: str, now: datetime
) -> Dataset:
    """All of one slice's header but its identifiers, its number and what describes its pixels."""
    header = copy.deepcopy(source.headers[placement.sources[0]])
    _place(header, placement)
    _describe(header, kind=kind, now=now)
    header.DerivationDescription = text
    header.DerivationCodeSequence = [_code(*CODES.get(kind, OTHER_CODE))]
    header.SourceImageSequence = [
        _reference(source.headers[k], preserved=placement.preserved) for k in placement.sources
    ]
    equipment = _equipment(kind, version, now)
    header.ContributingEquipmentSequence = Sequence(
        [*(header.get("ContributingEquipmentSequence") or []), equipment]
    )
    _complete(header, placement)
    return header


def _place(header: Dataset, placement: Placement) -> None:
    for keyword, value in placement.attributes.items():
        setattr(header, keyword, value)


def _describe(header: Dataset, *, kind: str, now: datetime) -> None:
    old_type = [str(value) for value in header.get("ImageType") or []]
    header.ImageType = ["DERIVED", "SECONDARY", *(old_type[2:] or [_third_value(header)])]
    number = int(header.get("SeriesNumber") or 0)
    if abs(number) < 10_000_000:  # an IS holds 2**31 - 1 at most
        header.SeriesNumber = number * 100 + SERIES_OFFSET.get(kind, 9)
    tag = f"[{TAGLINE.get(kind, 'derived')}]"
    old = str(header.get("SeriesDescription") or "")
    header.SeriesDescription = f"{old[: LONGEST_LONG_STRING - len(tag) - 1]} {tag}".strip()
    header.SeriesDate = header.ContentDate = header.InstanceCreationDate = f"{now:%Y%m%d}"
    header.SeriesTime = header.ContentTime = header.InstanceCreationTime = f"{now:%H%M%S}"
    header.BurnedInAnnotation = header.get("BurnedInAnnotation") or "NO"
    header.LossyImageCompression = header.get("LossyImageCompression") or "00"


def _third_value(header: Dataset) -> str:
    return "AXIAL" if header.Modality == "CT" else "OTHER"


def _complete(header: Dataset, placement: Placement) -> None:
    """Make the header whole: what must be there is, what would contradict the rest is not."""
    for keyword in (*EMPTY_IF_ABSENT, *EMPTY_IF_ABSENT_IN.get(header.Modality, ())):
        if keyword not in header:
            setattr(header, keyword, RESEARCH_MODE.get(keyword))
    _drop(header, [key for key in NOT_IF_EMPTY if key in header and header[key].is_empty])
    if "BodyPartExamined" not in header and "Laterality" not in header:
        header.Laterality = None  # type 2C: only a named, unpaired body part makes it needless
    if not header.get("ClinicalTrialSubjectID"):
        _drop(header, CLINICAL_TRIAL)  # the module is not valid without it
    if not placement.preserved:
        _drop(header, ("PixelPaddingValue", "PixelPaddingRangeLimit"))  # the new grid has none
    if not header.get("FrameOfReferenceUID"):
        header.FrameOfReferenceUID = derived_uid("frame of reference", header.StudyInstanceUID)


def _drop(header: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        if keyword in header:
            delattr(header, keyword)


def _reference(source: Dataset, *, preserved: bool) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    item.SpatialLocationsPreserved = "YES" if preserved else "NO"
    item.PurposeOfReferenceCodeSequence = [_code(*SOURCE_IMAGE)]
    return item


def _equipment(kind: str, version: str, now: datetime) -> Dataset:
    item = Dataset()
    item.PurposeOfReferenceCodeSequence = [_code(*PROCESSING_EQUIPMENT)]
    item.Manufacturer = MAKER
    item.ManufacturerModelName = MAKER
    item.SoftwareVersions = version
    item.ContributionDateTime = f"{now:%Y%m%d%H%M%S}"
    item.ContributionDescription = TAGLINE.get(kind, "derived")
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")


def facts_of(source: DicomSource, derivation: Derivation) -> Iterable[str]:
    """What the identifiers of a result are a function of, the voxels aside."""
    yield MAKER
    yield derivation.kind
    yield from (f"{key}={value!r}" for key, value in derivation.parameters.items())
    yield from (str(header.SOPInstanceUID) for header in source.headers)
