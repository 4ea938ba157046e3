"""Identifiers by their formula: archives hold results of earlier releases beside those of today."""

import hashlib
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from medddim import formats
from medddim.formats import Derivation
from medddim.formats.dicom.uids import is_owned, owned_uid
from tests.formats.conftest import COLUMN, CORNER, GAP_MM, NORMAL, PIXEL_MM, ROW

DENOISE = Derivation("denoise", "Noise lowered.", {"model": "m", "steps": 4})


def named(*facts: str) -> str:
    """2.25 and a name-based UUID (PS3.5 B.2)."""
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, chr(0).join(facts)).int}"


@pytest.mark.parametrize("uid", ["1.2.840.10008.1", "2.25.1", "2.25." + "9" * 59])
def test_a_uid_below_the_roots_of_iso_stays(uid: str) -> None:
    assert is_owned(uid)
    assert owned_uid(uid) == uid


@pytest.mark.parametrize("uid", ["0.1.2", "3.1", "1.02", "1.2.a", "", "2.25." + "9" * 60])
def test_any_other_becomes_one_that_is_a_function_of_it(uid: str) -> None:
    assert not is_owned(uid)
    assert owned_uid(uid) == named("in place of", uid)


def test_the_identifiers_of_a_result_follow_from_source_making_geometry_scale_and_pixels(
    scanner: Any, tmp_path: Path
) -> None:
    slices = scanner.slices(2, modality="CT", RescaleSlope="2", RescaleIntercept="-7")
    for one in slices:
        del one.FrameOfReferenceUID
    digest = hashlib.sha256()
    for k, one in enumerate(slices):
        for numbers in (CORNER + k * GAP_MM * NORMAL, [*ROW, *COLUMN], PIXEL_MM, 2, -7):
            written = [float(f"{v:.10g}") for v in np.atleast_1d(numbers)]
            digest.update(np.array(written).tobytes())
        digest.update(one.PixelData)
    facts = ["medddim", "denoise", 'model="m"', "steps=4", *(one.SOPInstanceUID for one in slices)]
    series = named(*facts, digest.hexdigest())
    volume = formats.read(scanner.store(slices))
    files = formats.write(volume, tmp_path / "out", name="x", derivation=DENOISE)
    for number, result in enumerate(map(pydicom.dcmread, files), 1):
        assert result.SeriesInstanceUID == series
        assert result.SOPInstanceUID == named(series, str(number))
        assert result.FrameOfReferenceUID == named("in place of", "frame of reference 2.25.1")
