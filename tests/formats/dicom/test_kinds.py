"""What is not a slice of a classic MR or CT scan is shown with the reason, never read."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, JPEG2000Lossless

from medddim import formats
from medddim.errors import EnvironmentProblem, UnreadableScan, UnsupportedScan
from medddim.formats.dicom.kind import require_supported, set_aside, term
from medddim.formats.dicom.planes import plane_of, thickness

NOT_FOR_US = {
    "enhanced PET": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.130"}, "Enhanced PET Image"),
    "frames unlabelled": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4.1"}, "nothing of its frames"),
    "secondary capture": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "Secondary Capture"),
    "ultrasound": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"}, "Ultrasound"),
    "segmentation": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66.4"}, "Segmentation"),
    "structures": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.481.3"}, "RT Structure"),
    "report": ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.22"}, "Enhanced SR"),
    "no class": ({"SOPClassUID": "1.2.3.4"}, "found: 1.2.3.4"),
    "another modality": ({"Modality": "SEG"}, "expected Modality MR"),
    "frames": ({"NumberOfFrames": "3"}, "one frame a file"),
    "colour": ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "found RGB"),
    "palette": ({"PhotometricInterpretation": "PALETTE COLOR"}, "found PALETTE"),
    "localizer": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
    "mosaic": ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]}, "mosaic"),
    "phase": ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "found a phase image"),
    "real": ({"ImageType": ["ORIGINAL", "PRIMARY", "R"]}, "found the real part"),
    "component": ({"ComplexImageComponent": "PHASE"}, "found a phase image"),
    "slope 0": ({"RescaleSlope": "0", "RescaleIntercept": "0"}, "RescaleSlope"),
    "no slope": ({"RescaleSlope": None, "RescaleIntercept": "0"}, "RescaleSlope"),
}


@pytest.mark.parametrize("kind", NOT_FOR_US)
@pytest.mark.daily(4)  # all are in test_sentences.py, as found
def test_other_kinds_are_refused_with_the_reason(scanner: Any, kind: str) -> None:
    attributes, reason = NOT_FOR_US[kind]
    folder = scanner.store(scanner.slices(3, **attributes))
    (series,) = formats.find(folder)
    assert reason in series.refusal
    with pytest.raises(UnsupportedScan, match=reason):
        formats.read(series)


def test_the_rest_of_a_mixed_folder_is_sound(scanner: Any) -> None:
    good = scanner.slices()
    scanner.store(good, to="study/t1")
    for number, (attributes, _) in enumerate(NOT_FOR_US.values()):
        other = scanner.slices(1, SeriesInstanceUID=f"2.25.77{number}", **attributes)
        scanner.store(other, to=f"study/other{number}")
    series = formats.find(scanner.folder)
    assert [one.name for one in series if not one.refusal] == ["study/t1"]
    assert sum(bool(one.refusal) for one in series) == len(NOT_FOR_US)


def test_ge_says_phase_in_a_private_attribute(scanner: Any) -> None:
    slices = scanner.slices(2)
    for dataset in slices:
        block = dataset.private_block(0x0043, "GEMS_PARM_01", create=True)
        block.add_new(0x2F, "SS", 1)
    (series,) = formats.find(scanner.store(slices))
    assert "phase" in series.refusal


def unit_of(code: str) -> Dataset:
    mapping, unit = Dataset(), Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = code, "UCUM", code
    mapping.MeasurementUnitsCodeSequence = [unit]
    return mapping


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"RescaleType": "Hz"}, "a field map"),
        ({"RealWorldValueMappingSequence": [unit_of("um2/ms")]}, "a diffusion map"),
        ({"RealWorldValueMappingSequence": [unit_of("[ppm]")]}, "a susceptibility map"),
        ({"RealWorldValueMappingSequence": [unit_of("1")], "RescaleType": "normalized"}, ""),
        ({"RescaleType": "US"}, ""),
        ({"RescaleType": "milliradials"}, "a phase image"),
        ({"RescaleType": "10^-6 mm^2/s"}, "a diffusion map"),
        ({"RescaleType": "%"}, "a map of a tissue property"),
        ({"VolumeBasedCalculationTechnique": "MAX_IP"}, "a projection"),
        ({"VolumeBasedCalculationTechnique": "MPR"}, ""),
    ],
)
def test_a_unit_tells_a_map(scanner: Any, said: dict[str, Any], found: str) -> None:
    slices = scanner.slices(2, RescaleSlope="1", RescaleIntercept="0", **said)
    (series,) = formats.find(scanner.store(slices))
    assert found in series.refusal
    assert bool(series.refusal) == bool(found)


class Broken:
    """A dataset of which nothing can be asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("ZZPHI")


@pytest.mark.parametrize(
    "ask", [require_supported, lambda header: set_aside([header]), plane_of, thickness]
)
def test_what_breaks_a_library_is_a_broken_dicom_file(ask: Any) -> None:
    header = SimpleNamespace(path=Path("x.dcm"), place="x.dcm", dataset=Broken(), frame=None)
    with pytest.raises(UnreadableScan) as said:
        ask(header)
    assert str(said.value) == (
        "x.dcm: expected a sound DICOM file, found a broken one (RuntimeError); get the file "
        "again from its source"
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [("MR", True), ("RTDOSE", True), ("YBR_FULL_422", True), ("M", False), ("mr", False),
     ("MRI", False), ("ZZPHI", False), ("ZZPHI^Name", False), ("", False), ("M2", False)],
)  # fmt: skip
def test_a_value_is_quoted_only_if_it_is_a_term(value: str, *, shown: bool) -> None:
    """Else a name in a damaged header would stand in messages and logs."""
    assert term(value) == (value if shown else "something else")


@pytest.mark.parametrize(
    "attributes", [{"Modality": "ZZPHI"}, {"PhotometricInterpretation": "ZZPHI"}]
)
def test_a_damaged_term_is_in_no_message(scanner: Any, attributes: dict[str, str]) -> None:
    (series,) = formats.find(scanner.store(scanner.slices(2, **attributes)))
    assert "found something else" in series.refusal
    assert "ZZPHI" not in f"{series.refusal}{series.modality}"


@pytest.mark.parametrize("content", [b"", b"text", b"\0" * 500, b"\0" * 128 + b"DICM"])
def test_a_dcm_file_that_is_none_is_shown(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.dcm").write_bytes(content)
    (series,) = formats.find(tmp_path)
    assert series.name == "x"
    assert str(tmp_path / "x.dcm") in series.refusal


def test_values_are_rescaled_and_ct_is_in_hounsfield(scanner: Any) -> None:
    slices = scanner.slices(2, modality="CT", RescaleSlope="2", RescaleIntercept="-1000")
    volume = formats.read(scanner.store(slices))
    stored = np.frombuffer(slices[0].PixelData, "<u2").reshape(5, 7)
    np.testing.assert_array_equal(volume.voxels[0, :, :, 0], stored.T * 2.0 - 1000)
    assert (volume.modality, volume.unit) == ("CT", "HU")


def test_ct_in_another_unit_is_not_called_hounsfield(scanner: Any) -> None:
    slices = scanner.slices(2, modality="CT", RescaleSlope="1", RescaleIntercept="0",
                            RescaleType="OD")  # fmt: skip
    assert formats.read(scanner.store(slices)).unit == ""


def test_an_overlay_in_the_spare_bits_is_cut_off(scanner: Any) -> None:
    slices = scanner.slices(1, bits=12)
    stored = np.frombuffer(slices[0].PixelData, "<u2")
    slices[0].PixelData = (stored | 0x8000).tobytes()
    slices[0].add_new((0x6000, 0x0102), "US", 15)
    volume = formats.read(scanner.store(slices))
    np.testing.assert_array_equal(volume.voxels[0, :, :, 0], stored.reshape(5, 7).T)


def test_broken_compressed_pixels_are_a_typed_error(scanner: Any) -> None:
    slices = scanner.slices(1)
    folder = scanner.store(slices)
    dataset = pydicom.dcmread(folder / "000.dcm")
    dataset.PixelData = encapsulate([b"no jpeg at all"])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    dataset.save_as(folder / "000.dcm")
    with pytest.raises(UnreadableScan, match=r"000\.dcm"):
        formats.read(folder)


@pytest.mark.parametrize("depth", [100, 400])
def test_sequences_in_sequences_end_in_a_scan_or_a_typed_error(scanner: Any, depth: int) -> None:
    path = scanner.store(scanner.slices(1)) / "000.dcm"
    start = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    end = b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0"
    whole = path.read_bytes()
    before = whole.index(b"\x10\0\x10\0PN")
    path.write_bytes(whole[:before] + start * depth + end * depth + whole[before:])
    (series,) = formats.find(path)
    if depth < 240:
        assert formats.read(series).shape == (7, 5, 1)
    else:
        with pytest.raises(UnreadableScan, match="RecursionError"):
            formats.read(series)


def test_a_deflate_bomb_is_refused_before_it_goes_off(
    scanner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDDDIM_MAX_BYTES", "10000")
    slices = scanner.slices(1)
    slices[0].add_new((0x0009, 0x1001), "OB", b"\0" * 20_000)
    folder = scanner.store(slices)
    dataset = pydicom.dcmread(folder / "000.dcm")
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    dataset.save_as(folder / "000.dcm")
    assert (folder / "000.dcm").stat().st_size < 2000
    assert "set MEDDDIM_MAX_BYTES" in formats.find(folder)[0].refusal


@pytest.mark.parametrize("count", [50, pytest.param(500, marks=pytest.mark.slow)])
def test_random_damage_is_always_a_typed_error_or_a_scan(
    count: int, scanner: Any, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    path = scanner.store(scanner.slices(1)) / "000.dcm"
    whole = np.frombuffer(path.read_bytes(), np.uint8)
    outcomes = set()
    for _ in range(count):
        broken = whole.copy()
        where = rng.integers(132, whole.size - 70, rng.integers(1, 5))
        broken[where] = rng.integers(0, 256, where.size)
        path.write_bytes(broken.tobytes())
        try:
            outcomes.add(f"finite: {np.isfinite(formats.read(path).voxels).all()}")
        except (UnreadableScan, UnsupportedScan, EnvironmentProblem) as refusal:
            outcomes.add(f"quotes the patient: {'ZZPHI' in str(refusal)}")
    assert outcomes == {"finite: True", "quotes the patient: False"}
    assert "ZZPHI" not in caplog.text
