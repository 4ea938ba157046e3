"""The frames of an enhanced multi-frame image, each as a classic image would say it.

An enhanced image keeps what changes from frame to frame in functional groups (DICOM PS3.3
C.7.6.16); flattened, one set of rules serves classic and enhanced series.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage
from pydicom.valuerep import format_number_as_ds

from medddim.errors import UnsupportedScan
from medddim.formats.dicom.files import Header
from medddim.formats.guard import reading

CLASSIC_OF = {
    "1.2.840.10008.5.1.4.1.1.2.1": CTImageStorage,  # enhanced CT
    "1.2.840.10008.5.1.4.1.1.2.2": CTImageStorage,  # legacy converted enhanced CT
    "1.2.840.10008.5.1.4.1.1.4.1": MRImageStorage,  # enhanced MR
    "1.2.840.10008.5.1.4.1.1.4.4": MRImageStorage,  # legacy converted enhanced MR
}
"""The classic class of each enhanced one that is read."""

GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
NOT_COPIED = {*GROUPS, "DimensionIndexSequence", "PixelData", "NumberOfFrames"}
NESTED = {"DiffusionGradientDirectionSequence"}
CLASSIC_NAME = {
    "FrameType": "ImageType",
    "TemporalPositionIndex": "TemporalPositionIdentifier",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "FrameAcquisitionDateTime": "AcquisitionDateTime",
}
CLASSIC_NUMBER = {
    "EffectiveEchoTime": "EchoTime",
    "InversionTimes": "InversionTime",
    "NominalCardiacTriggerDelayTime": "TriggerTime",
}
"""Floating point in an enhanced image, decimal text in a classic one."""
SEQUENCES = {"SPIN": ["SE"], "GRADIENT": ["GR"], "BOTH": ["SE", "GR"]}
"""EchoPulseSequence (PS3.3 C.8.13.4) as ScanningSequence (C.8.3.1)."""


def is_enhanced(dataset: Dataset) -> bool:
    """Whether this is a multi-frame MR or CT image with functional groups."""
    return str(dataset.get("SOPClassUID", "")) in CLASSIC_OF


def frames_of(header: Header) -> list[Header]:
    """The file itself if it is classic, else a Header for each of its frames.

    Raises UnsupportedScan for a file without a functional group for every frame.
    """
    if not is_enhanced(header.dataset):
        return [header]
    with reading(header.path, "DICOM"):
        count = int(header.dataset.get("NumberOfFrames") or 1)
        groups = header.dataset.get(GROUPS[1]) or []
        if len(groups) != count:
            found = f"{len(groups)} descriptions" if groups else "nothing of its frames"
            raise UnsupportedScan(
                f"{header.path}: {count} frames, and the header has {found} "
                f"({GROUPS[1]}); get the file again from its source"
            )
        common = _common(header.dataset)
        return [
            replace(
                header, dataset=_frame(common, header.dataset, number), frame=number, frames=count
            )
            for number in range(count)
        ]


def frame_dataset(dataset: Dataset, number: int) -> Dataset:
    """The attributes of frame `number`, from 0, under the names of a classic image."""
    return _frame(_common(dataset), dataset, number)


def _common(dataset: Dataset) -> Dataset:
    """What holds for every frame."""
    result = Dataset()
    for element in dataset:
        if element.keyword not in NOT_COPIED:
            result.add(element)
    _set(result, "SOPClassUID", CLASSIC_OF[str(dataset.SOPClassUID)])
    for item in dataset.get(GROUPS[0]) or []:
        _flatten(item, result)
    return result


def _frame(common: Dataset, dataset: Dataset, number: int) -> Dataset:
    result = Dataset()
    result.update(dict(common.items()))
    _flatten(dataset[GROUPS[1]].value[number], result)
    if result.SOPClassUID == MRImageStorage:
        _name_sequence(result)
    return result


def _name_sequence(result: Dataset) -> None:
    """Say in the classic words how an MR image was excited."""
    inverted = result.get("InversionRecovery") == "YES"
    sequence = list(SEQUENCES.get(str(result.get("EchoPulseSequence")), []))
    sequence += ["IR"] * inverted + ["EP"] * (result.get("EchoPlanarPulseSequence") == "YES")
    if sequence and "ScanningSequence" not in result:
        _set(result, "ScanningSequence", sequence)
    if not inverted and "InversionTime" in result:
        del result.InversionTime
    if result.get("InPlanePhaseEncodingDirection") == "COLUMN":
        _set(result, "InPlanePhaseEncodingDirection", "COL")


def _flatten(groups: Dataset, result: Dataset) -> None:
    for element in _elements(groups):
        keyword = element.keyword
        if keyword in CLASSIC_NUMBER:
            value = element.value if element.VM < 2 else element.value[0]
            if value is not None:
                _set(result, CLASSIC_NUMBER[keyword], format_number_as_ds(float(value)))
        elif keyword in CLASSIC_NAME:
            _set(result, CLASSIC_NAME[keyword], element.value)
        else:
            result.add(element)


def _set(result: Dataset, keyword: str, value: Any) -> None:
    """As a new element: the old one may belong to the file's own header too."""
    result.add_new(keyword, dictionary_VR(keyword), value)


def _elements(groups: Dataset) -> Iterator[Any]:
    """The attributes inside each functional group; vendors' own groups are left alone."""
    for group in groups:
        if group.VR != "SQ" or group.tag.is_private or not group.value:
            continue
        for element in group.value[0]:
            if element.keyword in NESTED and element.value:
                yield from element.value[0]
            else:
                yield element
