"""The formats of scans: find what is in a folder, read it to a Volume, write results like it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from medddim.errors import (
    EnvironmentProblem,
    ScanError,
    UnreadableScan,
    UnsupportedScan,
    WriteRefused,
)
from medddim.formats.agreement import disagreements
from medddim.formats.archive import Archive, is_zip
from medddim.formats.beside import QUANTITIES, is_map, map_name
from medddim.formats.contract import (
    Derivation,
    Format,
    OnGap,
    OnTilt,
    Quantity,
    Repair,
    Series,
    Written,
)
from medddim.formats.dicom import Dicom
from medddim.formats.naming import require_file_name, safe_name, with_distinct_names
from medddim.formats.nifti import Nifti
from medddim.formats.nifti.header import is_nifti
from medddim.formats.select import FACTS, Rule
from medddim.volume import Volume

__all__ = [
    "FORMATS",
    "Derivation",
    "Format",
    "Series",
    "check",
    "find",
    "read",
    "write",
    "write_map",
]

FORMATS: tuple[Format, ...] = (Nifti(), Dicom())
"""Every format; a Volume without a source is written by the first."""


ZIP = "zip"
"""The format of a Series that stands for a zip file which cannot be unpacked."""

PROCESSED = Derivation("derived", "Processed with medddim")
"""What is recorded of a result whose maker says nothing."""


def find(
    *paths: Path | str, select: str = "", on_gap: OnGap = "refuse", on_tilt: OnTilt = "refuse"
) -> list[Series]:
    """Every series in these folders, files, zip files and DICOMDIRs, with a verdict on each.

    Names are distinct. `select` is a rule such as "Modality=MR and SeriesDescription~T2" (see
    `formats.select`); a series whose header cannot be read stays in the list, with its refusal.
    `on_gap` and `on_tilt` say what may be mended (see `Repair`). A path that holds no scan adds
    nothing, nor does a map beside its result in a folder. Raises UnreadableScan for a path that
    does not exist, RequestProblem for a bad rule.
    """
    rule, repair = Rule.parse(select), Repair(on_gap, on_tilt)
    there = list(map(Path, paths))
    if lost := [path for path in there if not path.exists()]:
        raise UnreadableScan(f"{lost[0]}: no such file or folder")
    found = _found(there, repair)
    unique = {(tuple(map(Path.absolute, one.files)), one.part): one for one in found}
    named = with_distinct_names(unique.values())
    return [series for series in named if _chosen(series, rule)]


def read(
    scan: Series | Path | str, *, on_gap: OnGap = "refuse", on_tilt: OnTilt = "refuse"
) -> Volume:
    """The Volume of a series, or of a path that holds exactly one.

    The repairs are for a path; a Series brings those it was found with. Raises UnsupportedScan if
    the path holds none or several, and what Format.read raises.
    """
    series = scan if isinstance(scan, Series) else _only(Path(scan), on_gap, on_tilt)
    if series.format == ZIP:
        Archive(series.files[0])  # raises what it was refused for
    try:
        return replace(_named(series.format).read(series), name=series.name)
    except (ScanError, EnvironmentProblem) as problem:
        if series.archive is None:
            raise
        raise type(problem)(series.told(str(problem))) from None


def write(
    volume: Volume,
    destination: Path | str,
    *,
    like: Volume | None = None,
    name: str = "",
    derivation: Derivation | None = None,
) -> Written:
    """Write `volume` as `name` below the folder `destination`; return the files written.

    Name, format, header and stored type are those of the scan `like`, by default of the one
    `volume` was read from; a volume made by code needs a name and becomes a float32 NIfTI file.
    What is told of its making is `derivation`, by default what the volume itself carries.
    Warns of voxels beyond what the stored type can hold. Raises WriteRefused if the result exists,
    holds voxels that are not finite (those of the source come back anyway), or is a map.
    """
    name = name or (like or volume).name
    told = derivation or volume.derivation or PROCESSED
    if told.kind in QUANTITIES:
        raise WriteRefused(
            f"expected a scan, found a map of its {told.kind}: write it beside its result, "
            f'write_map(..., of=written, quantity="{told.kind}")'
        )
    if not name:
        raise WriteRefused("a volume made by code needs a name: write(..., name=...)")
    require_file_name(name)
    wrong = int(np.count_nonzero(~np.isfinite(volume.voxels)))
    if wrong:
        raise WriteRefused(f"{name}: {wrong} voxels of the result are not finite numbers")
    placed = volume if like is None else replace(volume, source=like.source)
    format = _named(getattr(placed.source, "format", FORMATS[0].name))
    told = _with_repairs(told, placed)
    written = format.write(placed, Path(destination), name=name, derivation=told)
    if written.clipped:
        clipped = f"{written.clipped} of {volume.voxels.size} voxels"
        warnings.warn(f"{name}: {clipped} clipped to the stored range", stacklevel=2)
    return written


def write_map(
    values: Volume, destination: Path | str, *, of: Sequence[Path], quantity: Quantity
) -> Written:
    """Write a map that belongs to the result whose files are `of`, below `destination`.

    `values` lies on the grid of that result, in its unit. Beside a DICOM series it becomes a
    float32 Parametric Map, beside a NIfTI file a float32 NIfTI file, named like the result with
    + and the `quantity` behind it. Raises GridMismatch, and WriteRefused if it is there already.
    """
    nifti = is_nifti(of[0])
    result = of[0].name.removesuffix(".gz").removesuffix(".nii") if nifti else of[0].parent.name
    format = _named("nifti" if nifti else "dicom")
    name = map_name(result, quantity)
    return format.write_map(values, Path(destination), name=name, of=of, quantity=quantity)


def check(
    files: Sequence[Path | str], source: Volume, *, derivation: Derivation, format: str
) -> dict[str, str]:
    """What is wrong with the `files` of one written result, by topic; "" where nothing is.

    `source` is the scan it was made from, `derivation` what is on record of its making.
    Topics: "geometry", "values", "provenance", for DICOM "order" and "identity". Raises ScanError.
    """
    paths = tuple(map(Path, files))
    told = _with_repairs(derivation, source)
    result = read(Series(format, source.name, paths))
    return disagreements(_named(format), paths, source, result, told)


def _with_repairs(derivation: Derivation, volume: Volume) -> Derivation:
    """Whatever was mended at reading is part of how the result came about."""
    repairs = getattr(volume.source, "repairs", ())
    if not repairs:
        return derivation
    return replace(derivation, parameters=derivation.parameters | {"repairs": "; ".join(repairs)})


def _found(paths: Sequence[Path], repair: Repair) -> Iterator[Series]:
    roots = [path for path in paths if not is_zip(path)]
    if len({root.is_absolute() for root in roots}) > 1:
        roots = [root.absolute() for root in roots]
    for format in FORMATS:
        for series in format.find(*roots, repair=repair):
            if series.files[0] in roots or not is_map(series.files[0]):
                yield series
    for path in paths:
        if is_zip(path):
            yield from _unpacked(path, repair)


def _unpacked(path: Path, repair: Repair) -> Iterator[Series]:
    try:
        archive = Archive(path)
    except (ScanError, EnvironmentProblem) as refusal:
        yield Series(ZIP, safe_name(path.stem), (path,), refusal=str(refusal))
        return
    for format in FORMATS:
        for series in format.find(archive.folder, repair=repair):
            yield replace(series, refusal=archive.told(series.refusal), archive=archive)


def _chosen(series: Series, rule: Rule) -> bool:
    if not rule.conditions or series.format == ZIP:
        return True
    known = {"name": [series.name], "format": [series.format], "modality": [series.modality]}
    asked = rule.attributes - set(FACTS)
    try:
        there = _named(series.format).attributes(series, asked) if asked else {}
    except (ScanError, EnvironmentProblem):
        return True
    return rule.holds(there | known)


def _only(path: Path, on_gap: OnGap, on_tilt: OnTilt) -> Series:
    series = find(path, on_gap=on_gap, on_tilt=on_tilt)
    if len(series) != 1:
        there = ", ".join(one.name for one in series[:10]) or "none"
        raise UnsupportedScan(
            f"{path}: expected exactly one series, found {len(series)} ({there}); "
            "name one file, or a folder with one series"
        )
    return series[0]


def _named(name: str) -> Format:
    return next(format for format in FORMATS if format.name == name)
