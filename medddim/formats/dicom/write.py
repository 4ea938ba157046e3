"""A Volume as a derived DICOM series in the study of its source."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path

from pydicom.config import disable_value_validation
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from medddim import __version__
from medddim.errors import WriteRefused
from medddim.formats.atomic import new_folder
from medddim.formats.contract import Derivation, Written
from medddim.formats.dicom.derive import Provenance, derivation_text, derived_header
from medddim.formats.dicom.pixels import Pixels, describe_pixels, pixels_like
from medddim.formats.dicom.placement import is_same_grid, placements
from medddim.formats.dicom.read import DicomSource
from medddim.formats.dicom.uids import derived_uid, instance_uid, is_owned, series_uid
from medddim.formats.guard import quiet
from medddim.formats.quantise import said_of_clipped, too_coarse
from medddim.volume import Volume

log = logging.getLogger(__name__)

IMPLEMENTATION_UID = derived_uid("medddim implementation")
COARSE = "rounded to the integers of the source, whose steps are coarser than half its noise"
KEPT_UIDS = ("StudyInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID")


def write_series(
    volume: Volume, destination: Path, *, name: str, derivation: Derivation
) -> Written:
    """Write the folder `name`, whole or not at all; return its files in order along the normal.

    Identifiers follow from the source, the derivation and the voxels: the same result written
    twice is one series to an archive. Raises WriteRefused.
    """
    source = volume.source
    if not isinstance(source, DicomSource):
        raise WriteRefused("a DICOM series can only be written like the one it came from")
    if volume.channels != source.channels:
        raise WriteRefused(
            f"a DICOM series like its source needs {source.channels} stacks of slices, found "
            f"{volume.channels}"
        )
    folder = destination / name
    _warn_of_unowned(source, folder)
    with quiet(), disable_value_validation():  # values of the source are handed on as they are
        pixels = pixels_like(volume, source)
        slices = _slices(volume, source, pixels, derivation)
        with new_folder(folder) as partial:
            for number, slice_ in enumerate(slices, 1):
                _save(slice_, partial / f"{number:04d}.dcm")
    files = (folder / f"{number:04d}.dcm" for number in range(1, len(slices) + 1))
    notes = [COARSE] if too_coarse(pixels.scale[0], volume, derivation) else []
    if pixels.clipped:
        slope, intercept = pixels.scale
        notes += [said_of_clipped(volume.voxels, source.dtype, slope=slope, intercept=intercept)]
    return Written(files, clipped=pixels.clipped, notes=notes)


def _slices(
    volume: Volume, source: DicomSource, pixels: Pixels, derivation: Derivation
) -> list[Dataset]:
    provenance = _provenance(volume, source, pixels, derivation)
    rescaled = any("RescaleSlope" in header for header in source.headers)
    slices = []
    made_mm = derivation.parameters.get("thickness_mm")
    for place in placements(volume, source, thickness_mm=made_mm):
        header = derived_header(source, place, provenance)
        describe_pixels(header, pixels, place.index, rescaled=rescaled)
        slices.append(header)
    series = series_uid(source, derivation, slices)
    for number, header in enumerate(slices, 1):
        header.SeriesInstanceUID = series
        header.SOPInstanceUID = instance_uid(series, number)
        header.InstanceNumber = number
    return slices


def _provenance(
    volume: Volume, source: DicomSource, pixels: Pixels, derivation: Derivation
) -> Provenance:
    remarks = []
    thickness = source.headers[0].get("SliceThickness")
    if thickness and not is_same_grid(volume, source):
        remarks.append(f"Slices of the source: {float(thickness):g} mm thick.")
    if pixels.clipped:
        remarks.append(f"{pixels.clipped} voxels clipped to the stored range.")
    if too_coarse(pixels.scale[0], volume, derivation):
        remarks.append(f"{COARSE.capitalize()}.")
    software = [__version__]
    if "model" in derivation.parameters:
        model = [str(derivation.parameters.get(key, ""))[:20] for key in ("model", "model_sha256")]
        software.append(" ".join(model).strip())
    text = derivation_text(derivation, __version__, remarks)
    return Provenance(derivation.kind, text, tuple(software), datetime.now(UTC), source.part)


def _warn_of_unowned(source: DicomSource, folder: Path) -> None:
    uids = {str(header.get(key) or "") for header in source.headers for key in KEPT_UIDS}
    if not all(map(is_owned, uids - {""})):
        log.warning(
            "%s: the source has a UID of the study, of an image or of its space that no one can "
            "have issued; the result has its own in their place and names no such source image",
            folder,
        )


def _save(header: Dataset, path: Path) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = IMPLEMENTATION_UID
    meta.ImplementationVersionName = "MEDDDIM"
    file = FileDataset(str(path), header, preamble=b"\0" * 128, file_meta=meta)
    file.save_as(path, enforce_file_format=True)
