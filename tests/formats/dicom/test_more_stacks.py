"""What else tells volumes apart, and who else says it in private: other inputs of those kinds."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.formats import Derivation
from tests.formats import enhanced
from tests.formats.dicom.test_order import acquired, assert_in_order, stored

IDENTITY = Derivation("identity", "Nothing was changed.")
OTHERS: dict[str, list[dict[str, Any]]] = {
    "RepetitionTime": [{"RepetitionTime": t} for t in ("3000", "500", "1500")],
    "ScanOptions": [{"ScanOptions": one} for one in ("MT", "NONE")],
    "SequenceName": [{"SequenceName": one} for one in ("*fl2d1", "*ep2d_0", "*ep2d_1")],
    "ReceiveCoilName": [{"ReceiveCoilName": one} for one in ("H2", "H1", "H3")],
}
OF_CT: dict[str, list[dict[str, Any]]] = {
    "KVP": [{"KVP": one} for one in ("140", "80")],
    "ConvolutionKernel": [{"ConvolutionKernel": one} for one in ("B70f", "B30f")],
}


@pytest.mark.parametrize("by", OTHERS)
@pytest.mark.daily(1)
def test_what_else_tells_volumes_apart(scanner: Any, tmp_path: Path, by: str) -> None:
    made = acquired(scanner, OTHERS[by])
    for stack in made:
        for k, dataset in enumerate(stack):
            dataset.InstanceNumber = k + 1  # begins again in each: says nothing
            dataset.AcquisitionTime = f"12010{made.index(stack)}"
    for dataset in (one for stack in made for one in stack):
        dataset.AcquisitionTime += f".{dataset.InstanceNumber}"  # no two alike
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert series.facts["stacked_by"] == by
    volume = formats.read(series)
    assert_in_order(volume, made)
    formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert_in_order(formats.read(tmp_path / "out"), made)


@pytest.mark.parametrize("by", OF_CT)
def test_ct_of_two_energies_or_kernels(scanner: Any, by: str) -> None:
    made = [scanner.slices(3, modality="CT", **mark) for mark in OF_CT[by]]
    for number, stack in enumerate(made):
        for k, dataset in enumerate(stack):
            dataset.SOPInstanceUID = f"2.25.9{number}{k}"
            dataset.InstanceNumber = number * 3 + k + 1
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert series.facts["stacked_by"] == by
    assert_in_order(formats.read(series), made)


@pytest.mark.daily(1)
@pytest.mark.parametrize("kind", ["classic", "one file"])
def test_echoes_of_repeats_of_b_values(scanner: Any, kind: str) -> None:
    """Three attributes at once."""
    marks = [
        {"EchoTime": te, "TemporalPositionIdentifier": t, "DiffusionBValue": b}
        for t in (1, 2) for b in (700.0, 0.0) for te in ("20", "10")
    ]  # fmt: skip
    made = acquired(scanner, marks)
    assert_in_order(formats.read(stored(scanner, made, kind)), made)


@pytest.mark.parametrize("block", ["10", "11", "17"])
@pytest.mark.daily(1)
def test_a_private_block_may_lie_elsewhere(scanner: Any, tmp_path: Path, block: str) -> None:
    made = acquired(scanner, [{}] * 3)
    place = int(block, 16)
    for b, stack in zip((0, 1000, 1000), made, strict=True):
        for dataset in stack:
            dataset.add_new(0x00190000 | place, "LO", "SIEMENS MR HEADER")
            dataset.add_new(0x00190000 | place << 8 | 0x0C, "IS", str(b))
            if b:
                g = [1.0, 0.0, 0.0] if stack is made[1] else [0.0, 0.6, 0.8]
                dataset.add_new(0x00190000 | place << 8 | 0x0E, "FD", g)
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert series.facts["stacked_by"] == "DiffusionGradientOrientation"
    volume = formats.read(series)
    assert_in_order(volume, made)
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert pydicom.dcmread(files[-1]).DiffusionGradientOrientation == [0, 0.6, 0.8]
    assert pydicom.dcmread(files[-1]).DiffusionBValue == 1000


def test_a_b_value_in_the_name_of_the_sequence(scanner: Any, tmp_path: Path) -> None:
    """All that is left of Siemens diffusion once private attributes were taken out."""
    names = ("*ep_b0", "*ep_b50t", "*ep_b800t")
    made = acquired(scanner, [{"SequenceName": n, "Manufacturer": "SIEMENS"} for n in names])
    (series,) = formats.find(stored(scanner, made, "classic"))
    assert series.facts["stacked_by"] == "DiffusionBValue"
    volume = formats.read(series)
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert [pydicom.dcmread(file).DiffusionBValue for file in files[::3]] == [0, 50, 800]


def test_label_and_control_in_one_enhanced_file_are_refused_by_name(scanner: Any) -> None:
    made = acquired(scanner, [{"TemporalPositionIdentifier": n // 2 + 1} for n in range(4)])
    every = [dataset for stack in made for dataset in stack]
    path = scanner.folder / "asl" / "one.dcm"
    enhanced.store(every, path)
    dataset = pydicom.dcmread(path)
    for number, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
        item = Dataset()
        item.ASLContext = "LABEL" if number // 3 % 2 else "CONTROL"
        frame.MRArterialSpinLabelingSequence = [item]
    dataset.save_as(path)
    (series,) = formats.find(path)
    assert "label and control images of arterial spin labelling" in series.refusal
    named = series.refusal.partition('--stack-by "')[2].partition('"')[0]
    assert_in_order(formats.read(path, stack_by=named), made)


@pytest.mark.daily(1)
@pytest.mark.parametrize("kind", ["classic", "one file"])
def test_magnitude_real_imaginary_and_phase_of_two_echoes(scanner: Any, kind: str) -> None:
    parts = {"M": "MAGNITUDE", "R": "REAL", "I": "IMAGINARY", "P": "PHASE"}
    marks = [
        {"ImageType": ["ORIGINAL", "PRIMARY", f"{m}_FFE", m, "FFE"], "ComplexImageComponent": part,
         "EchoTime": te}
        for te in ("5", "9") for m, part in parts.items()
    ]  # fmt: skip
    made = acquired(scanner, marks)
    (series,) = formats.find(stored(scanner, made, kind))
    assert len(series.facts["notes"]) == 3
    assert_in_order(formats.read(series), [made[0], made[4]])


def test_scouts_of_two_orientations_and_another_size(scanner: Any) -> None:
    slices = scanner.slices(8, modality="CT")
    scouts = scanner.slices(2, modality="CT", shape=(9, 11))
    for number, (scout, cosines) in enumerate(
        zip(scouts, ([1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]), strict=True)
    ):
        scout.ImageOrientationPatient, scout.SOPInstanceUID = cosines, f"2.25.8{number}"
    (series,) = formats.find(scanner.store([*scouts, *slices]))
    assert series.facts["notes"] == ["2 of its 10 images left out: another orientation"]
    assert formats.read(series).shape == (7, 5, 8)


def test_times_of_perfusion_in_an_enhanced_image(scanner: Any) -> None:
    """Each frame has a time of its own, and nothing else."""
    made = acquired(scanner, [{}] * 4)
    for number, stack in enumerate(made):
        for k, dataset in enumerate(stack):
            dataset.AcquisitionTime = f"1201{10 + 1.5 * number + 0.3 * k:09.6f}"
    rng = np.random.default_rng(1)
    every = [dataset for stack in made for dataset in stack]
    path = scanner.folder / "perfusion" / "one.dcm"
    enhanced.store([every[i] for i in rng.permutation(len(every))], path)
    (series,) = formats.find(path)
    assert_in_order(formats.read(series), made)
