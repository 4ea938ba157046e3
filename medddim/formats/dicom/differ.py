"""Why images at one place form no stacks: what they differ in, and what may be done."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset

from medddim.formats.dicom.files import LABELLING, Header, common_folder, names_in
from medddim.formats.dicom.frames import frame_dataset

SHOWN = 4
"""So many attributes are named, the first of the header."""
NOT_NAMED = {
    "SOPInstanceUID", "PixelData", "InstanceNumber", "WindowCenter", "WindowWidth", "ContentTime",
    "SmallestImagePixelValue", "LargestImagePixelValue", "InstanceCreationTime",
    "PixelPaddingValue",
}  # fmt: skip
"""What differs between any two images, or follows from their pixels."""


def why_not(
    headers: Sequence[Header],
    places: npt.NDArray[np.intp],
    differing: Sequence[str],
    names: str = "",
    *,
    several: bool = False,
) -> str:
    """The refusal of images at one place, in words; `names` would sort them, were they alike.

    `several` says that each of the attributes `differing` gives other stacks.
    """
    order = np.argsort(places, kind="stable")
    doubled = np.flatnonzero(np.diff(places[order]) == 0)
    one, other = (headers[int(index)] for index in order[doubled[0] : doubled[0] + 2])
    folder = common_folder(headers)
    begin = (
        f"{doubled.size} slices lie where another one lies already, first "
        f"{' and '.join(names_in(folder, [one, other]))} in {folder}: "
    )
    if names:
        labelled = next(tag for tag in LABELLING if tag in names)
        return begin + (
            "label and control images of arterial spin labelling (they differ in "
            f'{labelled}), whose difference is what counts; --stack-by "{names}" reads them'
        )
    if several:
        return begin + (
            f"{' and '.join(differing)} sort them differently; say which one counts with "
            "--stack-by ATTRIBUTE"
        )
    known = [tag for tag in differing if one.dataset.get(tag) != other.dataset.get(tag)]
    found = known[:1] or _differences(one, other)[:SHOWN]
    why = "the header tells them apart by no echo, time, b-value or acquisition"
    if known:
        why = f"they differ in {known[0]}, which does not sort them into complete stacks"
    elif found:
        why += f", yet they differ in {', '.join(found)}"
    such = f" (such as {found[0]})" if found else ""
    return begin + (
        f"{why}; name what counts with --stack-by ATTRIBUTE{such}, or put each stack into a series "
        "of its own"
    )


def _differences(one: Header, other: Header) -> list[str]:
    """The names of what differs in two images: keywords, and private tags as (gggg,eeee)."""
    names = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a warning of an invalid value quotes it
        first, second = _whole(one), _whole(other)
        for element in first:
            if element.keyword in NOT_NAMED or element.VR in ("SQ", "UI", "OW", "OB", "UN"):
                continue
            if element.tag not in second or second[element.tag].value != element.value:
                tag = element.tag
                names.append(element.keyword or f"({tag.group:04X},{tag.element:04X})")
    return names


def _whole(header: Header) -> Dataset:
    dataset: Any = pydicom.dcmread(header.path, stop_before_pixels=True)
    return dataset if header.frame is None else frame_dataset(dataset, header.frame)
