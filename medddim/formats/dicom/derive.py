"""The header of a derived image: what is kept of the source, and what is said anew.

After DICOM PS3.3 C.7.6.1.1.3 (derivation) and C.12.1.1.5 (contributing equipment).
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from medddim.formats.contract import Derivation
from medddim.formats.dicom.codes import Code
from medddim.formats.dicom.files import values_of
from medddim.formats.dicom.placement import Placement
from medddim.formats.dicom.read import DicomSource
from medddim.formats.dicom.regions import is_unpaired
from medddim.formats.dicom.uids import MAKER, is_owned, owned_uid
from medddim.formats.sidecar import TAGLINE

LONGEST_SHORT_TEXT = 1024
LONGEST_LONG_STRING = 64
SERIES_OFFSET = {"identity": 0, "denoise": 1, "superresolve": 2, "degrade": 3}
PART_OFFSET = 30
"""Between the numbers of the parts of one series; maps have 10 and 20 more."""
CODES = {
    "identity": Code("IDENTITY", "99MEDDDIM", "Unchanged copy"),
    "denoise": Code("AIDENOISE", "99MEDDDIM", "Noise reduction by a neural network"),
    "superresolve": Code("113085", "DCM", "Spatial resampling"),
    "degrade": Code("DEGRADE", "99MEDDDIM", "Simulated degradation"),
}
MADE_CODE = Code("NOTACQUIRED", "99MEDDDIM", "Holds content that was not acquired")
MAKES_CONTENT = ("superresolve", "degrade")
"""Kinds that say so by code, and by SyntheticData where the source has it: docs/decisions/0084."""
OTHER_CODE = Code("DERIVED", "99MEDDDIM", "Derived image")
SOURCE_IMAGE = Code("121322", "DCM", "Source image for image processing operation")
PROCESSING_EQUIPMENT = Code("109102", "DCM", "Processing Equipment")

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
NOT_IF_EMPTY = ("SpacingBetweenSlices", "BodyPartExamined", "TriggerTime")
OF_THE_SERIES = (
    "StudyInstanceUID", "FrameOfReferenceUID", "PositionReferenceIndicator", "SeriesNumber",
    "SeriesDescription",
)  # fmt: skip
"""One for all slices, whatever the source says: to a viewer, two frames of reference are two
scans, and de-identification has given some series one for each slice."""
PADDING = ("PixelPaddingValue", "PixelPaddingRangeLimit")
METHOD_UNKNOWN = "not stated by the source"
"""Type 1C beside PatientIdentityRemoved, and empty in some collections."""
CLINICAL_TRIAL = (
    "ClinicalTrialSponsorName", "ClinicalTrialProtocolID", "ClinicalTrialProtocolName",
    "ClinicalTrialSiteID", "ClinicalTrialSiteName", "ClinicalTrialSubjectID",
)  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """What every slice of one result says of how it was made; `software` is for people too."""

    kind: str
    text: str
    software: tuple[str, ...]
    now: datetime
    part: tuple[int, int] = (0, 1)


def parameter_texts(derivation: Derivation) -> list[str]:
    """Each parameter as the text has it."""
    return [
        _ascii(f"{key}={value if isinstance(value, str) else json.dumps(value, default=str)}")
        for key, value in derivation.parameters.items()
    ]


def derivation_text(derivation: Derivation, version: str, remarks: Sequence[str] = ()) -> str:
    """At most 1024 characters on how the image came about, for DerivationDescription."""
    warning = " Not for primary diagnosis."
    parameters = "; ".join(parameter_texts(derivation))
    text = f"medddim {version}, {derivation.kind}: {derivation.summary}"
    if parameters:
        text += f" [{parameters}]"
    text = " ".join((text, *remarks))
    return _ascii(text)[: LONGEST_SHORT_TEXT - len(warning)] + warning


def derived_header(source: DicomSource, placement: Placement, provenance: Provenance) -> Dataset:
    """All of one slice's header but its identifiers, its number and what describes its pixels."""
    header = copy.deepcopy(source.headers[placement.sources[0]])
    _make_one_series(header, source.headers[0])
    _place(header, placement)
    now = _on_the_clock_of(header, provenance.now)
    _describe(header, kind=provenance.kind, now=now)
    _tell_apart(header, provenance)
    header.DerivationDescription = provenance.text
    references = [
        _reference(source.origins[k], preserved=placement.preserved)
        for k in placement.sources
        if is_owned(source.origins[k].ReferencedSOPInstanceUID)
    ]
    if references:
        header.SourceImageSequence = references
    header.ContributingEquipmentSequence = Items(
        [*(header.get("ContributingEquipmentSequence") or []), _equipment(provenance, now)]
    )
    _complete(header, placement)
    return header


def _make_one_series(header: Dataset, first: Dataset) -> None:
    _drop(header, OF_THE_SERIES)
    for keyword in OF_THE_SERIES:
        if keyword in first:
            header[keyword] = copy.deepcopy(first[keyword])


def _place(header: Dataset, placement: Placement) -> None:
    for keyword, value in placement.attributes.items():
        setattr(header, keyword, value)


def _describe(header: Dataset, *, kind: str, now: datetime) -> None:
    old_type = values_of(header, "ImageType")
    header.ImageType = ["DERIVED", "SECONDARY", *(old_type[2:] or [_third_value(header)])]
    number = int(header.get("SeriesNumber") or 0)
    if abs(number) < 10_000_000:  # an IS holds 2**31 - 1 at most
        header.SeriesNumber = number * 100 + SERIES_OFFSET.get(kind, 9)
    header.SeriesDate = header.ContentDate = header.InstanceCreationDate = f"{now:%Y%m%d}"
    header.SeriesTime = header.ContentTime = header.InstanceCreationTime = f"{now:%H%M%S}"
    codes = [CODES.get(kind, OTHER_CODE)]
    if kind in MAKES_CONTENT:
        codes.append(MADE_CODE)
        if "SyntheticData" in header:
            header.SyntheticData = "YES"
    header.DerivationCodeSequence = [_code(one) for one in codes]
    header.BurnedInAnnotation = header.get("BurnedInAnnotation") or "NO"
    header.LossyImageCompression = header.get("LossyImageCompression") or "00"


def _tell_apart(header: Dataset, provenance: Provenance) -> None:
    """A description and a number that no other result of the series has.

    No brackets: to what sorts series by fnmatch or glob, they are sets of letters.
    """
    part, parts = provenance.part
    words = [f"part {part + 1}"] if parts > 1 else []
    ending = ", ".join([*words, TAGLINE.get(provenance.kind, "derived")])
    old = " ".join(values_of(header, "SeriesDescription"))[: LONGEST_LONG_STRING - len(ending) - 3]
    header.SeriesDescription = f"{old.strip()} - {ending}" if old.strip() else ending
    if part and abs(int(header.SeriesNumber or 0)) < 1_000_000_000:
        header.SeriesNumber = int(header.SeriesNumber) + PART_OFFSET * part


def described(header: Dataset) -> str:
    """The description of the source of a result."""
    text = " ".join(values_of(header, "SeriesDescription"))
    endings = "|".join(re.escape(one) for one in (*TAGLINE.values(), "derived"))
    return re.sub(rf"(^| - )(part \d+, )?({endings})$", "", text)


def _third_value(header: Dataset) -> str:
    return "AXIAL" if header.Modality == "CT" else "OTHER"


def _complete(header: Dataset, placement: Placement) -> None:
    """Make the header whole: what must be there is, what would contradict the rest is not."""
    for keyword in (*EMPTY_IF_ABSENT, *EMPTY_IF_ABSENT_IN.get(header.Modality, ())):
        if keyword not in header:
            setattr(header, keyword, RESEARCH_MODE.get(keyword))
    _drop(header, [key for key in NOT_IF_EMPTY if key in header and header[key].is_empty])
    settle_laterality(header)
    if not header.get("ClinicalTrialSubjectID"):
        _drop(header, CLINICAL_TRIAL)  # the module is not valid without it
    _settle_identity_removed(header)
    if not placement.padded:
        _drop(header, PADDING)
    if not placement.preserved:
        # no grid made here leans, and dcm2niix takes the angle for that of the grid
        _drop(header, ["GantryDetectorTilt"])
    study = str(header.get("StudyInstanceUID") or "")
    frame = str(header.get("FrameOfReferenceUID") or "")
    header.StudyInstanceUID = owned_uid(study)
    header.FrameOfReferenceUID = owned_uid(frame or f"frame of reference {study}")


def settle_laterality(header: Dataset) -> None:
    """Type 2C: only a named body part that there is one of makes it needless, and then wrong."""
    if is_unpaired(header):
        _drop(header, ["Laterality"])
    elif "Laterality" not in header:
        header.Laterality = None


def _settle_identity_removed(header: Dataset) -> None:
    if header.get("DeidentificationMethod") or header.get("DeidentificationMethodCodeSequence"):
        return
    _drop(header, ("DeidentificationMethod", "DeidentificationMethodCodeSequence"))
    if header.get("PatientIdentityRemoved") == "YES":
        header.DeidentificationMethod = METHOD_UNKNOWN


def _drop(header: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        if keyword in header:
            delattr(header, keyword)


def _reference(origin: Dataset, *, preserved: bool) -> Dataset:
    item = copy.deepcopy(origin)
    item.SpatialLocationsPreserved = "YES" if preserved else "NO"
    item.PurposeOfReferenceCodeSequence = [_code(SOURCE_IMAGE)]
    return item


def _equipment(provenance: Provenance, now: datetime) -> Dataset:
    from highdicom import ContributingEquipment  # here: importing it takes seconds
    from pydicom.sr import coding

    return ContributingEquipment(
        MAKER,
        coding.Code(*PROCESSING_EQUIPMENT),
        manufacturer_model_name=MAKER,
        software_versions=[_ascii(name) for name in provenance.software],
        contribution_datetime=f"{now:%Y%m%d%H%M%S%z}",
        contribution_description=TAGLINE.get(provenance.kind, "derived"),
    )


def _on_the_clock_of(header: Dataset, now: datetime) -> datetime:
    """`now` in the time zone in which the header says its times, if it says so."""
    try:
        return now.astimezone(datetime.strptime(header.TimezoneOffsetFromUTC, "%z").tzinfo)
    except (AttributeError, TypeError, ValueError):
        return now.astimezone()


def _code(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = code.value, code.scheme_designator
    item.CodeMeaning = code.meaning
    return item


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode("ascii")
