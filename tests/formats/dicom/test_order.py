"""The k-th volume is the k-th acquired, whatever tells the volumes apart."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from medddim import formats
from medddim.formats import Derivation
from medddim.formats.dicom.files import Header
from medddim.formats.dicom.order import CLOCKS as ASKED
from medddim.formats.dicom.order import as_acquired, as_met
from tests.formats import enhanced

IDENTITY = Derivation("identity", "Nothing was changed.")
X, Y, Z = (np.eye(3)[axis].tolist() for axis in range(3))
DIRECTIONS = [
    {"DiffusionBValue": 0.0, "DiffusionDirectionality": "NONE"},
    *(
        {
            "DiffusionBValue": 1000.0,
            "DiffusionDirectionality": "DIRECTIONAL",
            "DiffusionGradientOrientation": g,
        }
        for g in (Z, X, Y)
    ),
    {"DiffusionBValue": 1000.0, "DiffusionDirectionality": "ISOTROPIC"},
]
STACKS: dict[str, list[dict[str, Any]]] = {
    "b-value": [{"DiffusionBValue": b} for b in (1000.0, 0.0, 500.0)],
    "direction": DIRECTIONS,
    "echo": [{"EchoNumbers": n, "EchoTime": te} for n, te in ((2, "9.2"), (1, "4.6"), (3, "14"))],
    "flip angle": [{"FlipAngle": a} for a in ("15", "3", "9")],
    "inversion time": [{"InversionTime": ti} for ti in ("900", "100", "350")],
    "echo time": [{"EchoTime": te} for te in ("30", "20", "100")],
    "trigger": [{"TriggerTime": t} for t in ("500", "20", "260")],
    "acquisition time": [{"AcquisitionTime": t} for t in ("120101", "120105.5", "120110")],
    "temporal position": [{"TemporalPositionIdentifier": t} for t in (9, 10, 11)],
    "acquisition": [{"AcquisitionNumber": t} for t in (3, 1, 2)],
}


def acquired(
    scanner: Any, marks: list[dict[str, Any]], numbering: str = "volumes"
) -> list[list[Dataset]]:
    """A volume of three slices for each of the marks, in this order; InstanceNumber counts up."""
    made = [scanner.slices(3) for _ in marks]
    for number, (stack, mark) in enumerate(zip(made, marks, strict=True)):
        for k, dataset in enumerate(stack):
            dataset.InstanceNumber = (
                number * 3 + k + 1 if numbering == "volumes" else k * len(marks) + number + 1
            )
            dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(number), str(k), "order"])
            dataset.update(mark)
    return made


def assert_in_order(volume: Any, made: list[list[Dataset]]) -> None:
    assert volume.channels == len(made)
    for channel, stack in zip(volume.voxels, made, strict=True):
        for k, dataset in enumerate(stack):
            pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(5, 7)
            np.testing.assert_array_equal(channel[:, :, k], pixels.T)


def stored(scanner: Any, made: list[list[Dataset]], kind: str) -> Path:
    """The slices as files whose names and order say nothing, or as the frames of files."""
    every = [dataset for stack in made for dataset in stack]
    names = scanner.rng.permutation(len(every)).tolist()
    if kind == "classic":
        return scanner.store([every[i] for i in names])
    files = {"one file": [every], "a file a volume": made, "a file a slice": [[d] for d in every]}
    folder: Path = scanner.folder / "series"
    for number, (name, frames) in enumerate(zip(names, files[kind], strict=False), 1):
        frames[0].InstanceNumber = number  # becomes that of the file
        enhanced.store(frames, folder / f"{name:02d}.dcm", numbered=True)
    return folder


@pytest.mark.parametrize("kind", ["classic", "one file", "a file a volume", "a file a slice"])
@pytest.mark.parametrize("by", STACKS)
@pytest.mark.daily(4)
def test_volumes_come_as_acquired(scanner: Any, tmp_path: Path, *, by: str, kind: str) -> None:
    if by == "echo" and kind != "classic":
        pytest.skip("an enhanced image has no EchoNumbers")
    made = acquired(scanner, STACKS[by])
    folder = stored(scanner, made, kind)
    volume = formats.read(folder)
    assert_in_order(volume, made)
    formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert_in_order(formats.read(tmp_path / "out"), made)
    files = sorted((tmp_path / "out" / "x").iterdir())
    first = [pydicom.dcmread(file) for file in files][::3]
    for keyword in ("DiffusionBValue", "DiffusionGradientOrientation", "DiffusionDirectionality"):
        expected = [mark.get(keyword) for mark in STACKS[by]]
        assert [one.get(keyword) for one in first] == expected


@pytest.mark.parametrize("by", STACKS)
@pytest.mark.daily(1)
def test_numbers_that_run_slice_by_slice(scanner: Any, by: str) -> None:
    made = acquired(scanner, STACKS[by], numbering="slices")
    assert_in_order(formats.read(stored(scanner, made, "classic")), made)


def test_numbers_that_contradict_each_other_leave_it_to_the_clock(scanner: Any) -> None:
    marks = [{"EchoTime": te, "AcquisitionTime": t} for te, t in (("9", "120101"), ("5", "120105"))]
    made = acquired(scanner, marks)
    for number, dataset in zip((4, 1, 6, 2, 5, 3), (d for s in made for d in s), strict=True):
        dataset.InstanceNumber = number  # as after an anonymiser: alike at no two places
    assert_in_order(formats.read(stored(scanner, made, "classic")), made)


@pytest.mark.daily(2)
@pytest.mark.parametrize("said", ["time", "dimensions"])
@pytest.mark.parametrize("by", ["b-value", "direction", "flip angle", "inversion time", "trigger"])
def test_frames_in_any_order_leave_it_to_the_clock(scanner: Any, *, by: str, said: str) -> None:
    made = acquired(scanner, STACKS[by])
    every = [(number, k) for number in range(len(made)) for k in range(3)]
    for number, k in every:
        if said == "time":
            made[number][k].AcquisitionTime = f"1201{10 + number}"
        else:
            made[number][k].DimensionIndexValues = [1, k + 1, number + 1]
    order = [every[place] for place in scanner.rng.permutation(len(every))]
    enhanced.store([made[number][k] for number, k in order], scanner.folder / "series" / "a.dcm")
    assert_in_order(formats.read(scanner.folder / "series"), made)


def test_frames_in_any_order_by_their_offset_in_time(scanner: Any, tmp_path: Path) -> None:
    made = acquired(scanner, [{"TemporalPositionTimeOffset": t} for t in (0.0, 2.5, 5.0)])
    every = [dataset for stack in made for dataset in stack]
    order = scanner.rng.permutation(9)
    enhanced.store([every[place] for place in order], scanner.folder / "series" / "a.dcm")
    volume = formats.read(scanner.folder / "series")
    assert_in_order(volume, made)
    formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert_in_order(formats.read(tmp_path / "out"), made)


def test_without_a_clock_the_first_image_decides(scanner: Any) -> None:
    made = acquired(scanner, STACKS["flip angle"])
    for numbers, stack in zip(((1, 6, 7), (2, 5, 8), (3, 4, 9)), made, strict=True):
        for number, dataset in zip(numbers, stack, strict=True):
            dataset.InstanceNumber = number  # there and back: not alike at all places
    assert_in_order(formats.read(stored(scanner, made, "classic")), made)


def test_numbers_that_begin_again_in_each_volume_say_nothing(scanner: Any) -> None:
    marks = [{"EchoTime": te, "AcquisitionNumber": n} for te, n in (("9", 1), ("5", 2))]
    made = acquired(scanner, marks)
    for stack in made:
        for k, dataset in enumerate(stack):
            dataset.InstanceNumber = k + 1
    assert_in_order(formats.read(stored(scanner, made, "classic")), made)


def test_a_result_in_another_order_is_found(scanner: Any, tmp_path: Path) -> None:
    """As a result by value: right voxels, in the order of the b-values."""
    made = acquired(scanner, STACKS["b-value"])
    source = formats.read(stored(scanner, made, "classic"))
    written = formats.write(source, tmp_path / "out", name="x", derivation=IDENTITY)
    problems = formats.check(written, source, derivation=IDENTITY, format="dicom")
    assert not problems["order"]
    by_value = [written[n] for n in (3, 4, 5, 6, 7, 8, 0, 1, 2)]
    problems = formats.check(by_value, source, derivation=IDENTITY, format="dicom")
    assert "expected an image of volume 1 as acquired" in problems["order"]


CLOCKS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"InstanceNumber": 9}, {"InstanceNumber": 10}),
    (
        {"AcquisitionDate": "20260101", "AcquisitionTime": "235959"},
        {"AcquisitionDate": "20260102", "AcquisitionTime": "000000.5"},
    ),
    ({"TemporalPositionIdentifier": 9}, {"TemporalPositionIdentifier": 10}),
    ({"TemporalPositionTimeOffset": -0.5}, {"TemporalPositionTimeOffset": 2.5}),
    ({"AcquisitionNumber": 9}, {"AcquisitionNumber": 10}),
    ({"ContentTime": "095959.9"}, {"ContentTime": "100000"}),
    ({"DimensionIndexValues": [1, 9, 1]}, {"DimensionIndexValues": [1, 10, 1]}),
]
"""What says of two volumes which came first, that which counts most first."""
AS_ONE = [
    ({"AcquisitionDateTime": one}, {"AcquisitionDateTime": other})
    for one, other in (
        ("20260101235959.5", "20260102000000.25"),
        ("20260101095959+0100", "20260101100000+0100"),
        ("20260101095959.9-0800", "20260101100000-0800"),
    )
]


BY_THE_HOUR = [
    ({"ContentTime": "0959"}, {"ContentTime": "10"}),
    ({"AcquisitionTime": "095959.5"}, {"AcquisitionTime": "1000"}),
    ({"AcquisitionDateTime": "20260101095959"}, {"AcquisitionDateTime": "2026010110"}),
]
"""Times that end with their hour or minute, as they may."""
CONTENT = [
    (
        {"ContentDate": "20260101", "ContentTime": "235959"},
        {"ContentDate": "20260102", "ContentTime": "000000"},
    )
]


def headers(*marks: dict[str, Any]) -> list[Header]:
    made = []
    for mark in marks:
        dataset = Dataset()
        dataset.update(mark)
        made.append(Header(Path("x"), dataset, "", ExplicitVRLittleEndian, 0))
    return made


@pytest.mark.parametrize(("first", "second"), [*CLOCKS, *AS_ONE, *BY_THE_HOUR, *CONTENT])
def test_each_clock_tells_which_came_first(first: Any, second: Any) -> None:
    assert as_acquired([[0], [1]], headers(second, first)) == [[1], [0]]
    assert as_acquired([[0], [1]], headers(first, second)) == [[0], [1]]


@pytest.mark.parametrize("place", range(len(CLOCKS) - 1))
def test_a_clock_counts_more_than_those_behind_it_and_they_break_its_ties(place: int) -> None:
    first, second = CLOCKS[place]
    for before, after in CLOCKS[place + 1 :]:
        assert as_acquired([[0], [1]], headers(second | before, first | after)) == [[1], [0]]
        assert as_acquired([[0], [1]], headers(first | after, first | before)) == [[1], [0]]


@pytest.mark.parametrize("value", [None, [1.0, float("nan")]])
def test_a_clock_that_does_not_go_leaves_the_order_as_it_is(value: Any) -> None:
    stopped = {"TemporalPositionTimeOffset": value}
    assert as_acquired([[0], [1]], headers(stopped, stopped)) == [[0], [1]]
    later = {"TemporalPositionTimeOffset": 2.0}
    assert as_acquired([[0], [1]], headers(later, stopped)) == [[1], [0]]


@pytest.mark.parametrize("place", range(len(ASKED)))
def test_all_that_is_asked_of_a_header_is_in_the_dictionary_of_dicom(place: int) -> None:
    asked: set[str] = set()

    class Listening(Dataset):
        def get(self, key: Any, default: Any = None) -> Any:
            asked.add(key)
            return default

    assert ASKED[place](Header(Path("x"), Listening(), "", ExplicitVRLittleEndian, 0)) == ()
    assert asked
    assert all(tag_for_keyword(keyword) for keyword in asked), asked


def test_a_clock_counts_only_if_it_goes_alike_at_every_place() -> None:
    one = [{"AcquisitionNumber": n} for n in (2, 1, 1, 2)]
    assert as_acquired([[0, 1], [2, 3]], headers(*one)) == [[0, 1], [2, 3]]
    alike = [{"AcquisitionNumber": n} for n in (2, 7, 1, 6)]
    assert as_acquired([[0, 1], [2, 3]], headers(*alike)) == [[2, 3], [0, 1]]


def test_for_want_of_a_clock_the_lowest_number_of_each_decides() -> None:
    made = headers(*({"InstanceNumber": n} for n in (5, 9, 8, 2)))
    assert as_met([[0, 1], [2, 3]], made) == [[2, 3], [0, 1]]
