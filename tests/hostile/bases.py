"""Sound files to spoil: those that pydicom and nibabel bring for their own tests, and ours."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from tests.formats import files
from tests.formats.conftest import Scanner

PYDICOM = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm",
    "MR_small_expb.dcm", "MR_small_RLE.dcm", "MR_small_jp2klossless.dcm",
)  # fmt: skip
NIBABEL = ("standard.nii.gz", "anatomical.nii", "resampled_anat_moved.nii", "functional.nii")
COMPRESSED = {"j2k": JPEG2000Lossless, "jpegls": JPEGLSLossless, "rle": RLELossless}


@dataclass(frozen=True)
class Base:
    """A sound file: its name, its content (unpacked, if the name ends in .gz) and its header."""

    name: str
    content: bytes
    region: tuple[int, int]
    neighbours: tuple[Path, ...] = ()
    """Other slices of the same series."""


def dicom_bases(folder: Path) -> list[Base]:
    """Uncompressed and deflated ones, one of them in a series of three slices."""
    scanner = Scanner(folder, np.random.default_rng(1))
    slices = scanner.slices(3, shape=(12, 9), PatientComments="x" * 40)
    series = scanner.store(slices)
    first, *others = sorted(series.iterdir())
    padded = scanner.slices(1, modality="CT", signed=True, PixelPaddingValue=-2000)
    alone = scanner.store(padded, to="alone")
    bases = [_dicom(Path(str(get_testdata_file(name)))) for name in PYDICOM[:5]]
    bases += [_dicom(first, tuple(others)), _dicom(alone / "000.dcm"), _dicom(_deflated(first))]
    return bases


def compressed_bases(folder: Path) -> list[Base]:
    """Frames in RLE, JPEG-LS and JPEG 2000; here the pixels are spoilt as well."""
    paths = [Path(str(get_testdata_file(name))) for name in PYDICOM[5:]]
    paths += [compressed_file(folder, kind) for kind in COMPRESSED]
    bases = [_dicom(path) for path in paths]
    return [Base(one.name, one.content, (one.region[1], len(one.content))) for one in bases]


def compressed_file(folder: Path, kind: str) -> Path:
    """One slice of 40 rows and 36 columns."""
    (dataset,) = Scanner(folder, np.random.default_rng(2)).slices(1, shape=(40, 36))
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.compress(COMPRESSED[kind], generate_instance_uid=False)
    path = folder / f"{kind}.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path


def nifti_bases(folder: Path) -> list[Base]:
    """NIfTI-1 and -2, packed and not, 3D and 4D."""
    data = Path(nibabel.__file__).parent / "tests" / "data"
    paths = [data / name for name in NIBABEL]
    rng = np.random.default_rng(3)
    affine = np.diag([0.9, 1.1, 2.5, 1.0])
    for name, kind, dtype, shape in (
        ("a.nii", nibabel.Nifti1Image, np.int16, (6, 5, 4)),
        ("b.nii.gz", nibabel.Nifti1Image, np.float32, (6, 5, 4, 3)),
        ("c.nii.gz", nibabel.Nifti2Image, np.uint8, (6, 5, 4)),
    ):
        image = kind(rng.integers(0, 200, shape).astype(dtype), affine)
        image.set_sform(affine, code=1)
        image.to_filename(folder / name)
        paths.append(folder / name)
    return [_nifti(path) for path in paths]


def itk_bases(folder: Path) -> list[Base]:
    """MetaImage and NRRD: 3D, 4D along an axis and in a list, packed voxels."""
    voxels = np.random.default_rng(4).integers(0, 200, (6, 5, 4)).astype(np.int16)
    several = np.stack([voxels, voxels + 1], axis=-1)
    paths = [
        files.itk(folder / f"{name}{ending}", data, files.oblique(), listed=name == "list")
        for ending in (".mha", ".nrrd")
        for name, data in (("one", voxels), ("list", several), ("four", several))
    ]
    contents = [(path, path.read_bytes()) for path in paths]
    return [Base(path.name, one, (0, len(one) - 100)) for path, one in contents]


def mgh_bases(folder: Path) -> list[Base]:
    """MGH: 3D and 4D."""
    voxels = np.random.default_rng(4).integers(0, 200, (6, 5, 4)).astype(np.int16)
    several = np.stack([voxels, voxels + 1], axis=-1)
    paths = [
        files.mgh(folder / name, data, files.oblique())
        for name, data in (("a.mgh", voxels), ("b.mgh", several))
    ]
    return [Base(path.name, path.read_bytes(), (0, 100)) for path in paths]


def _dicom(path: Path, neighbours: tuple[Path, ...] = ()) -> Base:
    content = path.read_bytes()
    pixels = content.rfind(b"\xe0\x7f\x10\x00")
    end = pixels + 12 if pixels > 0 else len(content)
    return Base(path.name, content, (128, end), neighbours)


def _deflated(path: Path) -> Path:
    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    target = path.parent.parent / "deflated.dcm"
    dataset.save_as(target)
    return target


def _nifti(path: Path) -> Base:
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    header = 352 if content[0] in (92, 1, 0) and content[:4] != b"\x1c\x02\0\0" else 544
    return Base(path.name, content, (0, header))
