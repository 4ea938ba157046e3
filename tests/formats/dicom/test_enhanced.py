"""Enhanced multi-frame images: each frame where its functional groups put it."""

from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.uid import JPEG2000, JPEG2000Lossless, RLELossless, generate_uid

from medddim import formats
from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import Derivation
from tests.formats import enhanced

IDENTITY = Derivation("identity", "Nothing was changed.")


@pytest.fixture
def path(scanner: Any) -> Path:
    return scanner.folder / "scan" / "enhanced.dcm"


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_it_is_the_classic_series_again(
    scanner: Any, tmp_path: Path, path: Path, modality: str
) -> None:
    slices = scanner.slices(modality=modality)
    for k, dataset in enumerate(slices):
        dataset.RescaleSlope, dataset.RescaleIntercept = str(1 + k / 4), "-3"
    classic = formats.read(scanner.store(slices))
    source = enhanced.store([slices[i] for i in (3, 0, 5, 1, 2, 4)], path)
    (series,) = formats.find(path)
    assert (series.name, series.facts["kind"]) == ("enhanced", "volume")
    volume = formats.read(series)
    np.testing.assert_array_equal(volume.voxels, classic.voxels)
    np.testing.assert_allclose(volume.affine, classic.affine, atol=1e-6)
    assert (volume.modality, volume.unit) == (classic.modality, classic.unit)
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    results = [pydicom.dcmread(file) for file in files]
    assert {result.SOPClassUID for result in results} == {slices[0].SOPClassUID}
    for result, frame in zip(results, (2, 4, 5, 1, 6, 3), strict=True):
        (reference,) = result.SourceImageSequence
        assert reference.ReferencedSOPClassUID == source.SOPClassUID
        assert reference.ReferencedSOPInstanceUID == source.SOPInstanceUID
        assert reference.ReferencedFrameNumber == frame
    assert len({result.SOPInstanceUID for result in results}) == 6


def test_highdicom_sees_the_same_volume(scanner: Any, path: Path) -> None:
    enhanced.store(scanner.slices()[::-1], path)
    volume = formats.read(path)
    oracle = highdicom.imread(path).get_volume(apply_presentation_lut=False)
    lps = np.diag([-1.0, -1, 1, 1]) @ volume.affine
    index = np.linalg.inv(lps) @ np.array(oracle.affine)  # its (slice, row, column) to ours
    for place in np.ndindex(oracle.shape):
        i, j, k = np.rint(index @ [*place, 1])[:3].astype(int)
        assert volume.voxels[0, i, j, k] == oracle.array[place]


@pytest.mark.parametrize(
    ("tag", "values"),
    [("EchoTime", ["4.6", "9.2"]), ("TemporalPositionIdentifier", [2, 10, 11]),
     ("DiffusionBValue", [0.0, 1000.0])],
)  # fmt: skip
@pytest.mark.daily(1)
def test_frames_become_stacks(
    scanner: Any, tmp_path: Path, path: Path, *, tag: str, values: list[Any]
) -> None:
    slices = [dataset for value in values for dataset in scanner.slices(3, **{tag: value})]
    enhanced.store([slices[i] for i in scanner.rng.permutation(len(slices))], path)
    (series,) = formats.find(path)
    assert series.facts["kind"] == f"stack of {len(values)}"
    assert series.facts["stacked_by"] == tag
    volume = formats.read(series)
    for channel, value in enumerate(values):
        for k, dataset in enumerate(d for d in slices if d[tag].value == value):
            pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(5, 7)
            np.testing.assert_array_equal(volume.voxels[channel, :, :, k], pixels.T)
    formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    np.testing.assert_array_equal(formats.read(tmp_path / "out").voxels, volume.voxels)


def test_a_series_of_several_multi_frame_files_is_one(scanner: Any, path: Path) -> None:
    for time in (1, 2):
        slices = scanner.slices(4, TemporalPositionIdentifier=time)
        for dataset in slices:
            dataset.SOPInstanceUID = generate_uid(entropy_srcs=[dataset.SOPInstanceUID, str(time)])
        enhanced.store(slices, path.with_name(f"{time}.dcm"))
    (series,) = formats.find(path.parent)
    assert (series.facts["kind"], len(series.files)) == ("stack of 2", 2)


def concatenate(parts: list[Any], folder: Path) -> list[Path]:
    """The slices of each part in a file of its own, all of them one image (PS3.3 C.7.6.16)."""
    paths, before = [], 0
    for number, slices in enumerate(parts, 1):
        paths.append(folder / f"{len(parts) - number}.dcm")
        dataset = enhanced.store(slices, paths[-1], numbered=True)
        dataset.ConcatenationUID, dataset.InstanceNumber = "2.25.7", 1
        dataset.InConcatenationNumber, dataset.InConcatenationTotalNumber = number, len(parts)
        dataset.ConcatenationFrameOffsetNumber = before
        dataset.file_meta = pydicom.dcmread(paths[-1]).file_meta
        dataset.save_as(paths[-1], enforce_file_format=True)
        before += len(slices)
    return paths


def test_a_concatenation_is_one_image(scanner: Any, path: Path) -> None:
    slices = scanner.slices()
    classic = formats.read(scanner.store(slices))
    paths = concatenate([slices[:4], slices[4:]], path.parent)
    np.testing.assert_array_equal(formats.read(path.parent).voxels, classic.voxels)
    paths[1].unlink()
    (series,) = formats.find(path.parent)
    assert "part 2 is missing" in series.refusal


def test_volumes_of_a_concatenation_are_in_the_order_acquired(scanner: Any, path: Path) -> None:
    late, soon = (scanner.slices(4) for _ in range(2))
    for dataset, echo in [*((one, 30) for one in late), *((one, 90) for one in soon)]:
        dataset.EchoTime = echo
        for clock in ("AcquisitionTime", "ContentTime"):
            dataset.pop(clock, None)
    concatenate([soon, late], path.parent)
    volume = formats.read(path.parent)
    assert [header.EchoTime for header in volume.source.headers[::4]] == [90, 30]


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_compressed_frames(scanner: Any, path: Path, syntax: str) -> None:
    enhanced.store(scanner.slices(3, shape=(32, 40)), path)
    plain = formats.read(path)
    dataset = pydicom.dcmread(path)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(path, enforce_file_format=True)
    np.testing.assert_array_equal(formats.read(path).voxels, plain.voxels)


def test_the_loss_of_frames_counts_all_of_them(scanner: Any, path: Path) -> None:
    enhanced.store(scanner.slices(3, shape=(32, 40)), path)
    dataset = pydicom.dcmread(path)
    dataset.compress(JPEG2000, j2k_cr=[2], generate_instance_uid=False)
    dataset.save_as(path, enforce_file_format=True)
    volume = formats.read(path)
    (header, *_) = volume.source.headers
    assert float(header.LossyImageCompressionRatio) > 1


@pytest.mark.parametrize("modality", ["MR", "CT"])
def test_legacy_converted_series(scanner: Any, path: Path, modality: str) -> None:
    slices = scanner.slices(5, modality=modality)
    for dataset in slices:
        dataset.file_meta = pydicom.dataset.FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        dataset.PatientSex = dataset.StudyDate = dataset.StudyTime = dataset.StudyID = ""
        dataset.ReferringPhysicianName = dataset.Manufacturer = ""
        dataset.RescaleSlope, dataset.RescaleIntercept, dataset.RescaleType = "1", "0", "US"
    classic = formats.read(scanner.store(slices))
    converter = {
        "MR": highdicom.legacy.LegacyConvertedEnhancedMRImage,
        "CT": highdicom.legacy.LegacyConvertedEnhancedCTImage,
    }[modality]
    converted = converter(slices, series_instance_uid="2.25.8", series_number=1,
                          sop_instance_uid="2.25.9", instance_number=1)  # fmt: skip
    path.parent.mkdir(parents=True)
    converted.save_as(path)
    volume = formats.read(path)
    np.testing.assert_array_equal(volume.voxels, classic.voxels)
    np.testing.assert_allclose(volume.affine, classic.affine, atol=1e-6)


def spoilt(path: Path, fault: str) -> None:
    dataset = pydicom.dcmread(path)
    frames = dataset.PerFrameFunctionalGroupsSequence
    if fault == "a frame without place":
        del frames[2].PlanePositionSequence
    elif fault == "a phase frame":
        frames[2].MRImageFrameTypeSequence[0].ComplexImageComponent = "PHASE"
    elif fault == "a colour map":
        frames[2].MRImageFrameTypeSequence[0].PixelPresentation = "COLOR"
    elif fault == "a missing frame":
        del frames[2]
    elif fault == "no groups":
        del dataset.PerFrameFunctionalGroupsSequence
    elif fault == "short pixels":
        dataset.PixelData = dataset.PixelData[:-40]
    elif fault == "more frames than pixels":
        dataset.NumberOfFrames = 10**9
    dataset.save_as(path)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("a frame without place", "frame 3: ImagePositionPatient"),
        ("a phase frame", "frame 3: expected an MR magnitude image"),
        ("a colour map", "frame 3: expected grey values"),
        ("a missing frame", "6 frames, and the header has 5 descriptions"),
        ("no groups", "6 frames, and the header has nothing of its frames"),
        ("short pixels", "truncated"),
        ("more frames than pixels", "1000000000 frames, and the header has 6 descriptions"),
    ],
)
def test_what_is_wrong_is_reported_with_the_frame(
    scanner: Any, path: Path, *, fault: str, reason: str
) -> None:
    enhanced.store(scanner.slices(), path)
    spoilt(path, fault)
    (series,) = formats.find(path)
    assert str(path) in series.refusal
    assert reason in series.refusal
    with pytest.raises((UnsupportedScan, UnreadableScan), match="enhanced"):
        formats.read(series)


def test_a_gap_and_a_tilt_are_reported_by_the_frames(scanner: Any, path: Path) -> None:
    slices = scanner.slices(7)
    del slices[3]
    enhanced.store(slices, path)
    (series,) = formats.find(path)
    assert "between enhanced.dcm, frame 3 at" in series.refusal
    first, second = formats.find(path, on_gap="split")
    assert first.files == second.files
    assert [formats.read(one).shape[2] for one in (first, second)] == [3, 3]
    assert formats.read(path, on_gap="interpolate").shape[2] == 7
