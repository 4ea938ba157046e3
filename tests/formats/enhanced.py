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
)  # fmt: skip


def store(slices: Sequence[Dataset], path: Path) -> Dataset:
    """Write the slices as the frames of one file, in the order given; return what was written."""
    first = slices[0]
    dataset = Dataset()
    for element in first:
        if element.keyword not in PER_SLICE:
            dataset.add(element)
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
    content = _item(FrameAcquisitionNumber=1)
    if "TemporalPositionIdentifier" in one:
        content.TemporalPositionIndex = int(one.TemporalPositionIdentifier)
    kind = _item(
        FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], PixelPresentation="MONOCHROME"
    )
    if not ct:
        kind.ComplexImageComponent = one.get("ComplexImageComponent", "MAGNITUDE")
    frame = _item(
        FrameContentSequence=[content],
        PlanePositionSequence=[_item(ImagePositionPatient=position)],
        PixelValueTransformationSequence=[transformation],
    )
    setattr(frame, "CTImageFrameTypeSequence" if ct else "MRImageFrameTypeSequence", [kind])
    if "EchoTime" in one:
        frame.MREchoSequence = [_item(EffectiveEchoTime=float(one.EchoTime))]
    if "DiffusionBValue" in one:
        frame.MRDiffusionSequence = [_item(DiffusionBValue=float(one.DiffusionBValue))]
    return frame


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    item.update(attributes)
    return item
