"""A scanner that makes awkward scans: classic DICOM series and NIfTI files, with known truth."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

TILT = np.radians(12)
ROW = np.array([1.0, 0.0, 0.0])
COLUMN = np.array([0.0, np.cos(TILT), np.sin(TILT)])
NORMAL = np.cross(ROW, COLUMN)
CORNER = np.array([-30.0, -20.5, 12.25])
PIXEL_MM = (1.25, 0.75)  # between rows, between columns
GAP_MM = 3.5
CANARY = "ZZPHI"


class Scanner:
    """Makes the slices of one series, to be spoilt by a test, and stores them as files."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self.folder = folder
        self.rng = rng

    def slices(
        self, count: int = 6, *, modality: str = "MR", bits: int = 12, signed: bool = False,
        shape: tuple[int, int] = (5, 7), **attributes: Any,
    ) -> list[Dataset]:  # fmt: skip
        """Slices in order along the normal; `shape` is rows and columns."""
        shared = _shared(modality) | attributes
        return [self._slice(k, shared, bits=bits, signed=signed, shape=shape) for k in range(count)]

    def _slice(
        self, k: int, shared: dict[str, Any], *, bits: int, signed: bool, shape: tuple[int, int]
    ) -> Dataset:
        dataset = Dataset()
        dataset.update(shared)
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[dataset.SeriesInstanceUID, str(k)])
        dataset.InstanceNumber = k + 1
        dataset.ImageOrientationPatient = [float(f"{v:.10f}") for v in (*ROW, *COLUMN)]
        dataset.ImagePositionPatient = [float(f"{v:.8f}") for v in CORNER + k * GAP_MM * NORMAL]
        dataset.PixelSpacing = list(PIXEL_MM)
        dataset.Rows, dataset.Columns = shape
        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits, bits - 1
        dataset.PixelRepresentation = int(signed)
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
        pixels = self.rng.integers(low, high, shape)
        pixels[0, :2] = low, high - 1
        dataset.PixelData = pixels.astype("<i2" if signed else "<u2").tobytes()
        return dataset

    def store(
        self, slices: Sequence[Dataset], to: str = "series", names: Sequence[str] = ()
    ) -> Path:
        """Write one file each into the folder `to` and return that."""
        folder = self.folder / to
        folder.mkdir(parents=True, exist_ok=True)
        for number, dataset in enumerate(slices):
            name = names[number] if names else f"{number:03d}.dcm"
            meta = FileMetaDataset()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            file = FileDataset(str(folder / name), dataset, b"\0" * 128, meta)
            file.save_as(folder / name, enforce_file_format=True)
        return folder


def _shared(modality: str) -> dict[str, Any]:
    scale = {"RescaleSlope": "1", "RescaleIntercept": "0"} if modality == "CT" else {}
    return scale | {
        "SOPClassUID": {"MR": MRImageStorage, "CT": CTImageStorage}[modality],
        "StudyInstanceUID": "2.25.1",
        "SeriesInstanceUID": "2.25.2",
        "FrameOfReferenceUID": "2.25.3",
        "Modality": modality,
        "PatientName": f"{CANARY}^Name",
        "PatientID": f"{CANARY}id",
        "PatientBirthDate": "19991231",
        "AccessionNumber": f"{CANARY}acc",
        "SeriesDescription": f"{CANARY} series",
        "SeriesNumber": 7,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "SliceThickness": 3,
    }


@pytest.fixture
def scanner(tmp_path: Path, rng: np.random.Generator) -> Scanner:
    """A Scanner that stores below tmp_path / "in"."""
    return Scanner(tmp_path / "in", rng)


@pytest.fixture
def nifti_file(tmp_path: Path, rng: np.random.Generator) -> Callable[..., Path]:
    """Make tmp_path / "in" / name, voxels random, affine oblique; header fields may be spoilt."""

    def make(
        name: str = "scan.nii.gz", *, dtype: str = "<i2", shape: tuple[int, ...] = (6, 5, 4),
        data: Any = None, affine: Any = None, **fields: Any,
    ) -> Path:  # fmt: skip
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            data = rng.integers(0, 200, shape).astype(dtype)
        if affine is None:
            affine = np.eye(4)
            affine[:3, :3] = np.stack([ROW, COLUMN, NORMAL], axis=1) * [0.9, 1.1, 2.5]
            affine[:3, 3] = CORNER
        image = nibabel.Nifti1Image(data, affine)
        image.header.set_xyzt_units("mm")
        image.set_qform(affine, code=1)
        image.header.set_slope_inter(fields.pop("slope", 1), fields.pop("inter", 0))
        image.to_filename(path)
        return _spoil(path, fields)

    return make


def _spoil(path: Path, fields: dict[str, Any]) -> Path:
    """Overwrite fields of the header in the file, without nibabel's repairs."""
    if not fields:
        return path
    opened = nibabel.openers.Opener
    with opened(str(path)) as stream:
        content = stream.read()
    header = nibabel.Nifti1Header(content[:348], check=False)
    for key, value in fields.items():
        header[key] = value
    with opened(str(path), "wb") as stream:
        stream.write(header.binaryblock + content[348:])
    return path
