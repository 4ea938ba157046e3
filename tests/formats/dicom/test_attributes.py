"""Attributes of a derived header, where a wrong keyword or an empty value would go unseen."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.errors import WriteRefused
from medddim.formats import Derivation
from medddim.formats.dicom import frames
from medddim.formats.dicom.write import write_series
from tests.formats import enhanced
from tests.formats.conftest import CORNER, GAP_MM, NORMAL
from tests.phantoms import textured

DENOISE = Derivation("denoise", "Noise lowered.", {"model": "m"})


def derived(source: Path, out: Path, derivation: Derivation = DENOISE) -> list[Any]:
    files = formats.write(formats.read(source), out, name="x", derivation=derivation)
    return [pydicom.dcmread(file) for file in files]


def test_an_mr_series_gets_one_window_and_loses_what_belonged_to_the_old_one(
    scanner: Any, tmp_path: Path
) -> None:
    old = {"WindowCenter": "1", "WindowWidth": "2", "WindowCenterWidthExplanation": "BRAIN"}
    slices = scanner.slices(3, VOILUTFunction="SIGMOID", **old)
    results = derived(scanner.store(slices), tmp_path / "out")
    assert len({(one.WindowCenter, one.WindowWidth) for one in results}) == 1
    for one in results:
        assert one.WindowWidth > 2
        assert "VOILUTFunction" not in one
        assert "WindowCenterWidthExplanation" not in one


def test_a_ct_series_keeps_its_windows_and_what_belongs_to_them(
    scanner: Any, tmp_path: Path
) -> None:
    old = {"WindowCenter": "40", "WindowWidth": "400", "WindowCenterWidthExplanation": "LIVER"}
    slices = scanner.slices(2, modality="CT", VOILUTFunction="SIGMOID", **old)
    for one in derived(scanner.store(slices), tmp_path / "out"):
        assert (one.WindowCenter, one.WindowWidth) == (40, 400)
        assert one.WindowCenterWidthExplanation == "LIVER"
        assert one.VOILUTFunction == "SIGMOID"


@pytest.mark.parametrize(("modality", "unit"), [("CT", "HU"), ("MR", "US")])
def test_a_scale_has_a_type(scanner: Any, tmp_path: Path, modality: str, unit: str) -> None:
    slices = scanner.slices(2, modality=modality, RescaleSlope="2", RescaleIntercept="-7")
    assert {one.RescaleType for one in derived(scanner.store(slices), tmp_path / "out")} == {unit}


def test_a_code_is_enough_of_a_way_of_deidentification(scanner: Any, tmp_path: Path) -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "113100", "DCM"
    code.CodeMeaning = "Basic Application Confidentiality Profile"
    how = {"PatientIdentityRemoved": "YES", "DeidentificationMethodCodeSequence": [code]}
    (one,) = derived(scanner.store(scanner.slices(1, **how)), tmp_path / "out")
    assert one.DeidentificationMethodCodeSequence[0].CodeValue == "113100"
    assert "DeidentificationMethod" not in one


def test_letters_beyond_ascii_are_replaced_not_fatal(scanner: Any, tmp_path: Path) -> None:
    derivation = Derivation("denoise", "Noise lowered.", {"model": "modèle"})
    (one,) = derived(scanner.store(scanner.slices(1)), tmp_path / "out", derivation)
    assert "mod?le" in one.DerivationDescription


def test_the_equipment_of_every_hand_is_named_and_ours_comes_last(
    scanner: Any, tmp_path: Path
) -> None:
    before = Dataset()
    before.Manufacturer = "another"
    slices = scanner.slices(1, ContributingEquipmentSequence=[before])
    (one,) = derived(scanner.store(slices), tmp_path / "out")
    first, ours = one.ContributingEquipmentSequence
    assert first.Manufacturer == "another"
    assert (ours.Manufacturer, ours.ManufacturerModelName) == ("medddim", "medddim")
    assert ours.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert ours.ContributionDescription == "AI denoised"
    assert (one.DerivationCodeSequence[0].CodeValue) == "AIDENOISE"


@pytest.mark.parametrize(
    ("said", "sequence"),
    [
        ({"EchoPulseSequence": "SPIN"}, "SE"),
        ({"EchoPulseSequence": "BOTH"}, ["SE", "GR"]),
        ({"EchoPulseSequence": "GRADIENT", "EchoPlanarPulseSequence": "YES"}, ["GR", "EP"]),
        ({"EchoPulseSequence": "SPIN", "InversionRecovery": "YES"}, ["SE", "IR"]),
    ],
)
def test_the_pulse_sequence_of_an_enhanced_image_is_said_in_the_classic_words(
    scanner: Any, tmp_path: Path, said: dict[str, str], sequence: Any
) -> None:
    path = tmp_path / "in" / "one.dcm"
    slices = scanner.slices(3, **said)
    for one in slices:
        one.pop("ScanningSequence", None)
    enhanced.store(slices, path)
    results = derived(path, tmp_path / "out")
    assert all(one.ScanningSequence == sequence for one in results)


@pytest.mark.parametrize("said", ["NO", "YES"])
def test_a_map_shows_a_face_only_where_its_scan_does(
    scanner: Any, tmp_path: Path, said: str
) -> None:
    scan = formats.read(scanner.store(scanner.slices(2, RecognizableVisualFeatures=said)))
    files = formats.write(scan, tmp_path, name="x", derivation=DENOISE)
    change = scan.with_voxels(np.ones_like(scan.voxels))
    (path,) = formats.write_map(change, tmp_path, of=files, quantity="residual")
    assert pydicom.dcmread(path).RecognizableVisualFeatures == said


@pytest.mark.parametrize(("modality", "said"), [("MR", True), ("CT", False)])
def test_where_a_slice_lies_is_said_along_the_normal(
    scanner: Any, tmp_path: Path, modality: str, said: bool
) -> None:
    stored = scanner.store(scanner.slices(3, modality=modality, SliceLocation="99"))
    results = derived(stored, tmp_path / "out")
    for k, one in enumerate(sorted(results, key=lambda one: one.ImagePositionPatient[2])):
        assert float(one.SliceLocation) == pytest.approx(CORNER @ NORMAL + k * GAP_MM, abs=1e-4)
        assert ("SpacingBetweenSlices" in one) == said
        assert not said or one.SpacingBetweenSlices == pytest.approx(GAP_MM, abs=1e-6)


def test_an_enhanced_image_is_described_in_classic_words() -> None:
    frame = Dataset()
    frame.InversionRecovery, frame.EchoPulseSequence = "YES", "GRADIENT"
    frame.EchoPlanarPulseSequence, frame.InversionTime = "YES", "900"
    frame.InPlanePhaseEncodingDirection = "COLUMN"
    frames._name_sequence(frame)
    assert frame.ScanningSequence == ["GR", "IR", "EP"]
    assert frame.InversionTime == 900
    assert frame.InPlanePhaseEncodingDirection == "COL"
    plain = Dataset()
    plain.EchoPulseSequence, plain.InversionTime = "SPIN", "900"
    plain.InPlanePhaseEncodingDirection = "ROW"
    frames._name_sequence(plain)
    assert plain.ScanningSequence == "SE"
    assert "InversionTime" not in plain
    assert plain.InPlanePhaseEncodingDirection == "ROW"


def test_a_scan_without_a_dicom_source_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(WriteRefused, match="only be written like the one it came from"):
        write_series(textured((9, 8, 3)), tmp_path, name="x", derivation=DENOISE)
    assert list(tmp_path.iterdir()) == []


def test_a_single_slice_has_no_spacing_to_the_next(scanner: Any, tmp_path: Path) -> None:
    (one,) = derived(scanner.store(scanner.slices(1)), tmp_path / "out")
    assert "SpacingBetweenSlices" not in one
