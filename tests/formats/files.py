"""Small scans of every format of single files, with known voxels and place."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import SimpleITK

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def oblique(spacing: tuple[float, float, float] = (0.9, 1.1, 2.5)) -> Any:
    """A place turned about two axes."""
    tilt, turn = np.radians(12), np.radians(20)
    about_x = [[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]]
    about_z = [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]]
    affine = np.eye(4)
    affine[:3, :3] = np.array(about_x) @ about_z * np.array(spacing)
    affine[:3, 3] = -30, -20.5, 12.25
    return affine


def itk(path: Path, data: Any, affine: Any, *, listed: bool = False, **keys: str) -> Path:
    """By SimpleITK; `data` is (x, y, z) or (x, y, z, volume), `affine` RAS+."""
    array = data.transpose()
    if listed:
        array = np.moveaxis(array, 0, -1)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(array), isVector=listed)
    lps, size = LPS @ affine, image.GetDimension()
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    turn = np.eye(size)
    turn[:3, :3] = lps[:3, :3] / spacing
    image.SetDirection(turn.ravel().tolist())
    image.SetSpacing([*spacing, 2.5][:size])
    image.SetOrigin([*lps[:3, 3], 0.0][:size])
    for key, value in keys.items():
        image.SetMetaData(key, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    SimpleITK.WriteImage(image, str(path))
    return path


def mgh(path: Path, data: Any, affine: Any, *, repetition_ms: float = 2300.0) -> Path:
    """By nibabel, with times behind the voxels."""
    image = nibabel.MGHImage(data, affine)
    image.header["tr"], image.header["te"] = repetition_ms, 3.2
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


def pair(path: Path, data: Any, affine: Any) -> Path:
    """A NIfTI pair by nibabel: `path` is the .hdr."""
    image = nibabel.Nifti1Pair(data, affine)
    image.set_sform(affine, 1)
    image.set_qform(affine, 1)
    image.header.set_xyzt_units("mm")
    path.parent.mkdir(parents=True, exist_ok=True)
    image.to_filename(path)
    return path


def unpacked(path: Path) -> bytes:
    """The content, whether it is packed or not."""
    content = path.read_bytes()
    return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
