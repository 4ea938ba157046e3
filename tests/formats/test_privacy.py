"""The patient appears in the header of a DICOM result, and nowhere else."""

import logging
from pathlib import Path
from typing import Any

import pytest

from medddim import formats
from medddim.errors import MedddimError
from medddim.formats import Derivation

CANARY = "ZZPHI"
IDENTITY = Derivation("identity", "Nothing was changed.")


def spoil(slices: list[Any], fault: str) -> None:
    """Break the series in one of the ways that make medddim speak."""
    one = slices[2]
    {
        "none": lambda: None,
        "class": lambda: setattr(one, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"),
        "gap": lambda: slices.pop(2),
        "two images": lambda: setattr(one, "SOPInstanceUID", slices[0].SOPInstanceUID),
        "turned": lambda: setattr(one, "ImageOrientationPatient", [0, 1, 0, 0, 0, 1]),
        "no place": lambda: delattr(one, "ImagePositionPatient"),
        "short": lambda: setattr(one, "PixelData", one.PixelData[:-10]),
        "bits": lambda: setattr(one, "BitsAllocated", 7),
    }[fault]()


@pytest.mark.parametrize(
    "fault",
    ["none", "class", "gap", "two images", "turned", "no place", "short", "bits"],
)
@pytest.mark.daily(3)
def test_no_name_no_message_no_log_holds_patient_data(
    scanner: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    caplog.set_level(logging.DEBUG)
    slices = scanner.slices(6, PatientComments="Zé ZZPHI", InstitutionName=CANARY)
    spoil(slices, fault)
    folder = scanner.store(slices)
    output: list[object] = []
    for series in formats.find(folder):
        output += [series.name, series.refusal, series.facts, series]
        try:
            volume = formats.read(series)
            output += [volume, volume.source]
            output += formats.write(volume, tmp_path / "out", name=series.name, derivation=IDENTITY)
        except MedddimError as problem:
            output += [problem, problem.__cause__, problem.__context__]
    assert output
    assert CANARY not in repr(output) + str(output) + caplog.text


@pytest.mark.parametrize("where", ["PatientName", "StudyDate", "ImagePositionPatient"])
def test_values_that_break_their_type_are_not_quoted(
    scanner: Any, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    slices = scanner.slices(1)
    folder = scanner.store(slices)
    path = folder / "000.dcm"
    spoilt = {"PatientName": b"ZZPHI^Name", "StudyDate": b"19991231",
              "ImagePositionPatient": b"-30.0"}[where]  # fmt: skip
    path.write_bytes(path.read_bytes().replace(spoilt, CANARY.encode().ljust(len(spoilt), b"\\")))
    output = [series.refusal for series in formats.find(folder)]
    try:
        formats.read(folder)
    except MedddimError as problem:
        output.append(f"{problem} {problem.__cause__}")
    assert CANARY not in "".join(output) + caplog.text
