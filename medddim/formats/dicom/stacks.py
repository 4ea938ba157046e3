"""Images that lie at the same places, in stacks: echoes, time points, b-values of one series."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from medddim.errors import IrregularGeometry
from medddim.formats.dicom.files import STACK_TAGS, Header, common_folder, names_in
from medddim.formats.dicom.order import acquired_at, as_acquired, content_at
from medddim.formats.dicom.planes import Vector

SAME_PLACE_MM = 1e-3
TIMES = {"AcquisitionTime": acquired_at, "ContentTime": content_at}
"""What tells volumes apart where one moment is said for all slices of each."""

Key = tuple[Any, ...]
Stacks = list[list[int]]


def stacks_of(headers: Sequence[Header], heights: Vector) -> tuple[Stacks, str]:
    """The images of each stack, in order along the normal, and what tells the stacks apart.

    The stacks are in the order in which they were acquired.

    Raises IrregularGeometry if images lie at one place and nothing sorts them into stacks.
    """
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order]) >= SAME_PLACE_MM
    places = np.empty(heights.size, dtype=np.intp)
    places[order] = np.concatenate([[0], np.cumsum(steps)])
    count = int(places.max()) + 1
    if count == heights.size:
        return [order.tolist()], ""
    told = {tag: [_key(header, tag) for header in headers] for tag in STACK_TAGS}
    told |= {name: [clock(header) for header in headers] for name, clock in TIMES.items()}
    tags = [tag for tag in told if len(set(told[tag])) > 1]
    for names in (*((tag,) for tag in tags), *combinations(tags, 2)):
        stacks = _sorted_into([told[name] for name in names], places, count)
        if stacks:
            return as_acquired(stacks, headers), " and ".join(names)
    raise IrregularGeometry(_why_not(headers, order, steps, {tag: told[tag] for tag in tags}))


def _sorted_into(keys: Sequence[Sequence[Key]], places: Any, count: int) -> Stacks:
    """One stack for each combination of keys, if each has one image at each place; else none."""
    stacks: dict[tuple[Key, ...], list[int]] = defaultdict(list)
    for index, combination in enumerate(zip(*keys, strict=True)):
        stacks[combination].append(index)
    wanted = list(range(count))
    result = []
    for combination in sorted(stacks):
        members = sorted(stacks[combination], key=lambda index: int(places[index]))
        if [int(places[index]) for index in members] != wanted:
            return []
        result.append(members)
    return result


def _key(header: Header, tag: str) -> Key:
    """The value of an attribute in a form that can be sorted; absent comes first."""
    value = header.dataset.get(tag)
    if value is None or value == "":
        return (0,)
    try:
        return (1, *np.ravel(np.array(value, dtype=np.float64)).tolist())
    except (TypeError, ValueError):
        return (2, str(value))


def _why_not(headers: Sequence[Header], order: Any, steps: Any, told: dict[str, list[Key]]) -> str:
    doubled = int(np.flatnonzero(~steps)[0])
    one, other = (int(index) for index in order[doubled : doubled + 2])
    names = [tag for tag, values in told.items() if values[one] != values[other]]
    why = "the header tells them apart by no echo, time, b-value or acquisition"
    if names:
        why = f"they differ in {names[0]}, which does not sort them into complete stacks"
    folder = common_folder(headers)
    doubles = names_in(folder, [headers[one], headers[other]])
    return (
        f"{int((~steps).sum())} slices lie where another one lies already, first "
        f"{' and '.join(doubles)} in {folder}: {why}; "
        "put each stack into a series of its own"
    )
