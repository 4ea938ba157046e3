"""The whole header of a result and of a map, line by line: nothing is lost, added or misspelt.

Times and versions are left out. After a change that is meant run this once with
`UPDATE_EXPECTED=1`, and read the difference in `expected/`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import __version__, formats
from medddim.formats import Derivation
from medddim.volume import Volume
from tests.formats.dicom.expected import compare

DENOISE = Derivation("denoise", "Noise lowered.", {"model": "m", "model_sha256": "0f" * 32})
PIXELS = ("PixelData", "FloatPixelData")
CHANGING = ("FileMetaInformationGroupLength", "DimensionOrganizationUID")
TRIAL = {"ClinicalTrialSponsorName": "sponsor", "ClinicalTrialProtocolID": "protocol",
         "ClinicalTrialSubjectID": "subject"}  # fmt: skip
MR = {"ScanOptions": "FS", "EchoTime": "10", "RepetitionTime": "500", "SliceLocation": "1",
      "BodyPartExamined": "KNEE", "Laterality": "L", "MRAcquisitionType": "2D", "StudyID": "4",
      "TimezoneOffsetFromUTC": "+0200", "LossyImageCompression": "01", "Manufacturer": "maker",
      "LossyImageCompressionRatio": "7", "BurnedInAnnotation": "YES", **TRIAL}  # fmt: skip
CT = {"KVP": "120", "GantryDetectorTilt": "0", "PixelPaddingValue": 0, "SliceLocation": "1",
      "RescaleIntercept": "-1024", "WindowCenter": ["40", "400"], "WindowWidth": ["350", "1500"],
      "SpacingBetweenSlices": "", "BodyPartExamined": "HEAD", "PatientIdentityRemoved": "YES",
      "ClinicalTrialSponsorName": "sponsor"}  # fmt: skip
KNEE = Dataset()
KNEE.CodeValue, KNEE.CodingSchemeDesignator, KNEE.CodeMeaning = "72696002", "SCT", "Knee"
KINDS = {"mr": ("MR", MR), "ct": ("CT", CT), "plain": ("MR", {})}


@pytest.fixture
def written(scanner: Any, tmp_path: Path) -> Any:
    """Make a scan of a kind and the files of its result."""

    def make(kind: str) -> tuple[Volume, list[Path]]:
        modality, attributes = KINDS[kind]
        slices = scanner.slices(3, modality=modality, **attributes)
        for number, dataset in enumerate(slices, 1):
            dataset.SOPInstanceUID = f"2.25.1000{number}"
            if kind == "mr":
                dataset.AnatomicRegionSequence = [KNEE]
        scan = formats.read(scanner.store(slices))
        halved = scan.with_voxels(scan.voxels / 2)
        return scan, list(formats.write(halved, tmp_path, name="x", derivation=DENOISE))

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_the_header_of_a_result(written: Any, kind: str) -> None:
    _, files = written(kind)
    compare(f"result_{kind}", header_of(files[1]))


@pytest.mark.parametrize(
    ("kind", "quantity"), [("mr", "residual"), ("ct", "uncertainty"), ("plain", "lower")]
)
def test_the_header_of_a_map(written: Any, tmp_path: Path, kind: str, quantity: Any) -> None:
    scan, files = written(kind)
    values = np.arange(scan.voxels.size, dtype=np.float32).reshape(scan.voxels.shape) / 8
    values *= kind != "plain"  # a map of zeros has a window, too
    (path,) = formats.write_map(scan.with_voxels(values), tmp_path, of=files, quantity=quantity)
    compare(f"map_{kind}", header_of(path))


def header_of(path: Path) -> list[str]:
    dataset = pydicom.dcmread(path)
    made = datetime.strptime(dataset.ContentDate, "%Y%m%d").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - made).days) <= 2
    return [*lines(dataset.file_meta), *lines(dataset)]


def lines(dataset: Dataset, indent: str = "") -> Iterator[str]:
    """Keyword and value of each attribute; what changes with the clock or the version is left."""
    for element in dataset:
        keyword = f"{indent}{element.keyword or element.tag}"
        if element.VR == "SQ":
            yield f"{keyword}: {len(element.value)} items"
            for item in element.value:
                yield from lines(item, indent + "  ")
        elif element.keyword in PIXELS:
            yield f"{keyword}: {len(element.value)} bytes"
        elif element.VR in ("DA", "TM", "DT") and element.value:
            yield f"{keyword}: a time"
        elif element.keyword not in CHANGING:
            value = element.repval.replace(highdicom.__version__, "ITS VERSION")
            yield f"{keyword}: {value}".replace(__version__, "VERSION")
