"""Other tools find the same b-values and directions in a result as in its source."""

import importlib
from pathlib import Path
from typing import Any

import pytest

from medddim import formats
from medddim.formats import Derivation
from tests.formats.dicom.test_order import acquired, stored
from tests.formats.dicom.test_private_diffusion import VECTORS, canon, ge, philips, siemens, uih

pytest.importorskip("benchmarks", reason="benchmarks are not in the sdist")
b_tables = importlib.import_module("benchmarks.b_tables")

MAKERS = {"SIEMENS": siemens, "GE MEDICAL SYSTEMS": ge, "Philips": philips, "UIH": uih,
          "TOSHIBA": canon, "CANON_MEC": canon}  # fmt: skip
OF_A_SCANNER = {
    "ScanningSequence": "EP", "SequenceVariant": "NONE", "MRAcquisitionType": "2D",
    "RepetitionTime": "4000", "EchoTime": "80", "FlipAngle": "90", "EchoNumbers": 1,
    "PatientPosition": "HFS", "ProtocolName": "dwi", "MagneticFieldStrength": "3",
    "InPlanePhaseEncodingDirection": "COL", "SpacingBetweenSlices": "3.5", "StudyDate": "20260102",
    "StudyTime": "101010", "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"],
}  # fmt: skip


@pytest.mark.parametrize("tool", b_tables.TOOLS)
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.daily(2)
def test_b_tables_of_a_result_are_those_of_its_source(
    scanner: Any, tmp_path: Path, *, maker: str, tool: str
) -> None:
    if not b_tables.is_installed(tool):
        pytest.skip(f"{tool} is not installed")
    marks = [
        {"AcquisitionNumber": n, "AcquisitionTime": f"1010{20 + n}", "AcquisitionDate": "20260102"}
        for n in range(1, 5)
    ]
    made = acquired(scanner, [mark | OF_A_SCANNER for mark in marks])
    for stack, g in zip(made, VECTORS, strict=True):
        for dataset in stack:
            MAKERS[maker](dataset, 1000.0 if any(g) else 0.0, g)
            dataset.Manufacturer = maker
    source = stored(scanner, made, "classic")
    derivation = Derivation("denoise", "Noise lowered.", {"model": "m"})
    formats.write(formats.read(source), tmp_path / "out", name="x", derivation=derivation)
    (series,) = formats.find(source)
    before, after = (b_tables.tables(tool, place) for place in (source, tmp_path / "out" / "x"))
    found = b_tables.verdict(before, after, "; ".join(series.facts.get("notes", ())))
    assert found in ("the same", "none", "more than the source") or (
        (found, maker) == ("the same but b0", "TOSHIBA")
    )
    assert tool != "dcm2niix" or before.size
