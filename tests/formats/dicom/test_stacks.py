"""Several images at each place: stacks if the header sorts them, else refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from medddim import formats
from medddim.errors import IrregularGeometry, WriteRefused
from medddim.formats import Derivation

IDENTITY = Derivation("identity", "Nothing was changed.")

SIEMENS_B = (0x0019, 0x0C, "SIEMENS MR HEADER", "IS")
GE_B = (0x0043, 0x39, "GEMS_PARM_01", "IS")
PHILIPS_B = (0x2001, 0x03, "Philips Imaging DD 001", "FL")


def stacks(scanner: Any, count: int, mark: Callable[[Dataset, int], Any]) -> list[list[Dataset]]:
    """`count` stacks at the same places; `mark` puts what tells them apart into a slice."""
    made = [scanner.slices(4) for _ in range(count)]
    for number, stack in enumerate(made):
        for dataset in stack:
            dataset.SOPInstanceUID = generate_uid(
                entropy_srcs=[dataset.SOPInstanceUID, str(number)]
            )
            mark(dataset, number)
    return made


def assert_channels_are(volume: Any, made: list[list[Dataset]]) -> None:
    assert volume.voxels.shape == (len(made), 7, 5, 4)
    for channel, stack in zip(volume.voxels, made, strict=True):
        for k, dataset in enumerate(stack):
            pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(5, 7)
            np.testing.assert_array_equal(channel[:, :, k], pixels.T)


def shuffled(scanner: Any, made: list[list[Dataset]]) -> Path:
    """All slices in one folder, in an order that says nothing."""
    every = [dataset for stack in made for dataset in stack]
    return scanner.store([every[i] for i in scanner.rng.permutation(len(every))])


@pytest.mark.parametrize(
    ("tag", "values"),
    [
        ("EchoTime", ["4.6", "9.2", "13.8"]),
        ("EchoNumbers", [1, 2]),
        ("TemporalPositionIdentifier", [9, 10, 11]),  # as text, 10 would come first
        ("DiffusionBValue", [0.0, 800.0]),
        ("InversionTime", ["100", "2500"]),
        ("TriggerTime", ["0", "52.5", "105"]),
        ("FlipAngle", ["5", "15"]),
        ("AcquisitionNumber", [1, 2]),
    ],
)
@pytest.mark.daily(1)
def test_one_attribute_sorts_them(
    scanner: Any, tmp_path: Path, *, tag: str, values: list[Any]
) -> None:
    made = stacks(scanner, len(values), lambda dataset, n: setattr(dataset, tag, values[n]))
    (series,) = formats.find(shuffled(scanner, made))
    assert (series.facts["kind"], series.facts["stacked_by"]) == (f"stack of {len(made)}", tag)
    assert series.facts["shape"] == (7, 5, 4)
    volume = formats.read(series)
    assert_channels_are(volume, made)
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    results = [pydicom.dcmread(file) for file in files]
    sources = [dataset for stack in made for dataset in stack]
    assert [result.InstanceNumber for result in results] == list(range(1, len(sources) + 1))
    for result, source in zip(results, sources, strict=True):
        assert result.PixelData == source.PixelData
        assert result[tag].value == source[tag].value
        (reference,) = result.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
    again = formats.read(tmp_path / "out" / "x")
    np.testing.assert_array_equal(again.voxels, volume.voxels)
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-6)


def test_two_attributes_together_sort_them(scanner: Any) -> None:
    def mark(dataset: Dataset, number: int) -> None:
        dataset.EchoTime = ["10", "20"][number % 2]
        dataset.TemporalPositionIdentifier = number // 2 + 1

    made = stacks(scanner, 6, mark)
    (series,) = formats.find(shuffled(scanner, made))
    assert series.facts["stacked_by"] == "EchoTime and TemporalPositionIdentifier"
    assert_channels_are(formats.read(series), made)


def test_directions_of_one_b_value(scanner: Any) -> None:
    def mark(dataset: Dataset, number: int) -> None:
        dataset.DiffusionBValue = 1000.0 if number else 0.0
        if number:
            dataset.DiffusionGradientOrientation = np.eye(3)[number - 1].tolist()

    made = stacks(scanner, 4, mark)
    (series,) = formats.find(shuffled(scanner, made))
    assert series.facts["kind"] == "stack of 4"
    assert formats.read(series).channels == 4


@pytest.mark.parametrize("private", [SIEMENS_B, GE_B, PHILIPS_B], ids=lambda private: private[2])
@pytest.mark.daily(1)
def test_b_values_that_vendors_hide(scanner: Any, tmp_path: Path, private: Any) -> None:
    group, element, creator, kind = private

    def mark(dataset: Dataset, number: int) -> None:
        value = [0, 1_000_000_700 if group == 0x43 else 700][number]  # GE adds its flag
        block = dataset.private_block(group, creator, create=True)
        block.add_new(element, kind, value)

    made = stacks(scanner, 2, mark)
    (series,) = formats.find(shuffled(scanner, made))
    assert series.facts["stacked_by"] == "DiffusionBValue"
    volume = formats.read(series)
    assert_channels_are(volume, made)
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert pydicom.dcmread(files[-1]).DiffusionBValue == 700
    assert formats.read(tmp_path / "out").channels == 2


def test_a_cine_at_one_place_is_a_stack_of_slices(scanner: Any) -> None:
    made = stacks(scanner, 3, lambda dataset, n: setattr(dataset, "TriggerTime", str(40 * n)))
    (series,) = formats.find(scanner.store([stack[1] for stack in made]))
    assert series.facts["kind"] == "stack of 3"
    assert formats.read(series).voxels.shape == (3, 7, 5, 1)


def test_images_that_nothing_tells_apart_are_refused(scanner: Any) -> None:
    made = stacks(scanner, 2, lambda dataset, n: None)
    (series,) = formats.find(shuffled(scanner, made))
    assert "4 slices lie where another one lies" in series.refusal
    assert "tells them apart by no echo" in series.refusal
    with pytest.raises(IrregularGeometry):
        formats.read(series)


def test_a_stack_that_lacks_a_slice_is_refused_by_the_attribute(scanner: Any) -> None:
    made = stacks(scanner, 2, lambda dataset, n: setattr(dataset, "EchoTime", str(10 + n)))
    del made[1][2]
    (series,) = formats.find(scanner.store([*made[0], *made[1]]))
    assert "EchoTime, which does not sort them into complete stacks" in series.refusal


def test_stacks_beside_each_other_are_refused(scanner: Any) -> None:
    made = stacks(scanner, 2, lambda dataset, n: setattr(dataset, "EchoTime", str(10 + n)))
    for dataset in made[1]:
        dataset.ImagePositionPatient[0] += 5  # along the rows
    (series,) = formats.find(scanner.store([*made[0], *made[1]]))
    assert "lie beside each other, 5.00 mm apart" in series.refusal


def test_a_result_with_fewer_channels_is_refused(scanner: Any, tmp_path: Path) -> None:
    made = stacks(scanner, 2, lambda dataset, n: setattr(dataset, "EchoTime", str(10 + n)))
    volume = formats.read(shuffled(scanner, made))
    with pytest.raises(WriteRefused, match=r"2 .*found 1"):
        formats.write(volume.with_voxels(volume.voxels[:1]), tmp_path, name="x")
