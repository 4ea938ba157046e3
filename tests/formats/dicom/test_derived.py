"""A derived series: exact where nothing changed, honest about where it came from."""

import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000

from medddim import formats
from medddim.errors import WriteRefused
from medddim.formats import Derivation
from medddim.volume import Volume

IDENTITY = Derivation("identity", "Nothing was changed.")
DENOISE = Derivation("denoise", "Noise lowered by mr-denoise.", {"model": "m", "steps": 4})


def derived(
    volume: Volume, folder: Path, derivation: Derivation = IDENTITY, name: str = "x"
) -> list[Any]:
    files = formats.write(volume, folder, name=name, derivation=derivation)
    return [pydicom.dcmread(file) for file in files]


def pixels(dataset: Dataset) -> Any:
    dtype = "<i2" if dataset.PixelRepresentation else "<u2"
    return np.frombuffer(dataset.PixelData, dtype).reshape(dataset.Rows, dataset.Columns)


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("padding", [None, 0, -3, 63536])
@pytest.mark.parametrize("rescale", [None, ("1", "0"), ("21.2764346764346", "0"), ("-0.5", "3")])
@pytest.mark.parametrize(("bits", "signed"), [(8, False), (12, False), (12, True), (16, False),
                                              (16, True)])  # fmt: skip
def test_identity_returns_the_stored_integers(
    scanner: Any, tmp_path: Path, *, bits: int, signed: bool,
    rescale: tuple[str, str] | None, padding: int | None, photometric: str,
) -> None:  # fmt: skip
    scale = dict(zip(("RescaleSlope", "RescaleIntercept"), rescale or (), strict=False))
    slices = scanner.slices(2, modality="CT" if scale else "MR", bits=bits, signed=signed,
                            PhotometricInterpretation=photometric, **scale)  # fmt: skip
    if padding is not None:
        for dataset in slices:
            code = "<i2" if signed else "<u2"
            value = int(np.array(padding).astype(code))
            dataset.add_new("PixelPaddingValue", "SS" if signed else "US", value)
            stored = pixels(dataset).copy()
            stored[2] = value
            dataset.PixelData = stored.tobytes()
    results = derived(formats.read(scanner.store(slices)), tmp_path / "out")
    for dataset, result in zip(slices, results, strict=True):
        np.testing.assert_array_equal(pixels(result), pixels(dataset))
        assert result.PixelRepresentation == int(signed)
        assert result.PhotometricInterpretation == photometric
        assert result.get("RescaleSlope") == dataset.get("RescaleSlope")
        assert result.ImagePositionPatient == dataset.ImagePositionPatient
        assert result.ImageOrientationPatient == dataset.ImageOrientationPatient


def test_padding_voxels_stay_whatever_the_model_made_of_them(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3, signed=True, PixelPaddingValue=-2000, bits=16)
    for dataset in slices:
        stored = pixels(dataset).copy()
        stored[:, -2:] = -2000
        dataset.PixelData = stored.tobytes()
    volume = formats.read(scanner.store(slices))
    results = derived(volume.with_voxels(volume.voxels * 0 + 5), tmp_path)
    for result in results:
        assert (pixels(result)[:, -2:] == -2000).all()
        assert (pixels(result)[:, :-2] == 5).all()


def test_a_slope_for_each_slice_becomes_one(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(4)
    for k, dataset in enumerate(slices):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(1 + k / 4), "0"
    volume = formats.read(scanner.store(slices))
    results = derived(volume, tmp_path)
    assert len({(d.RescaleSlope, d.RescaleIntercept) for d in results}) == 1
    again = formats.read(tmp_path / "x")
    half_a_step = float(results[0].RescaleSlope) * 0.51
    np.testing.assert_allclose(again.voxels, volume.voxels, rtol=0, atol=half_a_step)


def test_values_beyond_16_bit_are_clipped_and_the_header_says_so(
    scanner: Any, tmp_path: Path
) -> None:
    volume = formats.read(scanner.store(scanner.slices(2)))
    voxels = volume.voxels.copy()
    voxels[0, 0, 0] = -5, 70000
    with pytest.warns(UserWarning, match="2 of 70 voxels clipped"):
        results = derived(volume.with_voxels(voxels), tmp_path)
    assert pixels(results[0])[0, 0] == 0
    assert pixels(results[1])[0, 0] == 65535
    assert "2 voxels clipped" in results[0].DerivationDescription


def test_a_value_above_the_stored_bits_is_not_clipped(scanner: Any, tmp_path: Path) -> None:
    volume = formats.read(scanner.store(scanner.slices(2, bits=12)))
    (first, _) = derived(volume.with_voxels(volume.voxels + 1), tmp_path)
    assert (first.BitsStored, first.HighBit, pixels(first).max()) == (16, 15, 4096)


def test_where_it_came_from_is_recorded(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3)
    results = derived(formats.read(scanner.store(slices)), tmp_path, DENOISE)
    for number, (dataset, result) in enumerate(zip(slices, results, strict=True), 1):
        assert result.ImageType == ["DERIVED", "SECONDARY", "AXIAL"]
        assert result.SeriesDescription == "ZZPHI series - AI denoised"
        assert (result.SeriesNumber, result.InstanceNumber) == (701, number)
        for words in ("mr-denoise", "model=m; steps=4", "Not for primary diagnosis"):
            assert words in result.DerivationDescription
        (source,) = result.SourceImageSequence
        assert source.ReferencedSOPInstanceUID == dataset.SOPInstanceUID
        assert source.SpatialLocationsPreserved == "YES"
        assert result.ContributingEquipmentSequence[-1].ManufacturerModelName == "medddim"
        for same in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "SOPClassUID"):
            assert result[same] == dataset[same]
        assert result.SOPInstanceUID != dataset.SOPInstanceUID
        assert result.file_meta.MediaStorageSOPInstanceUID == result.SOPInstanceUID
        assert result.preamble == b"\0" * 128


@pytest.mark.parametrize("source", [None, "NO", "YES"])
@pytest.mark.parametrize("kind", ["identity", "denoise", "superresolve", "degrade"])
def test_made_content_is_marked_and_once_marked_stays_so(
    scanner: Any, tmp_path: Path, *, kind: str, source: str | None
) -> None:
    header = {} if source is None else {"SyntheticData": source}
    volume = formats.read(scanner.store(scanner.slices(2, **header)))
    made = kind in ("superresolve", "degrade")
    for result in derived(volume, tmp_path / "out", Derivation(kind, "made")):
        assert result.get("SyntheticData") == ("YES" if made and source else source)
        codes = [item.CodeValue for item in result.DerivationCodeSequence]
        assert ("NOTACQUIRED" in codes) == made


def test_identifiers_follow_from_source_derivation_and_voxels(scanner: Any, tmp_path: Path) -> None:
    volume = formats.read(scanner.store(scanner.slices()))
    again = formats.read(scanner.folder)
    more = replace(DENOISE, parameters=DENOISE.parameters | {"steps": 8})

    def uids(name: str, volume: Volume, derivation: Derivation) -> set[str]:
        results = derived(volume, tmp_path, derivation, name)
        assert len({d.SeriesInstanceUID for d in results}) == 1
        return {str(d.SOPInstanceUID) for d in results} | {str(results[0].SeriesInstanceUID)}

    first = uids("first", volume, DENOISE)
    assert len(first) == 7
    assert uids("same", again, DENOISE) == first
    assert not uids("steps", volume, more) & first
    assert not uids("kind", volume, IDENTITY) & first
    assert not uids("voxels", volume.with_voxels(volume.voxels * 0), DENOISE) & first
    assert all(uid.startswith("2.25.") and len(uid) <= 64 for uid in first)


def test_only_what_is_allowed_is_kept(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(2, BodyPartExamined="HEAD", Laterality="", EchoTime="80",
                            WindowCenter=["40", "50"], WindowWidth=["80", "350"])  # fmt: skip
    for dataset in slices:
        dataset.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", b"x")
        dataset.add_new((0x6000, 0x3000), "OW", b"\0\0")
        dataset.SmallestImagePixelValue = 3
        inner = Dataset()
        inner.private_block(0x0029, "SECRET", create=True).add_new(0x10, "LO", "ZZPHIinner")
        dataset.RequestAttributesSequence = [inner]
    for result in derived(formats.read(scanner.store(slices)), tmp_path):
        groups = {element.tag.group for element in result.iterall()}
        assert not [group for group in groups if group % 2 or group == 0x6000]
        assert "SmallestImagePixelValue" not in result
        assert "Laterality" not in result
        assert result.EchoTime == 80
        assert isinstance(result.WindowCenter, float), "one window for the whole MR series"


def test_ct_keeps_its_windows(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(2, modality="CT", WindowCenter="40", WindowWidth="400",
                            RescaleSlope="1", RescaleIntercept="-1024")  # fmt: skip
    (result, _) = derived(formats.read(scanner.store(slices)), tmp_path)
    assert (result.WindowCenter, result.WindowWidth) == (40, 400)


def test_a_loss_once_suffered_is_recorded_for_ever(scanner: Any, tmp_path: Path) -> None:
    folder = scanner.store(scanner.slices(1, shape=(32, 40)))
    dataset = pydicom.dcmread(folder / "000.dcm")
    dataset.compress(JPEG2000, j2k_psnr=[60], generate_instance_uid=False)
    dataset.save_as(folder / "000.dcm")
    (result,) = derived(formats.read(folder), tmp_path)
    assert result.LossyImageCompression == "01"
    assert result.LossyImageCompressionMethod == "ISO_15444_1"
    assert result.LossyImageCompressionRatio > 1


def test_writing_leaves_the_source_as_it_was(scanner: Any, tmp_path: Path) -> None:
    volume = formats.read(scanner.store(scanner.slices(2)))
    before = [header.to_json() for header in volume.source.headers]
    derived(volume, tmp_path, DENOISE)
    assert [header.to_json() for header in volume.source.headers] == before


def test_thinner_slices_lie_between_their_sources(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(3, SpacingBetweenSlices=3.5, PixelPaddingValue=0)
    volume = formats.read(scanner.store(slices))
    affine = volume.affine.copy()
    affine[:3, 2] /= 2
    thin = Volume(volume.voxels.repeat(2, 3)[..., :5], affine, modality="MR", source=volume.source)
    results = derived(thin, tmp_path)
    assert [d.InstanceNumber for d in results] == [1, 2, 3, 4, 5]
    for k, result in enumerate(results):
        assert (result.SliceThickness, result.SpacingBetweenSlices) == (1.75, 1.75)
        assert result.PixelSpacing == slices[0].PixelSpacing
        ends = np.array(
            [slices[k // 2].ImagePositionPatient, slices[(k + 1) // 2].ImagePositionPatient]
        )
        np.testing.assert_allclose(result.ImagePositionPatient, ends.mean(axis=0), atol=1e-6)
        reported = {item.ReferencedSOPInstanceUID for item in result.SourceImageSequence}
        assert reported == {slices[k // 2].SOPInstanceUID, slices[(k + 1) // 2].SOPInstanceUID}
        assert result.SourceImageSequence[0].SpatialLocationsPreserved == "NO"
        assert "PixelPaddingValue" not in result


def test_a_grid_against_the_normal_is_written_along_it(scanner: Any, tmp_path: Path) -> None:
    volume = formats.read(scanner.store(scanner.slices(4)))
    affine = volume.affine.copy()
    affine[:3, 3] += 3 * affine[:3, 2]
    affine[:3, 2] *= -1
    derived(replace(volume, voxels=volume.voxels[..., ::-1], affine=affine), tmp_path)
    again = formats.read(tmp_path / "x")
    np.testing.assert_array_equal(again.voxels, volume.voxels)
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-6)


def test_what_dicom_cannot_say_is_refused(scanner: Any, tmp_path: Path) -> None:
    volume = formats.read(scanner.store(scanner.slices(3)))
    affine = volume.affine.copy()
    affine[:3, 2] += affine[:3, 0]
    with pytest.raises(WriteRefused, match="sheared"):
        derived(replace(volume, affine=affine), tmp_path)
    with pytest.raises(WriteRefused, match="found 2"):
        derived(volume.with_voxels(volume.voxels.repeat(2, 0)), tmp_path)
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_dciodvfy_finds_no_error(scanner: Any, tmp_path: Path, modality: str) -> None:
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-1024"} if modality == "CT" else {}
    slices = scanner.slices(2, modality=modality, PatientBirthDate="19991231", **rescale)
    for dataset in slices:
        dataset.PatientPosition = "HFS"
    formats.write(formats.read(scanner.store(slices)), tmp_path, name="x", derivation=DENOISE)
    check = ["dciodvfy", str(tmp_path / "x" / "0001.dcm")]
    said = subprocess.run(check, capture_output=True, text=True, check=False).stderr
    assert [line for line in said.splitlines() if line.startswith("Error")] == []


def test_another_scale_of_the_same_pixels_is_another_series(scanner: Any, tmp_path: Path) -> None:
    """Stored values alone do not say what was measured: slope and intercept count, too."""
    slices = scanner.slices(2, modality="CT", RescaleSlope="1", RescaleIntercept="-1024")
    found = set()
    for keyword, value in ((None, None), ("RescaleSlope", "2"), ("RescaleIntercept", "0")):
        for dataset in slices:
            dataset.RescaleSlope, dataset.RescaleIntercept = "1", "-1024"
            if keyword:
                setattr(dataset, keyword, value)
        folder = scanner.store(slices, to=f"with_{keyword}")
        result = derived(formats.read(folder), tmp_path / f"out_{keyword}")[0]
        found.add(result.SeriesInstanceUID)
    assert len(found) == 3


@pytest.mark.parametrize("frame", [None, "", "0.1.2"])
def test_all_slices_share_one_frame_of_reference(
    scanner: Any, tmp_path: Path, frame: str | None
) -> None:
    """Also where the source has none, or one that nobody can have issued (PS3.3 C.7.4.1)."""
    slices = scanner.slices(4)
    for dataset in slices:
        if frame is None:
            del dataset.FrameOfReferenceUID
        else:
            dataset.FrameOfReferenceUID = frame
    results = derived(formats.read(scanner.store(slices)), tmp_path / "out")
    (uid,) = {result.FrameOfReferenceUID for result in results}
    assert uid.startswith("2.25.")
