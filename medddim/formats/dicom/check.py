"""A derived series against its source: are its identifiers, its scale and its story right?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileDataset

from medddim.formats.contract import Derivation
from medddim.formats.dicom.derive import LONGEST_SHORT_TEXT, parameter_texts
from medddim.formats.dicom.files import values_of
from medddim.formats.dicom.read import DicomSource
from medddim.formats.dicom.uids import MAKER, instance_uid, is_owned, owned_uid, series_uid
from medddim.formats.guard import reading

ONE_OF_THE_SERIES = (
    "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "RescaleSlope", "RescaleIntercept",
    "PhotometricInterpretation", "BitsStored", "PixelRepresentation",
)  # fmt: skip
ORDER_SHOWN = (
    "EchoNumbers", "EchoTime", "DiffusionBValue", "DiffusionGradientOrientation", "InversionTime",
    "FlipAngle", "TemporalPositionIdentifier",
)  # fmt: skip
"""What tells volumes apart and is one for all slices of a volume, in source and result."""


def check_series(
    files: Sequence[Path], source: DicomSource, derivation: Derivation
) -> dict[str, str]:
    """The first thing wrong with the files of a written series, by topic; "" where nothing is.

    `files` are in the order in which they were written. Raises UnreadableScan.
    """
    datasets = [_whole(file) for file in files]
    checks = {
        "values": _scale(datasets, source),
        "order": _order(datasets, source),
        "identity": _identity(datasets, source, derivation),
        "provenance": _provenance(datasets, source, derivation),
    }
    return {topic: next(problems, "") for topic, problems in checks.items()}


def _whole(path: Path) -> FileDataset:
    with reading(path, "DICOM"):
        dataset = pydicom.dcmread(path)
        for element in dataset:  # converted when first looked at: here, where errors are caught
            _ = element.value
        return dataset


def _scale(datasets: list[FileDataset], source: DicomSource) -> Iterator[str]:
    for keyword in ONE_OF_THE_SERIES:
        if len({str(dataset.get(keyword)) for dataset in datasets}) > 1:
            yield f"{keyword} differs between its files; expected one value for the series"
    for keyword in ("PhotometricInterpretation", "Modality"):
        if datasets[0].get(keyword) != source.headers[0].get(keyword):
            yield f"{keyword} is not that of the source"


def _order(datasets: list[FileDataset], source: DicomSource) -> Iterator[str]:
    """Whether volume k of the result is made from volume k of the source, as acquired."""
    result_slices = len(datasets) // source.channels
    for number, dataset in enumerate(datasets):
        channel = number // max(result_slices, 1)
        first = min(channel, source.channels - 1) * source.shape[2]
        images = {image for one in source.slices[first : first + source.shape[2]] for image in one}
        where = f"slice {number + 1}: expected an image of volume {channel + 1} as acquired"
        named = {_named(item) for item in dataset.get("SourceImageSequence") or []}
        if not named <= {_named(source.origins[image]) for image in images}:
            yield f"{where}, it names an image of another volume as its source"
        headers = [source.headers[image] for image in images]
        for keyword in ORDER_SHOWN if source.channels > 1 else ():
            if dataset.get(keyword) not in [header.get(keyword) for header in headers]:
                yield f"{where}, its {keyword} is that of another one"


def _named(item: Dataset) -> tuple[str, str]:
    """The image, and the frame in it, that a reference names."""
    return (
        str(item.get("ReferencedSOPInstanceUID")),
        str(item.get("ReferencedFrameNumber") or ""),
    )


def _identity(
    datasets: list[FileDataset], source: DicomSource, derivation: Derivation
) -> Iterator[str]:
    expected = _kept_identity(source.headers[0])
    for number, dataset in enumerate(datasets, 1):
        if dataset.file_meta.MediaStorageSOPInstanceUID != dataset.SOPInstanceUID:
            yield f"slice {number}: the UID of the file is not that of the image in it"
        if dataset.get("InstanceNumber") != number:
            yield f"slice {number}: InstanceNumber does not count along the normal"
        for keyword, value in expected.items():
            if str(dataset.get(keyword) or "") != value:
                yield f"slice {number}: {keyword} is not that of the source"
    if len({dataset.SOPInstanceUID for dataset in datasets}) < len(datasets):
        yield "two slices carry one SOPInstanceUID"
    yield from _not_a_function(datasets, source, derivation)


def _kept_identity(header: Dataset) -> dict[str, str]:
    """What every slice must share with the source, for both to be found together."""
    study = str(header.get("StudyInstanceUID") or "")
    frame = str(header.get("FrameOfReferenceUID") or "")
    expected = {
        "SOPClassUID": str(header.SOPClassUID),
        "PatientID": str(header.get("PatientID") or ""),
        "StudyInstanceUID": str(owned_uid(study)),
    }
    return expected | ({"FrameOfReferenceUID": str(owned_uid(frame))} if frame else {})


def _not_a_function(
    datasets: list[FileDataset], source: DicomSource, derivation: Derivation
) -> Iterator[str]:
    """What makes two results of one content one series, and of two contents two, computed again."""
    series = series_uid(source, derivation, datasets)
    if datasets[0].SeriesInstanceUID != series:
        yield (
            "SeriesInstanceUID does not follow from the source, the recorded making, the places "
            "and the voxels: one of them was altered"
        )
    for number, dataset in enumerate(datasets, 1):
        if dataset.SOPInstanceUID != instance_uid(dataset.SeriesInstanceUID, number):
            yield f"slice {number}: SOPInstanceUID does not follow from the series and its number"


def _provenance(
    datasets: list[FileDataset], source: DicomSource, derivation: Derivation
) -> Iterator[str]:
    known = {_named(origin) for origin in source.origins}
    lossy = any(header.get("LossyImageCompression") == "01" for header in source.headers)
    for number, dataset in enumerate(datasets, 1):
        if values_of(dataset, "ImageType")[:2] != ["DERIVED", "SECONDARY"]:
            yield f"slice {number}: ImageType does not say DERIVED, SECONDARY"
        if not dataset.get("DerivationCodeSequence"):
            yield f"slice {number}: no DerivationCodeSequence"
        makers = [item.get("Manufacturer") for item in dataset.get("ContributingEquipmentSequence")
                  or []]  # fmt: skip
        if not makers or makers[-1] != MAKER:
            yield f"slice {number}: medddim is not named as contributing equipment"
        references = dataset.get("SourceImageSequence") or []
        named = {_named(item) for item in references}
        if not named <= known or (not named and all(is_owned(uid) for uid, _ in known)):
            yield f"slice {number}: it does not name images of its source"
        if lossy and dataset.get("LossyImageCompression") != "01":
            yield f"slice {number}: it does not tell of the lossy compression of its source"
        yield from _not_said(str(dataset.get("DerivationDescription") or ""), derivation, number)


def _not_said(text: str, derivation: Derivation, number: int) -> Iterator[str]:
    where = f"slice {number}: DerivationDescription"
    if not re.match(rf"{MAKER} \S+, {re.escape(derivation.kind)}: ", text):
        yield f"{where} does not begin with medddim, its version and {derivation.kind!r}"
    whole = len(text) < LONGEST_SHORT_TEXT - 30  # a longer one may have been cut
    for stated in parameter_texts(derivation):
        if whole and stated not in text:
            yield f"{where} does not say the recorded {stated.partition('=')[0]}"
