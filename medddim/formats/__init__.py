"""The formats of scans: find what is in a folder, read it to a Volume, write results like it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from medddim.errors import UnreadableScan, UnsupportedScan, WriteRefused
from medddim.formats.contract import Derivation, Format, Series
from medddim.formats.dicom import Dicom
from medddim.formats.naming import require_file_name, with_distinct_names
from medddim.formats.nifti import Nifti
from medddim.volume import Volume

__all__ = ["FORMATS", "Derivation", "Format", "Series", "find", "read", "write"]

FORMATS: tuple[Format, ...] = (Nifti(), Dicom())
"""Every format; a Volume without a source is written by the first."""


PROCESSED = Derivation("derived", "Processed with medddim")
"""What is recorded of a result whose maker says nothing."""


def find(*paths: Path | str) -> list[Series]:
    """Every series in these files and folders, with a verdict on each; names are distinct.

    A path that holds no scan adds nothing. Raises UnreadableScan for a path that does not exist.
    """
    unique = {series.files: series for path in paths for series in _found(Path(path))}
    return with_distinct_names(unique.values())


def read(scan: Series | Path | str) -> Volume:
    """The Volume of a series, or of a path that holds exactly one.

    Raises UnsupportedScan if the path holds none or several, and what Format.read raises.
    """
    series = scan if isinstance(scan, Series) else _only(Path(scan))
    return replace(_named(series.format).read(series), name=series.name)


def write(
    volume: Volume,
    destination: Path | str,
    *,
    like: Volume | None = None,
    name: str = "",
    derivation: Derivation = PROCESSED,
) -> tuple[Path, ...]:
    """Write `volume` as `name` below the folder `destination`; return the files written.

    Name, format, header and stored type are those of the scan `like`, by default of the one
    `volume` was read from; a volume made by code needs a name and becomes a float32 NIfTI file.
    Raises WriteRefused if the result exists, or holds voxels that are not finite (those of the
    source come back anyway).
    """
    name = name or (like or volume).name
    require_file_name(name)
    wrong = int(np.count_nonzero(~np.isfinite(volume.voxels)))
    if wrong:
        raise WriteRefused(f"{name}: {wrong} voxels of the result are not finite numbers")
    placed = volume if like is None else replace(volume, source=like.source)
    format = _named(getattr(placed.source, "format", FORMATS[0].name))
    return format.write(placed, Path(destination), name=name, derivation=derivation)


def _found(path: Path) -> Iterator[Series]:
    if not path.exists():
        raise UnreadableScan(f"{path}: no such file or folder")
    for format in FORMATS:
        yield from format.find(path)


def _only(path: Path) -> Series:
    series = find(path)
    if len(series) != 1:
        there = ", ".join(one.name for one in series[:10]) or "none"
        raise UnsupportedScan(
            f"{path}: expected exactly one series, found {len(series)} ({there}); "
            "name one file, or a folder with one series"
        )
    return series[0]


def _named(name: str) -> Format:
    return next(format for format in FORMATS if format.name == name)
