"""The answer to a scan that another library read from a file, as that file would hold it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from medddim.errors import ScanError
from medddim.formats.contract import Derivation
from medddim.formats.quantise import quantise
from medddim.formats.single_file import SingleFile
from medddim.formats.stored import Described, FileSource, physical, same_grid, to_store
from medddim.formats.table import FORMATS
from medddim.volume import Volume

NOTHING = (np.zeros(0, np.intp), np.zeros(0, np.float32))
STEPS = 1e-3
"""How far from the values of a file, in its steps, a scan may be and still be that file's."""


def like_file(answer: Volume, scan: Volume, path: Path) -> Volume:
    """The values that `medddim enhance` would store of the answer to `scan`, read from `path`.

    That is the answer itself, unless the file holds integers, of which `scan` still has the values
    and both have the grid: then they are rounded and clipped as in such a file.
    """
    described = _described(path)
    if described is None or described.dtype.kind not in "iu":
        return answer
    if not (same_grid(scan, described) and same_grid(answer, described)):
        return answer
    if not _holds(described, scan):
        return answer
    source = FileSource("", described, "", NOTHING)
    made = answer.derivation or Derivation("derived", "")
    stored, _, _ = to_store(replace(answer, source=None), source, made)
    if stored.dtype.kind == "f":
        return answer
    return answer.with_voxels(physical(stored, described.slope, described.intercept))


def _described(path: Path) -> Described | None:
    """The header of a scan in one file; None if it is none, or not sound."""
    kinds = (one for one in FORMATS if isinstance(one, SingleFile) and one.is_mine(path))
    kind = next(kinds, None)
    if kind is None or not path.is_file():
        return None
    try:
        return kind.describe(path)
    except ScanError:
        return None


def _holds(described: Described, scan: Volume) -> bool:
    """Whether the values of a scan are those of integers in the file, and not scaled since."""
    slope, intercept = described.slope, described.intercept
    stored, _ = quantise(scan.voxels, described.dtype.newbyteorder("="), slope=slope,
                         intercept=intercept)  # fmt: skip
    values = physical(stored, slope, intercept)
    return bool(np.allclose(values, scan.voxels, rtol=1e-6, atol=STEPS * abs(slope)))
