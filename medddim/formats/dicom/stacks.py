"""Images that lie at the same places, in stacks: echoes, time points, b-values of one series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from medddim.errors import IrregularGeometry
from medddim.formats.dicom.differ import why_not
from medddim.formats.dicom.files import LABELLING, STACK_TAGS, Header, value_of
from medddim.formats.dicom.order import (
    acquired_at,
    as_acquired,
    as_met,
    content_at,
    numbered,
    positions_said,
    triggered_at,
)
from medddim.formats.dicom.planes import Vector

SAME_PLACE_MM = 1e-3
SAME_NUMBER = 1e-5
"""As a share: what rounding makes of one echo time, or of one gradient direction."""
TIMES = {"AcquisitionTime": acquired_at, "ContentTime": content_at}
"""What tells volumes apart where one moment is said for all slices of each."""
RANKING = {
    "TriggerTime": triggered_at,
    "AcquisitionTime": acquired_at,
    "ContentTime": content_at,
    "InstanceNumber": numbered,
}
"""What tells them apart where it grows from image to image: the i-th at each place is volume i."""
ONE_A_VOLUME = (
    "EchoNumbers", "EchoTime", "TemporalPositionIdentifier", "DiffusionBValue",
    "DiffusionGradientOrientation", "InversionTime", "FlipAngle", "ImageType",
)  # fmt: skip

Key = tuple[Any, ...]
Stacks = list[list[int]]
Places = npt.NDArray[np.intp]


def stacks_of(headers: Sequence[Header], heights: Vector) -> tuple[Stacks, str]:
    """The images of each stack, in order along the normal, and what tells the stacks apart.

    The stacks are in the order in which they were acquired. Raises IrregularGeometry if images
    lie at one place and nothing, or more than one thing, sorts them into stacks.
    """
    places = places_of(heights)
    if int(places.max()) + 1 == places.size:
        return [np.argsort(heights, kind="stable").tolist()], ""
    marks = {tag: keys_of(headers, tag) for tag in STACK_TAGS}
    marks |= {name: [clock(header) for header in headers] for name, clock in TIMES.items()}
    differing = {tag: keys for tag, keys in marks.items() if len(set(keys)) > 1}
    stacks, names = _sorted(differing, places) or ([], "")
    stacks = as_met(stacks, headers)
    if not stacks:
        stacks, names = _ranked(headers, differing, places) or ([], "")
    if not stacks or any(tag in names for tag in LABELLING):
        raise IrregularGeometry(why_not(headers, places, list(differing), names))
    return as_acquired(stacks, headers), names


def stacks_by(headers: Sequence[Header], heights: Vector, names: Sequence[str]) -> Stacks:
    """The images in groups of one value of these attributes; if they are stacks, as `stacks_of`.

    Where a value grows from image to image, the i-th at each place belongs to stack i. Groups that
    are no stacks of the same places are in the order of their values. Raises IrregularGeometry
    where the attributes say nothing.
    """
    places = places_of(heights)
    keys = [keys_of(headers, name) for name in names]
    if all(len(set(one)) < 2 for one in keys):
        raise IrregularGeometry(
            f"{headers[0].path.parent}: expected images that differ in {' and '.join(names)}, "
            "found one value, or none, in all of them; --stack-by takes an attribute that differs"
        )
    stacks = as_met(sorted_into(keys, places), headers)
    if not stacks and len(names) == 1:
        stacks = _by_rank(keys[0], places)
    return as_acquired(stacks, headers) if stacks else groups_of(keys, places)


def places_of(heights: Vector) -> Places:
    """Of each image, which place along the normal it lies at, from 0."""
    order = np.argsort(heights, kind="stable")
    places = np.empty(heights.size, dtype=np.intp)
    places[order] = np.concatenate([[0], np.cumsum(np.diff(heights[order]) >= SAME_PLACE_MM)])
    return places


def keys_of(headers: Sequence[Header], tag: str) -> list[Key]:
    """The values of an attribute in a form that can be sorted; absent comes first.

    Numbers that differ by rounding are made equal.
    """
    keys = [_key(value_of(header.dataset, tag)) for header in headers]
    sizes = {len(key) for key in keys if key[0] == 1}
    for place in range(1, max(sizes, default=1)):
        numbers = sorted({key[place] for key in keys if key[0] == 1 and len(key) > place})
        snapped: dict[float, float] = {}
        for before, number in zip([None, *numbers], numbers, strict=False):
            near = before is not None and number - before <= SAME_NUMBER * max(1, abs(number))
            snapped[number] = snapped[before] if near and before is not None else number
        keys = [
            (*key[:place], snapped[key[place]], *key[place + 1 :])
            if key[0] == 1 and len(key) > place else key
            for key in keys
        ]  # fmt: skip
    return keys


def _key(value: Any) -> Key:
    if value is None or value == "":
        return (0,)
    try:
        return (1, *np.ravel(np.array(value, dtype=np.float64)).tolist())
    except (TypeError, ValueError):
        return (2, str(value))


def groups_of(keys: Sequence[Sequence[Key]], places: Places) -> Stacks:
    """The images of each combination of values, along the normal, in the order of the values."""
    groups: dict[tuple[Key, ...], list[int]] = defaultdict(list)
    for index, combination in enumerate(zip(*keys, strict=True)):
        groups[combination].append(index)
    return [sorted(groups[one], key=lambda index: int(places[index])) for one in sorted(groups)]


def sorted_into(keys: Sequence[Sequence[Key]], places: Places) -> Stacks:
    """One stack for each combination of keys, if each has one image at each place; else none."""
    stacks = groups_of(keys, places)
    wanted = list(range(int(places.max()) + 1))
    whole = all([int(places[index]) for index in stack] == wanted for stack in stacks)
    return stacks if whole else []


def _sorted(marks: dict[str, list[Key]], places: Places) -> tuple[Stacks, str] | None:
    """By the fewest attributes that do it, the most telling first; by times only alone."""
    tags = [tag for tag in marks if tag not in TIMES]
    alone: Iterator[tuple[str, ...]] = ((tag,) for tag in marks)
    for names in (*alone, *combinations(tags, 2), *combinations(tags, 3)):
        stacks = sorted_into([marks[name] for name in names], places)
        if stacks:
            return stacks, " and ".join(names)
    return None


def _ranked(
    headers: Sequence[Header], marks: dict[str, list[Key]], places: Places
) -> tuple[Stacks, str] | None:
    """By what grows from image to image, if all that does so gives the same stacks."""
    found: dict[str, Stacks] = {}
    for name, clock in RANKING.items():
        stacks = _by_rank([clock(header) for header in headers], places)
        regular = name != "InstanceNumber" or _is_regular(headers, places)
        if stacks and regular and _is_one_each(stacks, marks):
            found[name] = stacks
    sets = {frozenset(map(frozenset, stacks)) for stacks in found.values()}
    if len(sets) > 1:
        raise IrregularGeometry(why_not(headers, places, list(found), several=True))
    return next(((stacks, name) for name, stacks in found.items()), None)


def _by_rank(values: Sequence[Key], places: Places) -> Stacks:
    """The i-th of each place in stack i; none if a place lacks an image, or two are alike."""
    at: dict[int, list[int]] = defaultdict(list)
    for index, place in enumerate(places.tolist()):
        at[place].append(index)
    count = len(at[0])
    for members in at.values():
        if len(members) != count or len({values[index] for index in members}) != count:
            return []
        members.sort(key=lambda index: values[index])
    return [[at[place][number] for place in sorted(at)] for number in range(count)]


def _is_regular(headers: Sequence[Header], places: Places) -> bool:
    """Whether the images count without a gap, volume by volume or place by place."""
    numbers = np.array([numbered(header)[:1] or (np.nan,) for header in headers])[:, 0]
    frames = np.array([header.frame or 0 for header in headers])
    order = np.lexsort((frames, numbers))
    seen, count = places[order], int(places.max()) + 1
    volumes = len(headers) // count
    said = int(next(iter(positions_said(headers[0])), 1))
    if len(set(np.diff(numbers[order]).tolist()) - {0.0}) > 1 or volumes % max(said, 1):
        return False
    by_volume = np.array_equal(seen, np.tile(seen[:count], volumes))
    by_place = np.array_equal(seen, np.repeat(seen[::volumes], volumes))
    return by_volume or by_place


def _is_one_each(stacks: Stacks, marks: dict[str, list[Key]]) -> bool:
    """Whether what is one for a volume is one in each of these."""
    tags = [tag for tag in (*ONE_A_VOLUME, *LABELLING) if tag in marks]
    return all(len({marks[tag][index] for index in stack}) == 1 for stack in stacks for tag in tags)
