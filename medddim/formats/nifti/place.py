"""Where a NIfTI scan lies: its two affines, read by the letter of nifti1.h, and set anew.

nibabel refuses what the standard allows: a pixdim[0] of 0, which counts as 1, and a quaternion
whose length is above 1 by rounding.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
from nibabel.quaternions import quat2mat

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats.guard import require_sound_affine
from medddim.formats.nifti.fields import NiftiHeader
from medddim.volume import Affine

log = logging.getLogger(__name__)

MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # unknown, metre, mm, micron
ROUNDED = 1e-3
"""A squared length of a quaternion above 1 by so much is rounding: half a pixel in 1000."""
APART_MM = 1e-2
EPSILON = 6e-8
"""Half the distance of 1 and the next float32 number."""


def affine_mm(header: NiftiHeader, path: Path) -> Affine:
    """Voxel to world, RAS+ in mm: the sform if it has a code, else the qform.

    Raises UnsupportedScan if neither has one, UnreadableScan if it is not finite or singular.
    """
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    if sform <= 0 and qform <= 0:
        raise UnsupportedScan(
            f"{path}: the header places the scan nowhere (sform_code and qform_code are 0), so "
            "left and right are unknown; set one of them if you know the orientation"
        )
    affine = np.array(header.get_sform(), np.float64) if sform > 0 else qform_of(header, path)
    affine[:3] *= mm_per_unit(header, path)
    require_sound_affine(affine, path)
    return affine


def qform_of(header: NiftiHeader, path: Path) -> Affine:
    """The affine of the quaternion, in the header's unit (nifti1.h, method 2).

    Raises UnreadableScan for a quaternion that is none.
    """
    b, c, d = (float(header[key]) for key in ("quatern_b", "quatern_c", "quatern_d"))
    squared = b * b + c * c + d * d
    if not squared <= 1 + ROUNDED:  # not a number is neither
        raise UnreadableScan(
            f"{path}: the qform of the header is no rotation, and there is no sform"
        )
    length = max(squared, 1.0) ** 0.5
    turn = [max(1 - squared, 0.0) ** 0.5, b / length, c / length, d / length]
    zooms = np.array(header["pixdim"][1:4], np.float64)
    zooms[2] *= qfac_of(header)
    affine = np.eye(4)
    affine[:3, :3] = quat2mat(turn) * zooms
    affine[:3, 3] = [header[f"qoffset_{axis}"] for axis in "xyz"]
    return affine


def qfac_of(header: NiftiHeader) -> int:
    """1 or -1: pixdim[0], of which 0 counts as 1 (nifti1.h)."""
    return -1 if float(header["pixdim"][0]) < 0 else 1


def mm_per_unit(header: NiftiHeader, path: Path) -> float:
    """Millimetres in the header's unit of length; raises UnreadableScan if it is not one."""
    code = int(header["xyzt_units"]) & 7
    if code not in MM_PER_UNIT:
        raise UnreadableScan(f"{path}: unit of length {code} is not in the NIfTI standard")
    return MM_PER_UNIT[code]


def warn_of_two_places(header: NiftiHeader, path: Path) -> None:
    """Log it if sform and qform both claim to hold and differ; the sform is the one taken."""
    if min(int(header["sform_code"]), int(header["qform_code"])) <= 0:
        return
    try:
        apart = np.abs(header.get_sform() - qform_of(header, path)).max()
    except UnreadableScan:
        log.warning("%s: its qform is no rotation; the sform is taken", path)
        return
    if not apart < APART_MM:
        log.warning("%s: sform and qform differ by up to %.3g; the sform is taken", path, apart)


def repair(header: NiftiHeader) -> None:
    """Write out in a result what the source leaves to be understood, for readers that do not.

    A qform that is no rotation loses its code: the sform holds.
    """
    header["pixdim"][0] = qfac_of(header)
    quaternion = np.array([header[f"quatern_{axis}"] for axis in "bcd"], np.float64)
    length = float(np.linalg.norm(quaternion))
    if not length**2 <= 1 + ROUNDED:
        header["qform_code"] = 0
        quaternion = np.zeros(3)
    elif length <= 1:
        return
    else:  # half a turn, in float32 numbers: the length that is 1, or the next above
        turns = (np.float32(quaternion / length * (1 + k * EPSILON)) for k in range(9))
        wide = (np.asarray(turn, np.float64) for turn in turns)
        quaternion = next(turn for turn in wide if turn @ turn >= 1)
    for axis, value in zip("bcd", quaternion, strict=True):
        header[f"quatern_{axis}"] = value


def move(header: NiftiHeader, source_mm: Affine | None, affine_mm: Affine, path: Path) -> None:
    """Set both places anew, each by the change of the grid from one affine to another.

    A form without a code is set like the other, and so are both without a source; a form that
    cannot hold its place loses its code.
    """
    unit = mm_per_unit(header, path)
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    taken = affine_mm.copy()
    taken[:3] /= unit
    turned = taken
    if source_mm is not None and sform > 0 and qform > 0:
        turned = qform_of(header, path) @ np.linalg.solve(source_mm, affine_mm)
    spacing = np.linalg.norm(turned[:3, :3], axis=0)
    header.set_zooms((*spacing, *header.get_zooms()[3:])[: len(header.get_data_shape())])
    header.set_qform(turned, code=qform, strip_shears=True)
    lost = not np.allclose(header.get_qform(), turned, rtol=0, atol=1e-3)
    if lost:
        header["qform_code"] = 0
    if sform > 0 or lost:
        header.set_sform(taken, code=sform if sform > 0 else qform)
