"""The refusal of images at one place, word for word."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medddim.formats.dicom.differ import why_not
from medddim.formats.dicom.files import read_header

CURE = (
    "; name what counts with --stack-by ATTRIBUTE{such}, or put each stack into a series of its own"
)


def said(
    scanner: Any, other: dict[str, Any], differing: Any = (), names: str = "", **more: Any
) -> str:
    """Of three slices and two more at the places of the last two, which differ as `other` says."""
    slices = scanner.slices(3, EchoTime=10, FlipAngle=15)
    again = [deepcopy(one) for one in slices[1:]]
    for one in again:
        one.update(other)
    folder = scanner.store([*slices, *again])
    headers = [read_header(path) for path in sorted(folder.iterdir())]
    reason = why_not(headers, np.array([0, 1, 2, 1, 2]), differing, names, **more)
    begin = (
        "2 slices lie where another one lies already, first 001.dcm and 003.dcm in "
        f"{Path(folder)}: "
    )
    assert reason.startswith(begin)
    return reason.removeprefix(begin)


@pytest.mark.parametrize(
    ("names", "labelled"),
    [("ASLContext", "ASLContext"), ("EchoTime and (2005,1429)", "(2005,1429)")],
)
def test_label_and_control_are_named_by_what_tells_them_apart(
    scanner: Any, names: str, labelled: str
) -> None:
    assert said(scanner, {}, [labelled], names) == (
        "label and control images of arterial spin labelling (they differ in "
        f'{labelled}), whose difference is what counts; --stack-by "{names}" reads them'
    )


def test_several_that_sort_them_are_all_named(scanner: Any) -> None:
    assert said(scanner, {}, ["EchoTime", "TriggerTime"], several=True) == (
        "EchoTime and TriggerTime sort them differently; say which one counts with --stack-by "
        "ATTRIBUTE"
    )


def test_the_first_attribute_in_which_the_two_differ_is_named(scanner: Any) -> None:
    other = {"FlipAngle": 30, "EchoTime": 20}
    assert said(scanner, other, ["KVP", "FlipAngle", "EchoTime"]) == (
        "they differ in FlipAngle, which does not sort them into complete stacks"
        + CURE.format(such=" (such as FlipAngle)")
    )


def test_what_always_differs_is_not_named(scanner: Any) -> None:
    other = {"InstanceNumber": 7, "WindowCenter": 7, "SOPInstanceUID": "2.25.7", "FlipAngle": 30}
    begin = "the header tells them apart by no echo, time, b-value or acquisition"
    assert said(scanner, other) == (
        begin + ", yet they differ in FlipAngle" + CURE.format(such=" (such as FlipAngle)")
    )
    del other["FlipAngle"]
    assert said(scanner, other) == begin + CURE.format(such="")


def test_no_more_than_four_are_named_the_first_of_the_header(scanner: Any) -> None:
    other = {"SeriesDescription": "b", "PatientBirthDate": "19700101", "SliceThickness": 4,
             "EchoTime": 20, "FlipAngle": 30, "WindowCenter": 7}  # fmt: skip
    assert said(scanner, other) == (
        "the header tells them apart by no echo, time, b-value or acquisition, yet they differ in "
        "SeriesDescription, PatientBirthDate, SliceThickness, EchoTime"
        + CURE.format(such=" (such as SeriesDescription)")
    )
