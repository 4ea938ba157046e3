"""A map lies on its result, says what it holds, and is a sound DICOM object."""

import subprocess
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pydicom
import pytest

from medddim import formats
from medddim.errors import GridMismatch, WriteRefused
from medddim.formats import Derivation

DENOISE = Derivation("denoise", "Noise lowered.", {"model": "m"})
RESCALED = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"}


@pytest.fixture(params=["MR", "CT", "stacks", "single"])
def result(request: pytest.FixtureRequest, scanner: Any, tmp_path: Path) -> Any:
    """A scan and the files of a result made from it."""
    slices = scanner.slices(1 if request.param == "single" else 4,
                            modality="CT" if request.param == "CT" else "MR",
                            **(RESCALED if request.param == "CT" else {}))  # fmt: skip
    if request.param == "stacks":
        for one, two in zip(slices[:2], slices[2:], strict=True):
            two.ImagePositionPatient, two.EchoTime, one.EchoTime = one.ImagePositionPatient, 80, 20
    scan = formats.read(scanner.store(slices))
    return scan, formats.write(scan, tmp_path, name="x", derivation=DENOISE)


def spread(scan: Any) -> Any:
    values = np.random.default_rng(3).uniform(0, 12, scan.voxels.shape)
    return scan.with_voxels(values.astype(np.float32))


def test_slices_whose_cosines_differ_by_rounding_have_a_map(scanner: Any, tmp_path: Path) -> None:
    """As those of GE diffusion do; highdicom wants equal ones."""
    slices = scanner.slices(4)
    slices[2].ImageOrientationPatient[0] -= 4e-5
    slices[1].PixelSpacing[0] += 1e-5
    scan = formats.read(scanner.store(slices))
    files = formats.write(scan, tmp_path, name="x", derivation=DENOISE)
    (written,) = formats.write_map(spread(scan), tmp_path, of=files, quantity="residual")
    assert pydicom.dcmread(written).NumberOfFrames == 4


@pytest.mark.parametrize("quantity", ["uncertainty", "residual"])
def test_a_map_holds_the_values_where_they_belong(
    result: Any, tmp_path: Path, quantity: str
) -> None:
    scan, files = result
    values = spread(scan)
    written = formats.write_map(values, tmp_path, of=files, quantity=quantity)
    assert len(written) == scan.channels
    sources = [pydicom.dcmread(file) for file in files]
    places = {tuple(one.ImagePositionPatient): k for k, one in enumerate(sources)}
    for channel, path in enumerate(written):
        assert path.name.startswith(f"x+{quantity}")
        image = pydicom.dcmread(path)
        expected = values.voxels[channel].transpose(2, 1, 0)
        frames = np.frombuffer(image.FloatPixelData, "<f4").reshape(expected.shape)
        groups = image.PerFrameFunctionalGroupsSequence
        there = [tuple(one.PlanePositionSequence[0].ImagePositionPatient) for one in groups]
        order = [places[place] % scan.shape[2] for place in there]
        assert order == list(range(scan.shape[2])), "frame k is about file k"
        np.testing.assert_array_equal(frames, expected)
        assert sources[0].SeriesDescription not in image.SeriesDescription
        assert image.SeriesDescription == f"{quantity.capitalize()} of ZZPHI series"
        assert image.StudyInstanceUID == sources[0].StudyInstanceUID
        assert image.FrameOfReferenceUID == sources[0].FrameOfReferenceUID
        assert image.SeriesInstanceUID != sources[0].SeriesInstanceUID


def test_a_grid_against_the_order_of_files_gives_the_same_map(scanner: Any, tmp_path: Path) -> None:
    scan = formats.read(scanner.store(scanner.slices(4)))
    affine = scan.affine.copy()
    affine[:, 3] += (scan.shape[2] - 1) * affine[:, 2]
    affine[:, 2] *= -1
    turned = replace(scan, voxels=scan.voxels[..., ::-1], affine=affine)
    values = spread(scan)
    maps = []
    for name, grid, map_ in (
        ("x", scan, values),
        ("y", turned, turned.with_voxels(values.voxels[..., ::-1])),
    ):
        files = formats.write(grid, tmp_path, name=name, derivation=DENOISE)
        (path,) = formats.write_map(map_, tmp_path, of=files, quantity="residual")
        image = pydicom.dcmread(path)
        frames = np.split(np.frombuffer(image.FloatPixelData, "<f4"), scan.shape[2])
        groups = image.PerFrameFunctionalGroupsSequence
        there = [one.PlanePositionSequence[0].ImagePositionPatient for one in groups]
        places = [tuple(round(float(mm), 3) for mm in place) for place in there]
        maps.append(dict(zip(places, frames, strict=True)))
    assert maps[0].keys() == maps[1].keys()
    assert all(np.array_equal(maps[0][place], maps[1][place]) for place in maps[0])


def test_the_unit_is_that_of_the_scan(result: Any, tmp_path: Path) -> None:
    scan, files = result
    path = formats.write_map(spread(scan), tmp_path, of=files, quantity="uncertainty")[0]
    (shared,) = pydicom.dcmread(path).SharedFunctionalGroupsSequence
    (unit,) = shared.RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence
    assert unit.CodeValue == ("[hnsf'U]" if scan.unit == "HU" else "[arb'U]")


@pytest.mark.daily(1)
def test_the_same_map_written_twice_is_one_object(result: Any, tmp_path: Path) -> None:
    scan, files = result

    def uids(values: Any, folder: str) -> list[str]:
        written = formats.write_map(values, tmp_path / folder, of=files, quantity="residual")
        return [str(pydicom.dcmread(path).SOPInstanceUID) for path in written]

    assert uids(spread(scan), "a") == uids(spread(scan), "b")
    assert uids(scan, "c") != uids(spread(scan), "d")


def test_a_map_of_another_grid_is_refused(result: Any, tmp_path: Path) -> None:
    scan, files = result
    with pytest.raises(GridMismatch, match="a map of it needs"):
        formats.write_map(scan, tmp_path / "a", of=[*files, files[0]], quantity="residual")
    formats.write_map(scan, tmp_path, of=files, quantity="residual")
    with pytest.raises(WriteRefused, match="is there already"):
        formats.write_map(scan, tmp_path, of=files, quantity="residual")


@pytest.mark.daily(1)
def test_a_map_without_any_value_but_one_is_written(result: Any, tmp_path: Path) -> None:
    scan, files = result
    formats.write_map(scan.with_voxels(scan.voxels * 0), tmp_path, of=files, quantity="uncertainty")


def test_beside_nifti_it_is_nifti(nifti_file: Any, tmp_path: Path) -> None:
    scan = formats.read(nifti_file())
    files = formats.write(scan, tmp_path, name="x", derivation=DENOISE)
    (path,) = formats.write_map(spread(scan), tmp_path, of=files, quantity="uncertainty")
    again = formats.read(path)
    assert path.name == "x+uncertainty.nii.gz"
    np.testing.assert_array_equal(again.voxels, spread(scan).voxels)
    again.require_same_grid(scan)
    with pytest.raises(GridMismatch):
        formats.write_map(
            formats.read(nifti_file("y.nii", shape=(3, 5, 4))), tmp_path, of=files,
            quantity="residual",
        )  # fmt: skip


@pytest.mark.daily(2)
@pytest.mark.skipif(which("dciodvfy") is None, reason="dicom3tools is not installed")
@pytest.mark.parametrize("quantity", ["uncertainty", "residual"])
def test_dciodvfy_finds_no_error(result: Any, tmp_path: Path, quantity: str) -> None:
    scan, files = result
    for path in formats.write_map(spread(scan), tmp_path, of=files, quantity=quantity):
        reported = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        assert [line for line in reported.stderr.splitlines() if line.startswith("Error")] == []
