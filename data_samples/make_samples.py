"""Make the sample scans of this folder again: a head of ellipsoids, by numpy, nothing else in it.

Usage: python data_samples/make_samples.py [FOLDER]
"""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

SEED = 20261123
NOISE = 0.05  # sigma, as a share of the brightest tissue
TILT = np.radians(12.0)
SLICES, SLICE_MM, PIXEL_MM = 12, 5.0, 3.0

# centre and half axes in mm (right, anterior, superior), and the signal added inside
ELLIPSOIDS = (
    ((0, 0, 0), (72, 88, 80), 400.0),  # scalp
    ((0, 0, 0), (67, 83, 75), -320.0),  # skull
    ((0, 0, 2), (63, 78, 70), 520.0),  # grey matter
    ((-26, 4, 6), (30, 58, 46), 240.0),  # white matter, left
    ((26, 4, 6), (30, 58, 46), 240.0),  # white matter, right
    ((-12, 6, 10), (6, 26, 12), -560.0),  # ventricle, left
    ((12, 6, 10), (6, 26, 12), -560.0),  # ventricle, right
    ((34, -24, 18), (7, 7, 7), 260.0),  # a lesion, to lose or to keep
    ((-40, 30, 22), (2, 20, 2), -180.0),  # a vessel
)


def rotation() -> npt.NDArray[np.float64]:
    """The head is tilted by 12 degrees about the left-right axis, so that the affine is oblique."""
    c, s = np.cos(TILT), np.sin(TILT)
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def affine(shape: tuple[int, ...], spacing_mm: tuple[float, ...]) -> npt.NDArray[np.float64]:
    """Voxel to world, RAS+ in mm, the middle of the grid at the world's origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = rotation() @ np.diag(spacing_mm)
    matrix[:3, 3] = -matrix[:3, :3] @ ((np.array(shape) - 1) / 2)
    return matrix


def head(shape: tuple[int, ...], matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The signal at each voxel centre, edges softened over about 2 mm as a scanner would."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    world = index @ matrix[:3, :3].T + matrix[:3, 3]
    signal = np.zeros(shape)
    for centre, half_axes, added in ELLIPSOIDS:
        radius = np.linalg.norm((world - centre) / half_axes, axis=-1)
        inside_mm = (1 - radius) * min(half_axes)
        signal += added * np.clip(inside_mm / 2 + 0.5, 0, 1)
    return np.clip(signal, 0, None)


def rician(signal: npt.NDArray[np.float64], seed: int) -> npt.NDArray[np.float64]:
    """The magnitude of the signal with complex Gaussian noise."""
    draw = np.random.default_rng(seed).normal(size=(2, *signal.shape)) * NOISE * signal.max()
    return np.asarray(np.hypot(signal + draw[0], draw[1]))


def make_nifti(folder: Path) -> None:
    """phantom_mr.nii.gz, 64 x 64 x 36, and the same without noise."""
    shape, spacing_mm = (64, 64, 36), (3.0, 3.0, 4.5)
    matrix = affine(shape, spacing_mm)
    clean = head(shape, matrix)
    for name, signal in (("phantom_mr", rician(clean, SEED)), ("phantom_mr_clean", clean)):
        image = nibabel.Nifti1Image(np.rint(signal).astype(np.int16), matrix)
        image.header.set_xyzt_units("mm")
        image.set_sform(matrix, code=1)
        image.set_qform(matrix, code=1)
        image.header["descrip"] = b"medddim sample, made by numpy, CC0"
        nibabel.save(image, folder / f"{name}.nii.gz")


def make_dicom(folder: Path) -> None:
    """phantom_mr_dicom/, 12 slices of 64 x 64, numbered from the top, unlike their positions."""
    shape = (64, 64, SLICES)
    matrix = affine(shape, (-PIXEL_MM, -PIXEL_MM, SLICE_MM))  # LPS: columns to the left, rows back
    stored = np.rint(rician(head(shape, matrix), SEED + 1)).astype(np.uint16)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ matrix
    (folder / "phantom_mr_dicom").mkdir(parents=True, exist_ok=True)
    for k in range(SLICES):
        dataset = slice_header(lps, k)
        dataset.PixelData = stored[:, :, k].T.tobytes()
        path = folder / "phantom_mr_dicom" / f"IM{dataset.InstanceNumber:04d}.dcm"
        dataset.save_as(path, enforce_file_format=True)


def uid(name: str) -> str:
    """A UID that is always the same."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, f'medddim sample {name}').int}"


def slice_header(lps: npt.NDArray[np.float64], k: int) -> FileDataset:
    """Everything but the pixels of slice `k`."""
    dataset = FileDataset("", {}, preamble=b"\0" * 128, file_meta=FileMetaDataset())
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    values: dict[str, Any] = {
        "SOPClassUID": MRImageStorage, "SOPInstanceUID": uid(f"slice {k}"),
        "StudyInstanceUID": uid("study"), "SeriesInstanceUID": uid("series"),
        "FrameOfReferenceUID": uid("frame"), "Modality": "MR",
        "PatientName": "Phantom^Numpy", "PatientID": "PHANTOM", "PatientBirthDate": "",
        "PatientSex": "O", "StudyDate": "20261123", "StudyTime": "120000", "StudyID": "1",
        "AccessionNumber": "", "ReferringPhysicianName": "", "SeriesNumber": 1,
        "SeriesDescription": "phantom T1", "Manufacturer": "medddim",
        "BodyPartExamined": "HEAD",
        "PatientPosition": "HFS", "PositionReferenceIndicator": "",
        "ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "ScanningSequence": "GR",
        "SequenceVariant": "SP", "ScanOptions": "", "MRAcquisitionType": "2D",
        "RepetitionTime": 500, "EchoTime": 10, "EchoTrainLength": 1, "FlipAngle": 70,
        "MagneticFieldStrength": 3, "EchoNumbers": 1, "AcquisitionNumber": 1,
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": 64,
        "Columns": 64, "BitsAllocated": 16, "BitsStored": 12, "HighBit": 11,
        "PixelRepresentation": 0, "PixelSpacing": [PIXEL_MM, PIXEL_MM],
        "SliceThickness": SLICE_MM, "SpacingBetweenSlices": SLICE_MM,
        "InstanceNumber": SLICES - k,
    }  # fmt: skip
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    directions = lps[:3, :2] / PIXEL_MM
    dataset.ImageOrientationPatient = [f"{value:.10g}" for value in directions.T.reshape(-1)]
    dataset.ImagePositionPatient = [f"{value:.10g}" for value in lps[:3] @ [0, 0, k, 1]]
    return dataset


def make(folder: Path) -> None:
    """Every sample, into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    make_nifti(folder)
    make_dicom(folder)


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
