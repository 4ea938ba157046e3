"""Write a result, or a map beside it, in the format of the scan it was made from."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from medddim.errors import WriteRefused
from medddim.formats.beside import QUANTITIES, file_ending, format_of, map_name
from medddim.formats.contract import Derivation, Quantity, Written
from medddim.formats.naming import require_file_name
from medddim.formats.table import FORMATS, named
from medddim.taken import as_path, as_volume
from medddim.volume import Volume

PROCESSED = Derivation("derived", "Processed with medddim")
"""What is recorded of a result whose maker says nothing."""
MADE_BY_CODE = ".nii.gz"
"""What the file of a volume ends in that was not read from one."""


def write(
    volume: Volume | Any,
    destination: Path | str,
    *,
    like: Volume | Any | None = None,
    name: str = "",
    derivation: Derivation | None = None,
) -> Written:
    """Write `volume` as `name` below the folder `destination`; return the files written.

    Name, format, header and stored type are those of the scan `like`, by default of the one
    `volume` was read from; a volume made by code needs a name and becomes a float32 NIfTI file.
    Both scans may be paths or images of other libraries, too (`medddim.taken`), and `destination`
    the name of the file itself, if its ending is that of the scan. What is recorded of its making
    is `derivation`, by default what the volume itself carries. Warns of voxels beyond what the
    stored type can hold. Raises WriteRefused if the result exists, holds voxels that are not finite
    (those of the source come back anyway), or is a map.
    """
    place = as_path(destination, "the folder to write to")
    volume = as_volume(volume)
    placed = volume if like is None else replace(volume, source=(like := as_volume(like)).source)
    if file_ending(place) and not name and not place.is_dir():
        place, name = _folder_and_name(place, placed)
    name = name or (like or volume).name
    stated = derivation or volume.derivation or PROCESSED
    _require_result(volume, name, stated)
    format = named(getattr(placed.source, "format", FORMATS[0].name))
    written = format.write(placed, place, name=name, derivation=with_repairs(stated, placed))
    if written.clipped:
        clipped = f"{written.clipped} of {volume.voxels.size} voxels"
        warnings.warn(f"{name}: {clipped} clipped to the stored range", stacklevel=2)
    return written


def _folder_and_name(file: Path, scan: Volume) -> tuple[Path, str]:
    """Where a result goes that is to be this file. Raises WriteRefused for another ending."""
    if scan.source is not None and not hasattr(scan.source, "ending"):
        raise WriteRefused(
            f"expected a folder, for a DICOM result is one, found {file}; for another format save "
            "volume.to_nibabel() or volume.to_sitk()"
        )
    ending = getattr(scan.source, "ending", MADE_BY_CODE)
    if file_ending(file) != ending:
        raise WriteRefused(
            f"expected a folder, or a name that ends in {ending}, as that of the scan, found "
            f"{file}; for another format save volume.to_nibabel() or volume.to_sitk()"
        )
    return file.parent, file.name.removesuffix(ending)


def _require_result(volume: Volume, name: str, stated: Derivation) -> None:
    if stated.kind in QUANTITIES:
        raise WriteRefused(
            f"expected a scan, found a map of its {stated.kind}: write it beside its result, "
            f'write_map(..., of=written, quantity="{stated.kind}")'
        )
    if not name:
        raise WriteRefused("a volume made by code needs a name: write(..., name=...)")
    require_file_name(name)
    wrong = int(np.count_nonzero(~np.isfinite(volume.voxels)))
    if wrong:
        raise WriteRefused(
            f"{name}: {wrong} voxels of the result are not finite numbers; replace them first"
        )


def write_map(
    values: Volume | Any,
    destination: Path | str,
    *,
    of: Sequence[Path | str] | Path | str,
    quantity: Quantity,
) -> Written:
    """Write a map that belongs to the result whose files are `of`, below `destination`.

    `values`, whatever `medddim.taken` takes, lies on the grid of that result, in its unit. Beside a
    DICOM series it becomes a float32 Parametric Map, beside any other a float32 file of the same
    format, named like the result with + and the `quantity` behind it. Raises GridMismatch, and
    WriteRefused if it is there already.
    """
    folder = as_path(destination, "the folder to write to")
    files = [of] if isinstance(of, str | PathLike) else of
    written = [as_path(file, "a file of the result") for file in files]
    format, result = format_of(written[0])
    name = map_name(result, quantity)
    return format.write_map(as_volume(values), folder, name=name, of=written, quantity=quantity)


def with_repairs(derivation: Derivation, volume: Volume) -> Derivation:
    """Whatever was repaired at reading is part of how the result came about."""
    repairs = getattr(volume.source, "repairs", ())
    if not repairs:
        return derivation
    return replace(derivation, parameters=derivation.parameters | {"repairs": "; ".join(repairs)})
