"""What is said of a series - facts, notes, refusal - word for word, for many that are odd.

What is expected lies in `sentences.txt`; after a change that is meant, run this once with
`UPDATE_EXPECTED=1` and read the difference.
"""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, generate_uid

from medddim import formats
from tests.formats.conftest import COLUMN, NORMAL, ROW
from tests.formats.dicom.expected import compare
from tests.formats.dicom.test_kinds import NOT_FOR_US
from tests.formats.dicom.test_order import STACKS

GONE = object()
Change = Callable[[list[Dataset]], Any]
DIFFUSION = {"DiffusionBValue": 800.0, "DiffusionDirectionality": "ISOTROPIC"}


def one(number: int = 1, **attributes: Any) -> Change:
    """A change of one slice alone."""
    return lambda slices: put(slices[number], **attributes)


def put(dataset: Dataset, **attributes: Any) -> None:
    for keyword, value in attributes.items():
        if value is GONE:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)


def every(**attributes: Any) -> Change:
    return lambda slices: [put(dataset, **attributes) for dataset in slices]


def placed(*offsets_mm: Any) -> Change:
    """The slices moved; a number moves along the normal."""

    def change(slices: list[Dataset]) -> None:
        for dataset, offset in zip(slices, offsets_mm, strict=False):
            moved = np.array(dataset.ImagePositionPatient, dtype=float) + offset * NORMAL
            dataset.ImagePositionPatient = [float(f"{mm:.8f}") for mm in moved]

    return change


def twice(slices: list[Dataset]) -> None:
    """All slices again at the same places, without a word of what tells them apart."""
    for dataset in list(slices):
        again = deepcopy(dataset)
        again.SOPInstanceUID = generate_uid(entropy_srcs=[dataset.SOPInstanceUID, "again"])
        again.PixelData = dataset.PixelData[::-1]
        slices.append(again)


def leaning(slices: list[Dataset]) -> None:
    for k, dataset in enumerate(slices):
        moved = np.array(dataset.ImagePositionPatient, dtype=float) + k * COLUMN
        dataset.ImagePositionPatient = [float(f"{mm:.8f}") for mm in moved]


def beside(slices: list[Dataset]) -> None:
    for dataset in slices[2:]:
        moved = np.array(dataset.ImagePositionPatient, dtype=float) + 40 * ROW
        dataset.ImagePositionPatient = [float(f"{mm:.8f}") for mm in moved]


def turned(slices: list[Dataset], count: int = 1) -> None:
    for dataset in slices[:count]:
        dataset.ImageOrientationPatient = [*map(float, COLUMN), *map(float, NORMAL)]


def same_uid(slices: list[Dataset]) -> None:
    slices[1].SOPInstanceUID = slices[0].SOPInstanceUID


def stacked(marks: list[dict[str, Any]]) -> Change:
    """One volume for each of the marks, one after the other."""

    def change(slices: list[Dataset]) -> None:
        whole = slices.copy()
        slices.clear()
        for number, mark in enumerate(marks):
            for dataset in map(deepcopy, whole):
                uid = generate_uid(entropy_srcs=[str(dataset.SOPInstanceUID), str(number)])
                put(dataset, SOPInstanceUID=uid, InstanceNumber=len(slices) + 1, **mark)
                slices.append(dataset)

    return change


WRONG: dict[str, Change] = {
    "one identifier": same_uid,
    "two patients": one(PatientID="another"),
    "two studies": one(StudyInstanceUID="2.25.9"),
    "two scales": one(PhotometricInterpretation="MONOCHROME1"),
    "two sizes": one(Rows=3),
    "two spacings": one(PixelSpacing=[1.25, 0.8]),
    "turned": turned,
    "no place": one(ImagePositionPatient=GONE),
    "text for a place": one(ImagePositionPatient=["1", "2"]),
    "no orientation": one(0, ImageOrientationPatient=GONE),
    "no unit vectors": one(ImageOrientationPatient=[1.0, 0, 0, 0.5, 0.5, 0]),
    "spacing 0": one(PixelSpacing=[0, 1]),
    "no rows": one(Rows=0),
    "short": every(Rows=500),
    "no samples": every(SamplesPerPixel=GONE),
    "32 bits": every(BitsAllocated=32),
    "no bits": every(BitsStored=0),
    "other high bit": every(HighBit=15),
    "look-up table": every(ModalityLUTSequence=[Dataset()]),
    "slope of text": every(RescaleSlope="1e31", RescaleIntercept="0"),
    "UIH frames": every(ImageType=["ORIGINAL", "PRIMARY", "M", "VFRAME"]),
    "a slice missing": lambda slices: slices.pop(2),
    "uneven": placed(0, 0, 1, 0, 0),
    "leaning": leaning,
    "beside": beside,
    "nothing tells": twice,
    "some twice": lambda slices: [twice(slices), slices.pop()],
    "single": lambda slices: slices.__delitem__(slice(1, None)),
    "single without thickness": lambda slices: [
        slices.__delitem__(slice(1, None)), put(slices[0], SliceThickness=GONE),
    ],
    "one is a localizer": one(0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
    "one is a phase": one(0, ImageType=["ORIGINAL", "PRIMARY", "P"]),
    "one is a screenshot": one(0, SOPClassUID="1.2.840.10008.5.1.4.1.1.7"),
    "weighted": every(**DIFFUSION),
    "described": every(ProtocolName="t1 sag", ScanningSequence="SE", StudyDate="20200229"),
}  # fmt: skip


def test_what_is_said_of_each_series(scanner: Any, tmp_path: Path) -> None:
    kinds = {f"kind: {name}": every(**change) for name, (change, _) in NOT_FOR_US.items()}
    stacks = {f"stacks: {name}": stacked(marks) for name, marks in STACKS.items()}
    for number, (name, change) in enumerate({**kinds, **WRONG, **stacks}.items()):
        slices = scanner.slices(5, SeriesInstanceUID=f"2.25.5{number:03d}")
        change(slices)
        scanner.store(slices, to=name.replace(": ", "_").replace(" ", "_"))
    compare("sentences", sentences(formats.find(scanner.folder), tmp_path))


def test_what_is_said_of_each_ct_series(scanner: Any, tmp_path: Path) -> None:
    changes = {
        "no slope": every(RescaleSlope=GONE),
        "scout": every(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]),
        "tilted": leaning,
        "optical": every(RescaleType="OD"),
        "plain": every(),
    }
    for number, (name, change) in enumerate(changes.items()):
        slices = scanner.slices(5, modality="CT", SeriesInstanceUID=f"2.25.6{number:03d}")
        change(slices)
        scanner.store(slices, to=name.replace(" ", "_"))
    compare("sentences_ct", sentences(formats.find(scanner.folder), tmp_path))


def test_what_is_said_of_files_that_are_no_dicom(scanner: Any, tmp_path: Path) -> None:
    folder = scanner.store(scanner.slices(1), to="good").parent
    good = (folder / "good" / "000.dcm").read_bytes()
    spoilt = {
        "empty": b"", "text": b"text", "zeros": bytes(500), "mark_alone": bytes(128) + b"DICM",
        "cut": good[:400], "cut_pixels": good[:-20],
        "no_syntax": good.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.9.1\0"),
        "big_endian": good.replace(b"1.2.840.10008.1.2.1\0", f"{ExplicitVRBigEndian}\0".encode()),
    }  # fmt: skip
    for name, content in spoilt.items():
        (folder / f"{name}.dcm").write_bytes(content)
    compare("sentences_files", sentences(formats.find(folder), tmp_path))


@pytest.mark.parametrize("cure", ["on_gap", "on_tilt", "stack_by"])
def test_what_is_said_where_a_cure_does_not_help(scanner: Any, tmp_path: Path, cure: str) -> None:
    changes = {"uneven": placed(0, 0, 1, 0, 0), "leaning": leaning, "twice": twice,
               "gap": lambda slices: slices.pop(2)}  # fmt: skip
    for number, (name, change) in enumerate(changes.items()):
        slices = scanner.slices(5, SeriesInstanceUID=f"2.25.7{number:03d}")
        change(slices)
        scanner.store(slices, to=name)
    asked = {"on_gap": "interpolate", "on_tilt": "resample", "stack_by": "EchoTime"}[cure]
    found = formats.find(scanner.folder, **{cure: asked})
    compare(f"sentences_{cure}", sentences(found, tmp_path))


def sentences(found: Any, folder: Path) -> list[str]:
    lines = []
    for series in found:
        said = series.refusal or ", ".join(f"{key}={series.facts[key]}" for key in series.facts)
        lines.append(f"{series.name} [{series.modality}, {len(series.files)}, {series.part}]")
        lines.append(f"  {said}".replace(f"{folder}/in", "IN").replace(str(folder), "."))
    return lines
