"""The formats of scans: find what is in a folder, read it to a Volume, write results like it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, replace
from functools import partial
from os import PathLike
from pathlib import Path

from medddim.errors import (
    EnvironmentProblem,
    ScanError,
    UnreadableScan,
    UnsupportedScan,
    nearest_path,
)
from medddim.formats.agreement import disagreements
from medddim.formats.archive import Archive, is_zip
from medddim.formats.beside import is_map
from medddim.formats.contract import (
    NO_REPAIR,
    Derivation,
    Format,
    OnGap,
    OnTilt,
    Repair,
    Series,
)
from medddim.formats.dicom.media import is_directory
from medddim.formats.filename import filled, require_template
from medddim.formats.guard import unlogged
from medddim.formats.naming import safe_name, with_distinct_names
from medddim.formats.others import OTHER, is_other, refused, warn_of_others
from medddim.formats.select import FACTS, Rule
from medddim.formats.table import FORMATS, named
from medddim.formats.writing import with_repairs, write, write_map
from medddim.taken import as_path
from medddim.volume import Volume

__all__ = [
    "FORMATS",
    "Derivation",
    "Format",
    "Series",
    "attributes",
    "check",
    "find",
    "find_for",
    "modality_of",
    "read",
    "write",
    "write_map",
]

ZIP = "zip"
"""The format of a Series that stands for a zip file which cannot be unpacked."""
UNREAD = (ZIP, OTHER)
"""Of these there is nothing but the refusal."""


@unlogged
def find(
    *paths: Path | str,
    select: str = "",
    exclude: str = "",
    on_gap: OnGap = "refuse",
    on_tilt: OnTilt = "refuse",
    stack_by: str = "",
    filename: str = "",
) -> list[Series]:
    """Every series in these folders, files, zip files and DICOMDIRs, with a verdict on each.

    A name is the place below the path given, `sub-01/anat/T1w`, or made by the template `filename`
    (see `formats.filename`); scans that would share one are refused. `select` is a rule such as
    "Modality=MR and SeriesDescription~T2" (see `formats.select`), `exclude` one for those to leave
    out; a series whose header cannot be read stays in the list, with its refusal. `on_gap` and
    `on_tilt` say what may be repaired, `stack_by` what sorts images (see `Repair`). A path that
    holds no scan adds nothing, nor does a map beside its result in a folder. Raises UnreadableScan
    for a path that does not exist, RequestProblem for a bad rule or template.
    """
    require_template(filename)
    wanted, unwanted = Rule.parse(select), Rule.parse(exclude)
    repair = Repair(on_gap, on_tilt, stack_by)
    there = [as_path(path, "a scan, or of a folder of them") for path in paths]
    if lost := [path for path in there if not path.exists()]:
        raise UnreadableScan(f"{lost[0]}: no such file or folder{nearest_path(lost[0])}")
    named = _named(there, repair)
    chosen = [one for one in named if _chosen(one, wanted) and not _left_out(one, unwanted)]
    if not filename:
        return chosen
    return with_distinct_names(
        replace(one, name=filled(filename, one, attributes)) for one in chosen
    )


@unlogged
def find_for(root: Path, modality: str) -> list[Series]:
    """All that `find` would find; what states another modality gets no verdict and no facts.

    Of a DICOM series of another modality the geometry is not looked at, which takes most time.
    """
    return _named([root], NO_REPAIR, modality)


@unlogged
def attributes(series: Series, keywords: Collection[str]) -> dict[str, list[str]]:
    """What the header of one series says, by keyword; see `Format.attributes`."""
    return {} if series.format in UNREAD else named(series.format).attributes(series, keywords)


def modality_of(series: Series, reader: Callable[[], Volume] | None = None) -> str:
    """What a scan says it is; where it does not say, "CT" if it holds air in Hounsfield units.

    A NIfTI file alone does not say: only the JSON file beside it does, if there is one. `reader`
    gives the scan, for those who keep it. What cannot be read is taken for MR: reading it will say
    why.
    """
    if series.modality or series.refusal:
        return series.modality
    try:
        return (reader or partial(read, series))().recognised().modality or "MR"
    except Exception:  # whatever it is must not cost the other scans: the run meets it, and says so
        return "MR"


@unlogged
def read(
    scan: Series | PathLike[str] | str,
    *,
    on_gap: OnGap = "refuse",
    on_tilt: OnTilt = "refuse",
    stack_by: str = "",
) -> Volume:
    """The Volume of a series, or of a path that holds exactly one.

    The repairs are for a path; a Series brings those it was found with. Raises UnsupportedScan if
    the path holds none or several, and what Format.read raises.
    """
    if not isinstance(scan, Series):
        scan = _only(as_path(scan, "a scan"), Repair(on_gap, on_tilt, stack_by))
    series = scan
    if series.format == ZIP:
        Archive(series.files[0])  # raises what it was refused for
    if series.format == OTHER:
        raise UnsupportedScan(series.refusal)
    try:
        return replace(named(series.format).read(series), name=series.name)
    except (ScanError, EnvironmentProblem) as problem:
        if series.archive is None:
            raise
        raise type(problem)(series.shown(str(problem))) from None


@unlogged
def check(
    files: Sequence[Path | str], source: Volume, *, derivation: Derivation, format: str
) -> dict[str, str]:
    """What is wrong with the `files` of one written result, by topic; "" where nothing is.

    `source` is the scan it was made from, `derivation` what is on record of its making.
    Topics: "geometry", "values", "provenance", for DICOM "order" and "identity". Raises ScanError.
    """
    paths = tuple(map(Path, files))
    stated = with_repairs(derivation, source)
    result = read(Series(format, source.name, paths))
    return disagreements(named(format), paths, source, result, stated)


def _named(paths: Sequence[Path], repair: Repair, modality: str = "") -> list[Series]:
    found = _found(paths, repair, modality)
    unique = {(tuple(map(Path.absolute, one.files)), one.part): one for one in found}
    return with_distinct_names(unique.values(), map(_root, paths))


def _found(paths: Sequence[Path], repair: Repair, modality: str) -> Iterator[Series]:
    roots = [path for path in paths if not is_zip(path)]
    if len({root.is_absolute() for root in roots}) > 1:
        roots = [root.absolute() for root in roots]
    known: set[Path] = set()
    for format in FORMATS:
        for series in format.find(*roots, repair=repair, modality=modality):
            known.update(series.files)
            if series.files[0] in roots or not is_map(series.files[0]):
                yield series
    yield from (refused(root) for root in roots if is_other(root) and root not in known)
    warn_of_others(root for root in roots if root.is_dir())
    for path in paths:
        if is_zip(path):
            yield from _unpacked(path, repair, modality)


def _unpacked(path: Path, repair: Repair, modality: str) -> Iterator[Series]:
    try:
        archive = Archive(path)
    except (ScanError, EnvironmentProblem) as refusal:
        yield Series(ZIP, safe_name(path.stem), (path,), refusal=str(refusal))
        return
    for format in FORMATS:
        for series in format.find(archive.folder, repair=repair, modality=modality):
            yield replace(series, refusal=archive.shown(series.refusal), archive=archive)


def _root(path: Path) -> Path:
    """The folder whose scans are found together through `path`."""
    return path.parent if is_directory(path) else path


def _chosen(series: Series, rule: Rule) -> bool:
    """Whether `rule` holds; what cannot be judged by it is refused later, not lost here."""
    if not rule.conditions or series.format in UNREAD:
        return True
    try:
        return rule.holds(_known(series, rule.attributes))
    except (ScanError, EnvironmentProblem):
        return True


def _left_out(series: Series, rule: Rule) -> bool:
    return bool(rule.conditions) and series.format not in UNREAD and _chosen(series, rule)


def _known(series: Series, asked: set[str]) -> dict[str, list[str]]:
    facts = {"name": [series.name], "format": [series.format], "modality": [series.modality]}
    there = attributes(series, rest) if (rest := asked - set(FACTS)) else {}
    if {"Modality", "modality"} & asked and not series.modality:
        taken = [modality_of(series)]  # as `enhance` takes a file that does not say
        return {"Modality": taken, **there, **facts, "modality": taken}
    return there | facts


def _only(path: Path, repair: Repair) -> Series:
    series = find(path, **asdict(repair))
    if not series:
        raise UnsupportedScan(
            f"no scan in {path}: expected a DICOM series, or a NIfTI, MetaImage, NRRD or MGH file"
        )
    if len(series) > 1:
        there = ", ".join([*(one.name for one in series[:10]), *["..."] * (len(series) > 10)])
        raise UnsupportedScan(
            f"{path}: expected exactly one series, found {len(series)} ({there}); name one file, "
            "or a folder with one series, or read one of what medddim.find gives"
        )
    return series[0]
