"""Stacks separated by other things: words, clocks, numbers, or what the user names."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import SecondaryCaptureImageStorage

from medddim import formats
from medddim.errors import RequestProblem
from medddim.formats import Derivation
from tests.formats import enhanced
from tests.formats.dicom.test_order import acquired, assert_in_order, stored

IDENTITY = Derivation("identity", "Nothing was changed.")


def kind_of(series: Any) -> tuple[str, str]:
    assert not series.refusal
    return series.facts["kind"], series.facts.get("stacked_by", "")


def test_water_and_fat_are_stacked_by_image_type(scanner: Any, tmp_path: Path) -> None:
    kinds = [("W", "0", 1), ("F", "0", 1), ("IP", "2.3", 2), ("OP", "1.15", 1)]
    marks = [
        {"ImageType": ["DERIVED", "PRIMARY", k, k], "EchoTime": te, "EchoNumbers": n}
        for k, te, n in kinds
    ]
    made = acquired(scanner, marks)
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert kind_of(series) == ("stack of 4", "ImageType")
    volume = formats.read(series)
    assert_in_order(volume, made)
    written = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert_in_order(formats.read(tmp_path / "out"), made)
    assert pydicom.dcmread(written[4]).ImageType == ["DERIVED", "SECONDARY", "F", "F"]


@pytest.mark.parametrize("kind", ["classic", "one file"])
def test_a_cardiac_phase_that_is_said_as_a_share(scanner: Any, kind: str) -> None:
    made = acquired(scanner, [{"NominalPercentageOfCardiacPhase": p} for p in (40.0, 0.0, 80.0)])
    (series,) = formats.find(stored(scanner, made, kind))
    assert kind_of(series) == ("stack of 3", "NominalPercentageOfCardiacPhase")
    assert_in_order(formats.read(series), made)


@pytest.mark.parametrize("tag", ["TriggerTime", "AcquisitionTime", "ContentTime"])
@pytest.mark.daily(1)
def test_a_clock_that_runs_through_the_slices(scanner: Any, tag: str) -> None:
    """Each breath hold has its own heart rate; each image of a perfusion scan its own time."""
    made = acquired(scanner, [{}] * 4)
    for number, stack in enumerate(made):
        for k, dataset in enumerate(stack):
            clock = f"1201{10 + 1.5 * number + 0.3 * k:09.6f}"
            setattr(dataset, tag, str(150 * number + 2 * k) if tag == "TriggerTime" else clock)
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert kind_of(series) == ("stack of 4", tag)
    assert_in_order(formats.read(series), made)


@pytest.mark.parametrize("numbering", ["volumes", "slices"])
def test_numbers_alone_if_they_are_complete(scanner: Any, numbering: str) -> None:
    """Functional MR of GE; repeats of one b-value."""
    made = acquired(scanner, [{"DiffusionBValue": b} for b in (0.0, 0.0, 900.0, 900.0)], numbering)
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert kind_of(series) == ("stack of 4", "InstanceNumber")
    assert_in_order(formats.read(series), made)


def test_numbers_with_a_gap_are_not_enough(scanner: Any) -> None:
    made = acquired(scanner, [{}] * 3)
    for dataset in made[2]:
        dataset.InstanceNumber += 1
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert "--stack-by ATTRIBUTE" in series.refusal


def test_numbers_that_mix_echoes_are_not_enough(scanner: Any) -> None:
    made = acquired(scanner, [{}] * 2)
    made[0][1].EchoTime, made[1][1].EchoTime = "5", "9"
    made[0][0].EchoTime, made[1][0].EchoTime = "9", "5"
    made[0][2].EchoTime, made[1][2].EchoTime = "5", "7"
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert "EchoTime, which does not sort them into complete stacks" in series.refusal


def test_two_readings_are_named(scanner: Any) -> None:
    made = acquired(scanner, [{}] * 2)
    for number, stack in enumerate(made):
        for k, dataset in enumerate(stack):
            dataset.TriggerTime = str(100 * (number if k else 1 - number) + k)
    folder = stored(scanner, made, "classic")
    (series,) = formats.find(folder)
    assert "TriggerTime and InstanceNumber sort them differently" in series.refusal
    assert_in_order(formats.read(folder, stack_by="InstanceNumber"), made)
    by_trigger = formats.read(folder, stack_by="TriggerTime")
    swapped = [[made[1][0], *made[0][1:]], [made[0][0], *made[1][1:]]]
    assert_in_order(by_trigger, swapped)


def private_echo(dataset: Dataset, number: int) -> None:
    block = dataset.private_block(0x19, "GEMS_ACQU_01", create=True)
    block.add_new(0xA2, "SL", number)


def test_a_private_attribute_is_named_and_taken(scanner: Any, tmp_path: Path) -> None:
    made = acquired(scanner, [{}] * 3)
    for number, stack in enumerate(made):
        for k, dataset in enumerate(stack):
            dataset.InstanceNumber = k + 1
            private_echo(dataset, number)
    folder = stored(scanner, made, "classic")
    (series,) = formats.find(folder)
    assert "they differ in (0019,10A2)" in series.refusal
    (series,) = formats.find(folder, stack_by="(0019,10A2)")
    assert kind_of(series) == ("stack of 3", "(0019,10A2)")
    volume = formats.read(series)
    assert_in_order(volume, made)
    formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert_in_order(formats.read(tmp_path / "out"), made)


def test_label_and_control_are_refused_by_name(scanner: Any) -> None:
    marks = [{"TemporalPositionIdentifier": t, "TriggerTime": d} for t in (1, 2) for d in "36" * 2]
    made = acquired(scanner, marks)
    for number, stack in enumerate(made):
        for dataset in stack:
            block = dataset.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
            block.add_new(0x29, "CS", "LABEL" if number % 4 < 2 else "CONTROL")
    folder = stored(scanner, made, "classic")
    (series,) = formats.find(folder)
    assert "label and control images of arterial spin labelling" in series.refusal
    named = series.refusal.partition('--stack-by "')[2].partition('"')[0]
    assert named == "TemporalPositionIdentifier and TriggerTime and (2005,1429)"
    assert_in_order(formats.read(folder, stack_by=named), made)


def test_runs_over_different_ranges_become_volumes_of_their_own(scanner: Any) -> None:
    long = scanner.slices(6, modality="CT", AcquisitionNumber=1)
    short = scanner.slices(6, modality="CT", AcquisitionNumber=2)[2:5]
    for k, dataset in enumerate(short):
        dataset.SOPInstanceUID = f"2.25.{k + 7}"
    folder = scanner.store([*long, *short])
    (series,) = formats.find(folder)
    assert "AcquisitionNumber, which does not sort them into complete stacks" in series.refusal
    assert "--stack-by ATTRIBUTE" in series.refusal
    parts = formats.find(folder, stack_by="AcquisitionNumber")
    assert [one.facts["shape"][2] for one in parts] == [6, 3]
    assert parts[1].facts["repairs"] == ["part 2 of 2, by AcquisitionNumber"]
    for part, slices in zip(parts, (long, short), strict=True):
        voxels = formats.read(part).voxels[0]
        for k, dataset in enumerate(slices):
            pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(5, 7)
            np.testing.assert_array_equal(voxels[:, :, k], pixels.T)


def test_what_does_not_differ_cannot_be_stacked_by(scanner: Any) -> None:
    folder = stored(scanner, acquired(scanner, [{"EchoTime": "5"}] * 2), "classic")
    (series,) = formats.find(folder, stack_by="EchoTime")
    assert "expected images that differ in EchoTime" in series.refusal
    with pytest.raises(RequestProblem, match=r"expected DICOM keywords or tags.*'Echo'"):
        formats.find(folder, stack_by="Echo")


def test_a_scout_is_left_out(scanner: Any) -> None:
    slices = scanner.slices(5, modality="CT")
    scout = scanner.slices(6, modality="CT", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])[5]
    scout.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    (series,) = formats.find(scanner.store([scout, *slices]))
    assert series.facts["notes"] == ["1 of its 6 images left out: a localizer"]
    assert (series.facts["shape"][2], len(series.files)) == (5, 6)
    assert formats.read(series).shape == (7, 5, 5)


def test_a_screenshot_is_left_out(scanner: Any) -> None:
    slices = scanner.slices(5, modality="CT")
    slices[4].SOPClassUID = SecondaryCaptureImageStorage
    slices[4].Modality, slices[4].PhotometricInterpretation = "OT", "RGB"
    (series,) = formats.find(scanner.store(slices))
    assert not series.refusal
    note = "1 of its 5 images left out: Secondary Capture Image Storage"
    assert series.facts["notes"] == [note]
    assert formats.read(series).shape[2] == 4


def test_a_turned_image_among_many_is_left_out(scanner: Any) -> None:
    slices = scanner.slices(10, modality="CT")
    slices[0].ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    (series,) = formats.find(scanner.store(slices))
    assert series.facts["notes"] == ["1 of its 10 images left out: another orientation"]


@pytest.mark.parametrize("kind", ["classic", "one file"])
def test_phases_beside_magnitudes_are_left_out(scanner: Any, tmp_path: Path, kind: str) -> None:
    marks = [{"ImageType": ["ORIGINAL", "PRIMARY", f"{m}_FFE", m, "FFE"],
              "ComplexImageComponent": part}
             for m, part in (("M", "MAGNITUDE"), ("P", "PHASE"))]  # fmt: skip
    made = acquired(scanner, marks)
    folder = stored(scanner, made, kind)
    (series,) = formats.find(folder)
    assert series.facts["notes"] == ["3 of its 6 images left out: a phase image"]
    volume = formats.read(series)
    assert_in_order(volume, made[:1])
    written = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    problems = formats.check(written, volume, derivation=IDENTITY, format="dicom")
    assert not any(problems.values())


def test_frames_that_only_their_number_tells_apart(scanner: Any) -> None:
    made = acquired(scanner, [{}] * 3)
    path = scanner.folder / "one.dcm"
    enhanced.store([dataset for stack in made for dataset in stack], path, numbered=True)
    assert_in_order(formats.read(path), made)
