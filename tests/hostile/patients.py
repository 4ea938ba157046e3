"""Scans of a patient who must not be found again: a canary wherever a header has room for one."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from nibabel.nifti1 import Nifti1Extension
from pydicom.datadict import DicomDictionary
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from medddim.formats import guard
from tests import studies

CANARY = "ZZPHI"
BIRTHDAY = "19470813"
CLOCK = "031742.123"
NUMBER = "2.25.77665544332211"
CANARIES = (CANARY, BIRTHDAY, "031742", "77665544332211")
"""Text, a date, a time, an identifier."""

VALUES = {
    "PN": f"{CANARY}^Given", "LO": f"{CANARY} lo", "SH": CANARY, "ST": f"{CANARY} st",
    "LT": f"{CANARY} lt", "UT": f"{CANARY} ut", "UC": f"{CANARY} uc", "UR": f"urn:{CANARY}",
    "AE": CANARY, "DA": BIRTHDAY, "TM": CLOCK, "DT": BIRTHDAY + CLOCK,
}  # fmt: skip
GROUPS = {0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0032, 0x0038, 0x0040}
OWN_UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


def dicom(folder: Path, name: str = "series") -> Path:
    """A series of four slices with a canary in every attribute of these groups that takes one."""
    target = studies.dicom(folder, name)
    with guard.quiet():  # not all of it is as the standard wants it
        _mark(sorted(target.iterdir()), name)
    return target


def _mark(paths: list[Path], name: str) -> None:
    for number, path in enumerate(paths):
        dataset = pydicom.dcmread(path)
        _fill(dataset)
        item = Dataset()
        _fill(item)
        dataset.RequestAttributesSequence = Sequence([item])
        for keyword in OWN_UIDS:
            setattr(dataset, keyword, f"{NUMBER}.{OWN_UIDS.index(keyword) + 1}{len(name)}")
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = (
            f"{NUMBER}.9{len(name)}{number}"
        )
        block = dataset.private_block(0x0009, CANARY, create=True)
        block.add_new(1, "LO", f"{CANARY} private")
        block.add_new(2, "UN", CANARY.encode())
        dataset.file_meta.SourceApplicationEntityTitle = CANARY
        dataset.file_meta.PrivateInformationCreatorUID = f"{NUMBER}.8"
        dataset.file_meta.PrivateInformation = CANARY.encode() + b"\0"
        dataset.preamble = CANARY.encode().ljust(128, b"\0")
        dataset.save_as(path)


def _fill(dataset: Dataset) -> None:
    for tag, (representation, many, _, retired, keyword) in DicomDictionary.items():
        group, element = tag >> 16, tag & 0xFFFF
        if group not in GROUPS or not keyword or retired or element in (0, 1, 5):
            continue
        if representation in VALUES and many in ("1", "1-n"):
            setattr(dataset, keyword, VALUES[representation])


def nifti(folder: Path, name: str = "scan.nii.gz") -> Path:
    """A file with a canary in each text of its header, in an extension and in its sidecar."""
    folder.mkdir(parents=True, exist_ok=True)
    affine = np.diag([1.0, 1.0, 3.0, 1.0])
    voxels = np.random.default_rng(0).integers(0, 900, (24, 22, 5)).astype(np.int16)
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=1)
    for key in ("descrip", "aux_file", "db_name", "data_type"):
        image.header[key] = CANARY.encode()
    image.header.extensions.append(Nifti1Extension(6, f"{CANARY} comment".encode()))
    image.to_filename(folder / name)
    sidecar = {"Modality": "MR", "PatientName": CANARY, "AcquisitionTime": CLOCK}
    (folder / f"{name.split('.')[0]}.json").write_text(json.dumps(sidecar))
    return folder / name
