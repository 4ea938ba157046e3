"""Which scan of one folder belongs to which of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from medddim import formats
from medddim.errors import MedddimError, ScanError, ScoreError, UnreadableScan
from medddim.formats import Series
from medddim.formats.table import named
from medddim.inference.own import enhanced, is_source, outcome_of
from medddim.volume import Volume

Scans = dict[str, Series]
"""The scans to compare: "result", "reference" and, where there are, "input" and "against"."""


def usable(path: Path) -> list[Series]:
    """The series in a file or folder. Raises UnreadableScan if there are none."""
    found = formats.find(path)
    if not found:
        raise UnreadableScan(
            f"no scan in {path}: expected DICOM series, NIfTI, MetaImage, NRRD or MGH files"
        )
    return found


def matched(
    found: Mapping[str, Sequence[Series]], problems: dict[str, MedddimError]
) -> Iterator[tuple[str, Scans]]:
    """Every result with the scans to compare it with.

    A single one on each side needs no matching name; else the name decides; failing that, for
    DICOM, the UIDs: one series, or one made from the images of the other. Why a result is broken,
    has no partner, or one that says nothing of its quality, goes into `problems`.
    """
    results = found["result"]
    for series in results:
        try:
            scans = {"result": _sound(series)}
            for kind, among in found.items():
                if kind != "result":
                    scans[kind] = _sound(_partner(series, among, results))
            require_independent(scans)
        except (ScanError, ScoreError) as problem:
            problems[series.name] = problem
        else:
            yield series.name, scans


def require_independent(scans: Scans) -> None:
    """Raise ScoreError for a reference that says nothing of the quality of the result.

    It is the scan that the result was made from by enhancing, or was itself made from the "result":
    then the two were given in the wrong order. Known by the content that the run has on record.
    """
    result, reference = scans["result"], scans["reference"]
    outcome = outcome_of(result)
    if enhanced(result) and outcome and is_source(reference, outcome):
        raise ScoreError(
            f"{result.name}: the reference is the scan that this result was made from: figures "
            "against it say how much was changed, not how good it is. Give cleaner scans of the "
            "same subjects as reference, or look at the change with `medddim report`"
        )
    outcome = outcome_of(reference)
    if enhanced(reference) and outcome and is_source(result, outcome):
        raise ScoreError(
            f"{result.name}: the reference was made by medddim from the scan to be measured: the "
            "order is results, then references"
        )
    if "input" in scans and scans["input"].files == reference.files:
        raise ScoreError(f"{result.name}: the input is the reference itself; give two folders")


def likely_swapped(scans: Scans) -> bool:
    """Whether the reference is a result of medddim, and what is measured against it is none."""
    return bool(enhanced(scans["reference"])) and not enhanced(scans["result"])


def read_together(scans: Scans) -> dict[str, Volume]:
    """The volumes of scans to compare.

    Raises ScoreError for voxels that a reader has set to 0 and the reference has a value for.
    """
    volumes = {kind: formats.read(series).recognised() for kind, series in scans.items()}
    lost, known = (
        set(getattr(volumes[kind].source, "nonfinite", [()])[0]) for kind in ("result", "reference")
    )
    if lost - known:
        path, count = scans["result"].files[0], len(lost - known)
        raise ScoreError(f"{path}: {count} voxels of the result are not finite")
    return volumes


def _sound(series: Series) -> Series:
    if series.refusal:
        raise UnreadableScan(f"{series.name}: {series.refusal}")
    return series


def _partner(series: Series, among: Sequence[Series], results: Sequence[Series]) -> Series:
    if len(among) == len(results) == 1:
        return among[0]
    by_name = {other.name: other for other in among}
    if series.name in by_name:
        return by_name[series.name]
    uids = named(series.format).related(series)
    sound = [other for other in among if not other.refusal]
    related = [other for other in sound if uids & named(other.format).related(other)]
    if len(related) == 1:
        return related[0]
    there = ", ".join(sorted(by_name)[:10])
    stated = "several scans with its UIDs" if related else "no scan of this name"
    raise UnreadableScan(f"{series.name}: {stated} to compare with; there: {there}")
