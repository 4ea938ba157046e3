"""A Volume as a derived DICOM series in the study of its source."""

from __future__ import annotations

import hashlib
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from medddim.errors import WriteRefused
from medddim.formats.atomic import new_folder
from medddim.formats.contract import Derivation
from medddim.formats.dicom.derive import derivation_text, derived_header, derived_uid, facts_of
from medddim.formats.dicom.pixels import describe_pixels, pixels_like
from medddim.formats.dicom.placement import placements
from medddim.formats.dicom.read import DicomSource
from medddim.formats.guard import quiet
from medddim.formats.quantise import log_clipped
from medddim.volume import Volume

IMPLEMENTATION_UID = derived_uid("medddim implementation")


def write_series(
    volume: Volume, destination: Path, *, name: str, derivation: Derivation
) -> tuple[Path, ...]:
    """Write the folder `name`, whole or not at all; return its files in order along the normal.

    Identifiers follow from the source, the derivation and the voxels: the same result written
    twice is one series to an archive. Raises WriteRefused.
    """
    source = volume.source
    if not isinstance(source, DicomSource) or volume.channels != 1:
        raise WriteRefused(f"a DICOM series needs one channel, found {volume.channels}")
    folder = destination / name
    with quiet(), disable_value_validation():  # values of the source are handed on as they are
        slices = _slices(volume, source, derivation, folder)
        with new_folder(folder) as partial:
            for number, slice_ in enumerate(slices, 1):
                _save(slice_, partial / f"{number:04d}.dcm")
    return tuple(folder / f"{number:04d}.dcm" for number in range(1, len(slices) + 1))


def _slices(
    volume: Volume, source: DicomSource, derivation: Derivation, folder: Path
) -> list[Dataset]:
    pixels = pixels_like(volume, source)
    log_clipped(pixels.clipped, volume.voxels.size, folder)
    ours = _version()
    text = derivation_text(derivation, ours, pixels.clipped)
    digest = hashlib.sha256(pixels.stored.tobytes() + volume.affine.tobytes()).hexdigest()
    series_uid = derived_uid(*facts_of(source, derivation), digest)
    rescaled = any("RescaleSlope" in header for header in source.headers)
    now = datetime.now()
    result = []
    for number, place in enumerate(placements(volume, source), 1):
        header = derived_header(
            source, place, kind=derivation.kind, text=text, version=ours, now=now
        )
        header.SeriesInstanceUID = series_uid
        header.SOPInstanceUID = derived_uid(series_uid, str(number))
        header.InstanceNumber = number
        describe_pixels(header, pixels, place.index, rescaled=rescaled)
        result.append(header)
    return result


def _version() -> str:
    try:
        return version("medddim")
    except PackageNotFoundError:  # a source tree that was never installed
        return "unknown"


def _save(header: Dataset, path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "MEDDDIM"
    file = FileDataset(str(path), header, preamble=b"\0" * 128, file_meta=meta)
    file.save_as(path, enforce_file_format=True)
