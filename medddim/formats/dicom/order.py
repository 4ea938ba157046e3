"""The order of the volumes in a stack: that in which they were acquired.

Tables that were made from the source (b-vectors, slice timing, motion) count its volumes as
acquired, so the k-th volume of a Volume, and of a result, is the k-th acquired.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from medddim.formats.dicom.files import Header, is_number

Ranks = npt.NDArray[np.intp]
DAY = len("YYYYMMDD")
"""Digits of a date of VR DA, with which one of VR DT begins."""


def as_acquired(stacks: Sequence[Sequence[int]], headers: Sequence[Header]) -> list[list[int]]:
    """The stacks in the order in which they were acquired, those that nothing orders as given.

    An attribute counts if it ranks the stacks alike at every place: number of the image (and of
    the frame), acquisition time, temporal position, number of the acquisition, content time, index
    of the dimensions; a later one breaks the ties of the earlier.
    """
    ranks = [
        ranked
        for clock in CLOCKS
        if (ranked := _ranks([[clock(headers[i]) for i in stack] for stack in stacks])) is not None
    ]
    order = sorted(range(len(stacks)), key=lambda n: [int(ranked[n]) for ranked in ranks])
    return [list(stacks[n]) for n in order]


def as_met(stacks: Sequence[list[int]], headers: Sequence[Header]) -> list[list[int]]:
    """The stacks by the lowest number of an image in each: for want of a clock, not by value."""
    return sorted(stacks, key=lambda stack: min(numbered(headers[index]) for index in stack))


def _ranks(values: list[list[tuple[float, ...]]]) -> Ranks | None:
    """The rank of each stack, ties alike; None unless it is the same at every place."""
    found: Ranks | None = None
    for place in zip(*values, strict=True):
        steps = {value: rank for rank, value in enumerate(sorted(set(place)))}
        ranked = np.array([steps[value] for value in place], dtype=np.intp)
        if found is not None and not np.array_equal(found, ranked):
            return None
        found = ranked
    return found


def numbered(header: Header) -> tuple[float, ...]:
    """InstanceNumber, and the number of the frame in its file or in the files it continues."""
    before = sum(_number(header, "ConcatenationFrameOffsetNumber"))
    frame = () if header.frame is None else (header.frame + before,)
    return (*_number(header, "InstanceNumber"), *frame)


def acquired_at(header: Header) -> tuple[float, ...]:
    """Day and second of the acquisition; () where the header does not say."""
    stamp = str(header.dataset.get("AcquisitionDateTime") or "")
    stamp = stamp.partition("+")[0].partition("-")[0]  # the time zone, alike in one series
    if len(stamp) > DAY:
        return _moment(stamp[:DAY], stamp[DAY:])
    return _moment(*(header.dataset.get(f"Acquisition{part}") for part in ("Date", "Time")))


def content_at(header: Header) -> tuple[float, ...]:
    """Day and second at which the content of the image began; () if not said."""
    return _moment(*(header.dataset.get(f"Content{part}") for part in ("Date", "Time")))


def triggered_at(header: Header) -> tuple[float, ...]:
    """TriggerTime, in ms after the R wave; () if not said."""
    return _number(header, "TriggerTime")


def positions_said(header: Header) -> tuple[float, ...]:
    """NumberOfTemporalPositions; () if not said."""
    return _number(header, "NumberOfTemporalPositions")


def _moment(day: str | None, time: str | None) -> tuple[float, ...]:
    """Values of VR DA and TM (PS3.5, 6.2) as numbers: a time may end with its hour or minute."""
    whole, _, fraction = str(time or "").strip().partition(".")
    try:
        return (float(day or 0), float(f"{whole:0<6}.{fraction}")) if whole else ()
    except ValueError:
        return ()


def _number(header: Header, keyword: str) -> tuple[float, ...]:
    value = header.dataset.get(keyword)
    if value in (None, "") or not is_number(value):
        return ()
    numbers = np.ravel(np.array(value, dtype=np.float64))
    return tuple(numbers.tolist()) if np.isfinite(numbers).all() else ()


CLOCKS: tuple[Callable[[Header], tuple[float, ...]], ...] = (
    numbered,
    acquired_at,
    partial(_number, keyword="TemporalPositionIdentifier"),
    partial(_number, keyword="TemporalPositionTimeOffset"),
    partial(_number, keyword="AcquisitionNumber"),
    content_at,
    partial(_number, keyword="DimensionIndexValues"),
)
