"""Classic slices put into one enhanced multi-frame file, as a scanner of today would store them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

PER_SLICE = (
    "SOPInstanceUID", "InstanceNumber", "ImageOrientationPatient", "ImagePositionPatient",
    "PixelSpacing", "SliceThickness", "PixelData", "EchoTime", "ImageType", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "TemporalPositionIdentifier", "DiffusionBValue",
    "DiffusionGradientOrientation", "DiffusionDirectionality", "InversionTime", "FlipAngle",
    "TriggerTime", "AcquisitionNumber", "AcquisitionTime", "NominalPercentageOfCardiacPhase",
    "DimensionIndexValues", "TemporalPositionTimeOffset",
)  # fmt: skip

IN_GROUPS = {
    "InversionTime": ("MRModifierSequence", "InversionTimes"),
    "FlipAngle": ("MRTimingAndRelatedParametersSequence", "FlipAngle"),
    "TemporalPositionTimeOffset": ("TemporalPositionSequence", "TemporalPositionTimeOffset"),
    "TriggerTime": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
    "NominalPercentageOfCardiacPhase": (
        "CardiacSynchronizationSequence",
        "NominalPercentageOfCardiacPhase",
    ),
}
"""Where an enhanced image keeps what a classic one has at its top."""


def store(slices: Sequence[Dataset], path: Path, *, numbered: bool = False) -> Dataset:
    """Write the slices as the frames of one file, in the order given; return what was written."""
    first = slices[0]
    dataset = Dataset()
    for element in first:
        if element.keyword not in PER_SLICE:
            dataset.add(element)
    if numbered:
        dataset.InstanceNumber = first.InstanceNumber
    ct = first.Modality == "CT"
    dataset.SOPClassUID = EnhancedCTImageStorage if ct else EnhancedMRImageStorage
    dataset.SOPInstanceUID = generate_uid(entropy_srcs=[first.SOPInstanceUID, path.name])
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.NumberOfFrames = len(slices)
    dataset.SharedFunctionalGroupsSequence = [_shared(first)]
    dataset.PerFrameFunctionalGroupsSequence = [_frame(one, ct=ct) for one in slices]
    dataset.PixelData = b"".join(one.PixelData for one in slices)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    path.parent.mkdir(parents=True, exist_ok=True)
    FileDataset(str(path), dataset, b"\0" * 128, meta).save_as(path, enforce_file_format=True)
    return dataset


def _shared(first: Dataset) -> Dataset:
    measures = _item(PixelSpacing=first.PixelSpacing, SliceThickness=first.SliceThickness)
    return _item(
        PixelMeasuresSequence=[measures],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=first.ImageOrientationPatient)],
    )


def _frame(one: Dataset, *, ct: bool) -> Dataset:
    position = [float(value) for value in np.array(one.ImagePositionPatient)]
    transformation = _item(
        RescaleSlope=one.get("RescaleSlope", 1),
        RescaleIntercept=one.get("RescaleIntercept", 0),
        RescaleType="HU" if ct else "US",
    )
    kind = _item(
        FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME"
    )
    if not ct:
        kind.ComplexImageComponent = one.get("ComplexImageComponent", "MAGNITUDE")
    frame = _item(
        FrameContentSequence=[_content(one)],
        PlanePositionSequence=[_item(ImagePositionPatient=position)],
        PixelValueTransformationSequence=[transformation],
    )
    setattr(frame, "CTImageFrameTypeSequence" if ct else "MRImageFrameTypeSequence", [kind])
    if "EchoTime" in one:
        frame.MREchoSequence = [_item(EffectiveEchoTime=float(one.EchoTime))]
    if "DiffusionBValue" in one:
        frame.MRDiffusionSequence = [_diffusion(one)]
    for keyword, (group, name) in IN_GROUPS.items():
        if keyword in one:
            setattr(frame, group, [_item(**{name: float(one[keyword].value)})])
    if "InversionTime" in one:
        frame.MRModifierSequence[0].InversionRecovery = "YES"
    return frame


def _content(one: Dataset) -> Dataset:
    content = _item(FrameAcquisitionNumber=int(one.get("AcquisitionNumber") or 1))
    if "AcquisitionTime" in one:
        content.FrameAcquisitionDateTime = f"20260102{one.AcquisitionTime}"
    if "DimensionIndexValues" in one:
        content.DimensionIndexValues = one.DimensionIndexValues
    if "TemporalPositionIdentifier" in one:
        content.TemporalPositionIndex = int(one.TemporalPositionIdentifier)
    return content


def _diffusion(one: Dataset) -> Dataset:
    item = _item(DiffusionBValue=float(one.DiffusionBValue))
    if "DiffusionDirectionality" in one:
        item.DiffusionDirectionality = one.DiffusionDirectionality
    if "DiffusionGradientOrientation" in one:
        direction = _item(DiffusionGradientOrientation=one.DiffusionGradientOrientation)
        item.DiffusionGradientDirectionSequence = [direction]
    return item


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    item.update(attributes)
    return item
