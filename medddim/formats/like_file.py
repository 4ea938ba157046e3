"""A change to a scan that another library read, made as to the file it was read from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from medddim.errors import MedddimError
from medddim.formats import read
from medddim.formats.contract import Derivation
from medddim.formats.dicom.read import DicomSource
from medddim.formats.stored import FileSource
from medddim.formats.table import named
from medddim.volume import AFFINE_TOLERANCE_MM, Mask, Volume

ROUNDING = 1e-6
"""How far, as a share of the largest value, two libraries may differ about the same number."""

Change = Callable[[Volume], Volume]


@dataclass(frozen=True)
class Order:
    """The voxel axes of one scan in terms of another: which, and whether they run backwards."""

    axes: tuple[int, ...]
    backwards: tuple[bool, ...]

    @classmethod
    def of(cls, scan: Volume, like: Volume) -> Order | None:
        """How the axes of `scan` make those of `like`; None where no order does."""
        turn = np.linalg.inv(like.affine[:3, :3]) @ scan.affine[:3, :3]
        axes = tuple(int(axis) for axis in np.abs(turn).argmax(axis=1))
        if len(set(axes)) < 3:
            return None
        order = cls(axes, tuple(bool(turn[row, axis] < 0) for row, axis in enumerate(axes)))
        again = order.applied(scan)
        if again.voxels.shape != like.voxels.shape:
            return None
        corners = np.array([(x, y, z, 1) for x in (0, 1) for y in (0, 1) for z in (0, 1)]).T
        apart = (again.affine - like.affine) @ (corners * [[n] for n in (*like.shape, 1)])
        return order if np.abs(apart).max() <= AFFINE_TOLERANCE_MM else None

    def applied(self, scan: Volume) -> Volume:
        """The same scan, its voxels in this order."""
        steps = tuple(slice(None, None, -1 if back else 1) for back in self.backwards)
        turn = np.zeros((4, 4))
        turn[3, 3] = 1
        for new, (old, back) in enumerate(zip(self.axes, self.backwards, strict=True)):
            turn[old, new] = -1 if back else 1
            turn[old, 3] = scan.shape[old] - 1 if back else 0
        moved = scan.voxels.transpose(0, *(1 + axis for axis in self.axes))[(slice(None), *steps)]
        return replace(scan, voxels=moved, affine=scan.affine @ turn)

    @property
    def back(self) -> Order:
        """The order that undoes this one."""
        old = tuple(int(axis) for axis in np.argsort(self.axes))
        return Order(old, tuple(self.backwards[axis] for axis in old))


def like_file(scan: Volume, path: Path, change: Change) -> Volume:
    """What `change` makes of a scan read from `path`: the values that the command would store.

    If `scan` still has the voxels of that file, in whatever order of the axes, the file is read,
    changed, and rounded as in such a file; the answer has the order of `scan`. Else `scan` itself
    is changed, and nothing is rounded.
    """
    there = _there(path)
    order = None if there is None else Order.of(scan, there)
    if there is None or order is None or not _holds(order.applied(scan), there):
        return change(scan)
    if scan.modality:
        there = replace(there, modality=scan.modality, unit=scan.unit)
    answer = change(there)
    made = answer.derivation or Derivation("derived", "")
    values = named(there.source.format).as_written(answer, made)
    return replace(order.back.applied(answer.with_voxels(values)), source=None)


def _there(path: Path) -> Volume | None:
    """The one scan at this path; None if there is none, or none that is sound."""
    if not path.name or not path.exists():
        return None
    try:
        return read(path)
    except MedddimError:
        return None


def _holds(scan: Volume, there: Volume) -> bool:
    """Whether both have the same voxels, but for those that are none of the image."""
    apart = np.abs(scan.voxels - there.voxels)
    alike = apart <= ROUNDING * np.abs(there.voxels).max()
    return bool((alike | _outside(there)).all())


def _outside(there: Volume) -> Mask:
    """Voxels that reading has replaced: those that are not finite, and padding."""
    source: Any = there.source
    mask = np.zeros(there.voxels.shape, bool)
    if isinstance(source, FileSource):
        mask.reshape(-1)[source.nonfinite[0]] = True
    if isinstance(source, DicomSource):
        of_files = mask.transpose(0, 3, 2, 1).copy()
        of_files.reshape(-1)[source.padding[0]] = True
        mask = of_files.transpose(0, 3, 2, 1)
    return mask
