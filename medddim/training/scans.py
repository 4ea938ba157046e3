"""Which scans a model learns from, and which are held out to judge it on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import groupby
from pathlib import Path

from medddim import formats
from medddim.errors import EnvironmentProblem, RecipeError, ScanError, UnreadableScan
from medddim.formats import Series
from medddim.formats.subjects import Subjects
from medddim.inference.own import enhanced
from medddim.recipe import DataRecipe
from medddim.volume import Volume

log = logging.getLogger(__name__)

MOST_NAMED = 3
"""Scans that a warning names."""
HELD_OUT = 10
"""One subject of so many is held out, where a recipe names none; at least one."""

Named = dict[str, Series]
"""Scans by their place below the folder of the data."""


def chosen(known: DataRecipe, root: Path, *, modality: str) -> tuple[Named, Named]:
    """The scans to train on, and those held out to validate on.

    Without patterns in `data.train` all of `modality` below `root` but those held out; without
    any in `data.validate_on` either, one subject in ten is held out, if there are two.
    Raises UnreadableScan for a pattern without a match, RecipeError if nothing is left to train on.
    """
    held_out = matching(root, known.validate_on)
    if known.train:
        require_held_out(known, root)
        return matching(root, known.train), held_out
    every = every_scan(root, modality)
    if not known.validate_on:
        held_out = {name: every[name] for name in last_subjects(every)}
    apart = _apart(known)
    held_files = set() if apart else {file for one in held_out.values() for file in one.files}
    train = {name: one for name, one in every.items() if not held_files & set(one.files)}
    if not train:
        raise RecipeError(
            f"data: nothing below {root} is left to train on; hold out fewer scans, or parts of "
            "them with train_part and validate_part"
        )
    return train, held_out


def every_scan(root: Path, modality: str) -> Named:
    """All scans below `root` that can be read and are of `modality`, by name.

    Raises UnreadableScan if there are none.
    """
    found = formats.find_for(root, modality)
    require_any(found, root, modality)
    acquired = without_own({one.name: one for one in found}, root)
    kinds = {name: kind_of(one) for name, one in acquired.items()}
    usable = {name: one for name, one in acquired.items() if kinds[name] == modality}
    if not usable:
        raise _nothing(found, root, modality)
    if left := [name for name in kinds if name not in usable]:
        stated = ", ".join(f"{name} ({kinds[name] or 'refused'})" for name in left[:MOST_NAMED])
        more = f" and {len(left) - MOST_NAMED} more" if len(left) > MOST_NAMED else ""
        log.warning("training: %d of %d scans are left out: %s%s; `medddim inspect %s` says more",
                    len(left), len(acquired), stated, more, root)  # fmt: skip
    return usable


def without_own(scans: Named, root: Path) -> Named:
    """Those that medddim has not enhanced: a model would learn its own answers from them.

    How many are left out is logged. Raises UnreadableScan if none remains.
    """
    acquired = {name: one for name, one in scans.items() if not enhanced(one)}
    if scans and not acquired:
        raise UnreadableScan(
            f"data: all {len(scans)} scans below {root} are results of medddim, from which a model "
            "would learn its own answers; name a folder of scans as they were acquired"
        )
    if left := len(scans) - len(acquired):
        _say_left_out(left, len(scans), root)
    return acquired


@cache  # scans are looked for several times on the way to one training
def _say_left_out(left: int, count: int, root: Path) -> None:
    log.warning("%d of %d scans below %s are results of medddim: left out", left, count, root)


def require_any(found: Sequence[Series], root: Path, modality: str) -> None:
    """Raise UnreadableScan where no header leaves a scan of `modality` possible."""
    if not any(not one.refusal and one.modality in ("", modality) for one in found):
        raise _nothing(found, root, modality)


def _nothing(found: Sequence[Series], root: Path, modality: str) -> UnreadableScan:
    return UnreadableScan(
        f"data: expected {modality} scans (NIfTI files or DICOM series) below {root}, found "
        f"none among {len(found)} scans; `medddim inspect {root}` says what is there"
    )


def kind_of(series: Series) -> str:
    """The modality of a scan, of a silent one by its voxels; "" if it cannot be read."""
    if series.refusal or series.modality:
        return "" if series.refusal else series.modality
    try:
        return formats.read(series).recognised().modality or "MR"
    except (ScanError, EnvironmentProblem):
        return ""


def last_subjects(scans: Mapping[str, Series]) -> list[str]:
    """The names of the scans of one subject in ten, the last ones; empty for a single subject."""
    who = Subjects()
    subject = {name: who.of(one) for name, one in scans.items()}
    there = [one for one, _ in groupby(sorted(set(subject.values())))]
    count = max(len(there) // HELD_OUT, 1) if len(there) > 1 else 0
    held_out = there[len(there) - count :]
    return [name for name in scans if subject[name] in held_out]


def load_volumes(
    root: Path,
    patterns: Sequence[str],
    *,
    modality: str = "",
    part: tuple[float, float] = (0.0, 1.0),
) -> dict[str, Volume]:
    """The scans below `root` that match any pattern; see `read_all` and `matching`."""
    return read_all(matching(root, patterns), modality=modality, part=part)


def read_all(
    scans: Mapping[str, Series], *, modality: str, part: tuple[float, float] = (0.0, 1.0)
) -> dict[str, Volume]:
    """The volumes of `scans`; `part` keeps the slices from one share of each to another.

    Where a file does not say its modality it is taken for `modality`.
    """
    volumes = {name: formats.read(one).taken_for(modality) for name, one in scans.items()}
    return {name: some_slices(scan, *part) for name, scan in volumes.items()}


def some_slices(volume: Volume, first: float, last: float) -> Volume:
    """The slices of a scan from one share of its extent to another, in their place."""
    axis, count = volume.slice_axis, volume.shape[volume.slice_axis]
    begin, end = round(first * count), max(round(last * count), round(first * count) + 1)
    box = [slice(None)] * 3
    box[axis] = slice(begin, end)
    return volume.crop(*box)


def matching(root: Path, patterns: Sequence[str]) -> Named:
    """What below `root` matches any pattern, by its place, sorted.

    A folder stands for all series in it; what medddim has enhanced is left out. Raises
    UnreadableScan for a pattern without a match, and if nothing else matches.
    """
    found: Named = {}
    for pattern in patterns:
        matches = sorted(root.glob(pattern))
        if not matches:
            raise UnreadableScan(f"data: nothing below {root} matches {pattern!r}")
        for path in matches:
            place, inside = path.relative_to(root).as_posix(), formats.find(path)
            alone = len(inside) == 1
            found |= {place if alone else f"{place}/{one.name}": one for one in inside}
    return without_own(dict(sorted(found.items())), root)


def require_held_out(known: DataRecipe, root: Path) -> None:
    """Raise RecipeError if slices to validate on are trained on as well: the best would be luck."""
    both = matching(root, known.train).keys() & matching(root, known.validate_on).keys()
    if both and not _apart(known):
        raise RecipeError(
            f"data: {min(both)} is trained on and validated on; leave it out of one, or keep a "
            "part of it apart with train_part and validate_part"
        )


def place_of(series: Series, root: Path) -> str:
    """Where a scan lies below `root`: its file, or, of a DICOM series, the folder of its files."""
    file = series.files[0]
    place = file.parent if series.format == "dicom" else file
    return place.relative_to(root).as_posix()


def _apart(known: DataRecipe) -> bool:
    (first, last), (begin, end) = known.train_part, known.validate_part
    return not (begin < last and first < end)
