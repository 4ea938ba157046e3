"""What the user allows is repaired, exactly as far as it is sound, and the result says so."""

import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from medddim import formats
from medddim.errors import IrregularGeometry
from medddim.formats import Derivation
from tests.formats.conftest import GAP_MM, NORMAL, ROW

IDENTITY = Derivation("identity", "Nothing was changed.")


def pixels(dataset: Dataset) -> Any:
    code = "<i2" if dataset.PixelRepresentation else "<u2"
    return np.frombuffer(dataset.PixelData, code).reshape(dataset.Rows, dataset.Columns)


def moved(slices: list[Dataset], offsets_mm: Any) -> list[Dataset]:
    for dataset, offset in zip(slices, offsets_mm, strict=True):
        place = np.array(dataset.ImagePositionPatient, dtype=float) + offset
        dataset.ImagePositionPatient = [float(f"{v:.8f}") for v in place]
    return slices


def test_one_missing_slice_is_the_mean_of_its_neighbours(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(8)
    lost = slices.pop(3)
    volume = formats.read(scanner.store(slices), on_gap="interpolate")
    assert volume.shape == (7, 5, 8)
    assert volume.spacing_mm[2] == pytest.approx(GAP_MM)
    before, after = (pixels(slices[k]).astype(float) for k in (2, 3))
    np.testing.assert_allclose(volume.voxels[0, :, :, 3], (before + after).T / 2)
    for k, dataset in zip([0, 1, 2, 4, 5, 6, 7], slices, strict=True):
        np.testing.assert_array_equal(volume.voxels[0, :, :, k], pixels(dataset).T)
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    results = [pydicom.dcmread(file) for file in files]
    assert len(results) == 8
    assert "1 slice interpolated between" in results[0].DerivationDescription
    np.testing.assert_allclose(
        results[3].ImagePositionPatient, lost.ImagePositionPatient, atol=1e-4
    )
    reported = {item.ReferencedSOPInstanceUID for item in results[3].SourceImageSequence}
    assert reported == {slices[2].SOPInstanceUID, slices[3].SOPInstanceUID}
    assert results[3].SourceImageSequence[0].SpatialLocationsPreserved == "NO"
    assert results[4].SourceImageSequence[0].SpatialLocationsPreserved == "YES"
    assert results[4].SourceImageSequence[0].ReferencedSOPInstanceUID == slices[3].SOPInstanceUID


def test_two_in_a_row_are_interpolated_in_thirds(scanner: Any) -> None:
    slices = scanner.slices(7)
    del slices[3:5]
    volume = formats.read(scanner.store(slices), on_gap="interpolate")
    before, after = (pixels(slices[k]).astype(float).T for k in (2, 3))
    np.testing.assert_allclose(volume.voxels[0, :, :, 3], before * 2 / 3 + after / 3, rtol=1e-5)
    np.testing.assert_allclose(volume.voxels[0, :, :, 4], before / 3 + after * 2 / 3, rtol=1e-5)


def test_padding_beside_a_gap_is_not_mixed_with_the_image(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(6, signed=True, bits=16, PixelPaddingValue=-2000)
    for dataset in slices:
        dataset.PixelData = np.full((5, 7), 100, "<i2").tobytes()
    padded = np.full((5, 7), 100, "<i2")
    padded[:, 0] = -2000
    slices[1].PixelData = padded.tobytes()
    del slices[2]
    volume = formats.read(scanner.store(slices), on_gap="interpolate")
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    made = pixels(pydicom.dcmread(files[2]))
    assert (made[:, 0] == -2000).all()
    assert (made[:, 1:] == 100).all()
    assert (volume.voxels[0, 0, :, 2] == 0).all(), "what a model sees is no mixture either"


def test_three_in_a_row_are_too_many(scanner: Any) -> None:
    slices = scanner.slices(9)
    del slices[3:6]
    (series,) = formats.find(scanner.store(slices), on_gap="interpolate")
    assert "3 slices missing" in series.refusal
    assert "no more than 2 in a row" in series.refusal


@pytest.mark.parametrize("on_gap", ["refuse", "interpolate"])
def test_uneven_spacing_is_not_interpolated(scanner: Any, on_gap: Any) -> None:
    slices = scanner.slices(8)
    moved(slices, np.outer([0, 0.9, 0, 0.4, 0, 0, -0.8, 0], NORMAL))
    (series,) = formats.find(scanner.store(slices), on_gap=on_gap)
    assert "unevenly spaced" in series.refusal


def test_a_split_makes_a_volume_of_each_side(scanner: Any, tmp_path: Path) -> None:
    slices = scanner.slices(9)
    del slices[4]
    folder = scanner.store(slices)
    first, second = formats.find(folder, on_gap="split")
    assert [first.name, second.name] == ["series_part1", "series_part2"]
    assert first.facts["repairs"] == ["part 1 of 2 of a series split at its gaps"]
    for series, mine in ((first, slices[:4]), (second, slices[4:])):
        volume = formats.read(series)
        assert volume.shape == (7, 5, 4)
        np.testing.assert_array_equal(volume.voxels[0, :, :, 0], pixels(mine[0]).T)
        corner = (volume.affine @ [0, 0, 0, 1])[:3] * [-1, -1, 1]
        np.testing.assert_allclose(corner, mine[0].ImagePositionPatient, atol=1e-6)
        files = formats.write(volume, tmp_path / "out", name=series.name, derivation=IDENTITY)
        assert [pixels(pydicom.dcmread(f)).tolist() for f in files] == [
            pixels(dataset).tolist() for dataset in mine
        ]
        assert "split at its gaps" in pydicom.dcmread(files[0]).DerivationDescription


def test_two_thicknesses_split_where_the_spacing_changes(scanner: Any) -> None:
    """As in a head CT: thin slices at the base of the skull, thick ones above, and a seam."""
    heights = np.array([0, 4, 8, 12, 13.1, 20.1, 27.1, 34.1, 41.1])
    slices = scanner.slices(9)
    moved(slices, np.outer(heights - np.arange(9) * GAP_MM, NORMAL))
    found = formats.find(scanner.store(slices), on_gap="split")
    assert [series.facts["shape"][2] for series in found] == [4, 5]
    assert [series.facts["spacing_mm"][2] for series in found] == pytest.approx([4, 7])


def test_a_lone_slice_is_not_a_part(scanner: Any) -> None:
    slices = scanner.slices(8)
    del slices[1]
    (series,) = formats.find(scanner.store(slices), on_gap="split")
    assert "000.dcm belongs to no even run" in series.refusal


def test_all_parts_of_a_split_need_their_own_name(scanner: Any) -> None:
    slices = scanner.slices(9)
    del slices[4]
    folder = scanner.store(slices)
    with pytest.raises(Exception, match="found 2"):
        formats.read(folder, on_gap="split")


def tilted(scanner: Any, degrees: float, count: int = 8, **attributes: Any) -> list[Dataset]:
    """Slices of one smooth object, each shifted along its rows as by a tilted gantry."""
    slices = scanner.slices(count, shape=(24, 32), signed=True, bits=16, **attributes)
    moved(slices, np.outer(np.arange(count) * GAP_MM * np.tan(np.radians(degrees)), ROW))
    for dataset in slices:
        row, column = np.mgrid[:24, :32]
        x = dataset.ImagePositionPatient[0] + column * dataset.PixelSpacing[1]
        dataset.PixelData = np.rint(smooth(x, row)).astype("<i2").tobytes()
    return slices


def smooth(x_mm: Any, row: Any) -> Any:
    """What the object holds at a place: the same in every slice."""
    return 1000 + 400 * np.sin(x_mm / 4) + 10 * row


@pytest.mark.parametrize("degrees", [-11.3, 5, 18.5])
@pytest.mark.daily(1)
def test_a_tilt_is_resampled_onto_the_normal(scanner: Any, tmp_path: Path, degrees: float) -> None:
    slices = tilted(scanner, degrees)
    folder = scanner.store(slices)
    (series,) = formats.find(folder, on_tilt="resample")
    repair = f"a tilt of {abs(degrees):.1f} degrees resampled to a right-angled grid"
    assert series.facts["repairs"] == [repair]
    volume = formats.read(series)
    assert volume.shape == series.facts["shape"]
    axes = volume.affine[:3, :3] / volume.spacing_mm
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-6)
    assert volume.spacing_mm == pytest.approx((0.75, 1.25, GAP_MM))
    inside = 0
    for k in range(8):
        i, j = np.mgrid[: volume.shape[0], : volume.shape[1]]
        x_mm = -(volume.affine @ [i.ravel(), j.ravel(), np.full(i.size, k), np.ones(i.size)])[0]
        low = slices[k].ImagePositionPatient[0] + 2 * 0.75
        high = slices[k].ImagePositionPatient[0] + 29 * 0.75
        there = ((x_mm > low) & (x_mm < high)).reshape(i.shape)
        expected = smooth(x_mm.reshape(i.shape), j)
        np.testing.assert_allclose(volume.voxels[0, :, :, k][there], expected[there], atol=2)
        inside += there.sum()
    assert inside > 0.8 * 8 * 24 * 32
    files = formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    results = [pydicom.dcmread(file) for file in files]
    assert repair in results[0].DerivationDescription
    for k, result in enumerate(results):
        (reference,) = result.SourceImageSequence
        assert reference.ReferencedSOPInstanceUID == slices[k].SOPInstanceUID
        assert reference.SpatialLocationsPreserved == "NO"
    again = formats.read(tmp_path / "out")
    np.testing.assert_allclose(again.affine, volume.affine, atol=1e-4)
    np.testing.assert_allclose(again.voxels, volume.voxels, atol=0.51)


def test_resampling_keeps_the_strength_of_the_noise(scanner: Any) -> None:
    slices = tilted(scanner, 7, count=12)
    noise = scanner.rng.normal(0, 50, (12, 24, 32))
    for dataset, part in zip(slices, noise, strict=True):
        dataset.PixelData = np.rint(1000 + part).astype("<i2").tobytes()
    volume = formats.read(scanner.store(slices), on_tilt="resample")
    middle = volume.voxels[0, 10:-10]
    assert middle.std() == pytest.approx(50, rel=0.2)  # half way between voxels, lines give 35


def test_padding_stays_padding_in_a_resampled_tilt(scanner: Any, tmp_path: Path) -> None:
    slices = tilted(scanner, 10, PixelPaddingValue=-2000)
    for dataset in slices:
        stored = pixels(dataset).copy()
        stored[:, :3] = -2000
        dataset.PixelData = stored.tobytes()
    volume = formats.read(scanner.store(slices), on_tilt="resample")
    assert (volume.voxels == 0).any()
    assert volume.voxels[volume.voxels != 0].min() > 400, "no ramp between image and padding"
    files = formats.write(volume.with_voxels(volume.voxels + 7), tmp_path, name="x")
    results = [pydicom.dcmread(file) for file in files]
    assert {result.PixelPaddingValue for result in results} == {-2000}
    written = np.stack([pixels(result) for result in results])
    assert (written == -2000).any()
    assert written[written != -2000].min() > 400
    files = formats.write(volume, tmp_path, name="same", derivation=IDENTITY)
    again = formats.read(files[0].parent)
    np.testing.assert_allclose(again.voxels, volume.voxels, rtol=0, atol=0.51)


def test_a_repaired_copy_passes_for_one(scanner: Any, tmp_path: Path) -> None:
    """What a repair computes lies between two stored values, and is rounded when written."""
    scan = formats.read(scanner.store(tilted(scanner, 10)), on_tilt="resample")
    files = formats.write(scan, tmp_path, name="x", derivation=IDENTITY)
    topics = formats.check(files, scan, derivation=IDENTITY, format="dicom")
    assert topics == dict.fromkeys(topics, "")
    other = scan.with_voxels(scan.voxels + np.float32(1))
    files = formats.write(other, tmp_path, name="y", derivation=IDENTITY)
    topics = formats.check(files, scan, derivation=IDENTITY, format="dicom")
    assert "voxels of an unchanged copy differ" in topics["values"]


@pytest.mark.skipif(which("dcm2niix") is None, reason="dcm2niix is not installed")
def test_dcm2niix_sees_no_tilt_any_more(scanner: Any, tmp_path: Path) -> None:
    """In some scans it takes GantryDetectorTilt for the angle of the grid it is given."""
    slices = tilted(scanner, 18.5, modality="CT", GantryDetectorTilt="18.5",
                    RescaleSlope="1", RescaleIntercept="0")  # fmt: skip
    scan = formats.read(scanner.store(slices), on_tilt="resample")
    files = formats.write(scan, tmp_path, name="x", derivation=IDENTITY)
    assert "GantryDetectorTilt" not in pydicom.dcmread(files[0])
    (tmp_path / "nii").mkdir()
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "x", "-o", tmp_path / "nii", tmp_path / "x"]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = (tmp_path / "nii").iterdir()
    theirs = nibabel.load(path)
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in theirs.shape])).reshape(3, -1)
    places = np.linalg.solve(scan.affine, theirs.affine @ np.vstack([corners, np.ones(8)]))[:3]
    apart_mm = np.abs(places - np.rint(places)) * np.array(scan.spacing_mm)[:, None]
    assert theirs.shape == scan.shape
    assert apart_mm.max() < 1e-3
    np.testing.assert_array_equal(
        np.sort(places.max(axis=1)).round(), np.sort(np.array(scan.shape) - 1)
    )


def test_a_stack_that_bends_is_not_resampled(scanner: Any) -> None:
    slices = scanner.slices(8)
    moved(slices, np.outer(np.arange(8) ** 2 * 0.4, ROW))
    (series,) = formats.find(scanner.store(slices), on_tilt="resample")
    assert "no one tilt explains it" in series.refusal


def test_a_gap_in_a_tilted_stack_takes_both_repairs(scanner: Any) -> None:
    slices = tilted(scanner, 12)
    del slices[3]
    folder = scanner.store(slices)
    with pytest.raises(IrregularGeometry, match="1 slice missing"):
        formats.read(folder, on_tilt="resample")
    with pytest.raises(IrregularGeometry, match="tilt"):
        formats.read(folder, on_gap="interpolate")
    (series,) = formats.find(folder, on_tilt="resample", on_gap="interpolate")
    assert len(series.facts["repairs"]) == 2
    assert formats.read(series).shape[2] == 8
    first, second = formats.find(folder, on_tilt="resample", on_gap="split")
    assert formats.read(first).shape[2] + formats.read(second).shape[2] == 7


def test_a_sound_series_is_left_alone(scanner: Any) -> None:
    folder = scanner.store(scanner.slices())
    (series,) = formats.find(folder, on_tilt="resample", on_gap="interpolate")
    assert "repairs" not in series.facts
    np.testing.assert_array_equal(formats.read(series).voxels, formats.read(folder).voxels)


@pytest.mark.parametrize(("off_mm", "even"), [(0.02, True), (0.06, False), (0.1, False)])
def test_a_slice_may_lie_a_hundredth_of_the_spacing_off(
    scanner: Any, *, off_mm: float, even: bool
) -> None:
    """3.5 mm apart: some scanners round positions, none is off by two hundredths."""
    slices = scanner.slices(7)
    place = np.array(slices[3].ImagePositionPatient, dtype=float)
    slices[3].ImagePositionPatient = [float(v) for v in place + off_mm * NORMAL]
    (series,) = formats.find(scanner.store(slices))
    assert (not series.refusal) == even
