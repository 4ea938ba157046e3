"""What every Format promises: the same tests, whatever the format."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medddim import formats
from medddim.errors import EnvironmentProblem, UnreadableScan, UnsupportedScan, WriteRefused
from medddim.formats import Derivation
from medddim.formats.table import named
from medddim.volume import Volume
from tests.formats import files

IDENTITY = Derivation("identity", "Nothing was changed.", {"model": "identity"})


FILES = {
    "mha": lambda path, data: files.itk(path.with_suffix(".mha"), data, files.oblique()),
    "mhd 4D": lambda path, data: files.itk(path.with_suffix(".mhd"), four(data), files.oblique()),
    "nrrd": lambda path, data: files.itk(path.with_suffix(".nrrd"), data, files.oblique()),
    "nrrd list": lambda path, data: files.itk(
        path.with_suffix(".nrrd"), four(data), files.oblique(), listed=True
    ),
    "nhdr": lambda path, data: files.itk(path.with_suffix(".nhdr"), data, files.oblique()),
    "mgz": lambda path, data: files.mgh(path.with_suffix(".mgz"), data, files.oblique()),
    "mgh 4D": lambda path, data: files.mgh(path.with_suffix(".mgh"), four(data), files.oblique()),
    "pair": lambda path, data: files.pair(path.with_suffix(".hdr"), data, files.oblique()),
}


def four(data: Any) -> Any:
    """Five volumes that differ."""
    return np.stack([data, data // 2, data // 3, 200 - data, data + 1], axis=-1)


CT = pytest.param("dicom CT", marks=pytest.mark.slow)
"""In `make test-all`: as a file it is as MR, and what is its own has tests in `dicom`."""


@pytest.fixture(params=["nifti", "nifti 4D", "nifti CT", "dicom MR", CT, *FILES])
def scan(
    request: pytest.FixtureRequest,
    nifti_file: Any,
    scanner: Any,
    tmp_path: Path,
    rng: np.random.Generator,
) -> Path:
    """A sound scan of each format."""
    if request.param in FILES:
        data = rng.integers(0, 200, (6, 5, 4)).astype(np.int16)
        made: Path = FILES[request.param](tmp_path / "in" / "scan", data)
        return made
    if request.param == "nifti":
        return nifti_file()
    if request.param == "nifti 4D":
        return nifti_file(shape=(6, 5, 4, 3))
    if request.param == "nifti CT":
        path: Path = nifti_file()
        path.with_name("scan.json").write_text('{"Modality": "CT"}')
        return path
    if request.param == "dicom MR":
        return scanner.store(scanner.slices())
    rescale = {"RescaleSlope": "1", "RescaleIntercept": "-1024", "RescaleType": "HU"}
    return scanner.store(scanner.slices(modality="CT", **rescale))


def test_find_tells_of_one_sound_series(scan: Path) -> None:
    (series,) = formats.find(scan)
    assert series.refusal == ""
    assert series.facts["shape"][:3] == formats.read(series).shape
    np.testing.assert_allclose(series.facts["spacing_mm"], formats.read(scan).spacing_mm, atol=1e-4)
    assert series.name == scan.name.split(".")[0]


def test_a_round_trip_keeps_voxels_affine_and_unit(scan: Path, tmp_path: Path) -> None:
    volume = formats.read(scan)
    written = formats.write(volume, tmp_path / "out", name="same", derivation=IDENTITY)
    again = formats.read(tmp_path / "out")
    np.testing.assert_array_equal(again.voxels, volume.voxels)
    np.testing.assert_allclose(again.affine, volume.affine, rtol=0, atol=1e-6)
    assert (again.unit, again.modality) == (volume.unit, volume.modality)
    assert all(file.is_file() and file.is_relative_to(tmp_path / "out") for file in written)


def test_a_map_is_no_scan(scan: Path, tmp_path: Path) -> None:
    volume = formats.read(scan)
    spread = replace(volume, derivation=Derivation("uncertainty", "How far answers differ."))
    with pytest.raises(WriteRefused, match="write_map"):
        formats.write(spread, tmp_path / "out", name="x")


def test_a_finer_grid_keeps_its_place(scan: Path, tmp_path: Path) -> None:
    volume = finer(formats.read(scan))
    formats.write(volume, tmp_path / "out", name="fine", derivation=IDENTITY)
    again = formats.read(tmp_path / "out")
    np.testing.assert_array_equal(again.voxels, volume.voxels)
    np.testing.assert_allclose(again.affine, volume.affine, rtol=0, atol=1e-5)


def test_values_between_the_stored_ones_are_rounded(scan: Path, tmp_path: Path) -> None:
    volume = formats.read(scan)
    voxels = volume.voxels + np.float32(0.3)
    formats.write(volume.with_voxels(voxels), tmp_path / "out", name="x", derivation=IDENTITY)
    np.testing.assert_array_equal(formats.read(tmp_path / "out").voxels, volume.voxels)


def test_what_would_be_written_is_known_before(scan: Path, tmp_path: Path) -> None:
    volume = formats.read(scan)
    changed = volume.with_voxels(volume.voxels * np.float32(0.913))
    for name, result in {"same": changed, "fine": finer(changed)}.items():
        formats.write(result, tmp_path / name, name="x", derivation=IDENTITY)
        values = named(volume.source.format).as_written(result, IDENTITY)
        np.testing.assert_array_equal(formats.read(tmp_path / name).voxels, values)


def test_like_lends_its_header_to_a_bare_volume(scan: Path, tmp_path: Path) -> None:
    source = formats.read(scan)
    bare = Volume(source.voxels, source.affine)
    formats.write(bare, tmp_path / "out", name="x", derivation=IDENTITY, like=source)
    (series,) = formats.find(tmp_path / "out")
    assert series.format == formats.find(scan)[0].format


def test_nothing_is_overwritten(scan: Path, tmp_path: Path) -> None:
    volume = formats.read(scan)
    formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    before = contents(tmp_path / "out")
    with pytest.raises(WriteRefused, match="is there already"):
        formats.write(volume.with_voxels(volume.voxels * 0), tmp_path / "out", name="x",
                      derivation=IDENTITY)  # fmt: skip
    assert contents(tmp_path / "out") == before


def test_a_write_that_fails_leaves_nothing(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = formats.read(scan)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(EnvironmentProblem, match="No space left"):
        formats.write(volume, tmp_path / "out", name="x", derivation=IDENTITY)
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_run_left_is_cleared(scan: Path, tmp_path: Path) -> None:
    suffix = scan.name.removeprefix("scan") if scan.is_file() else ""
    left = tmp_path / "out" / f".x{suffix}~0123abcd.partial"
    left.mkdir(parents=True)
    (left / "0001.dcm").write_bytes(b"half")
    formats.write(formats.read(scan), tmp_path / "out", name="x", derivation=IDENTITY)
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert there - {"x.json", "x.raw", "x.img"} == {f"x{suffix}"}


def test_a_result_that_is_not_finite_is_not_written(scan: Path, tmp_path: Path) -> None:
    volume = formats.read(scan)
    voxels = volume.voxels.copy()
    voxels[0, 1, 2, 3] = np.nan
    with pytest.raises(WriteRefused, match="1 voxels"):
        formats.write(volume.with_voxels(voxels), tmp_path / "out", name="x", derivation=IDENTITY)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", [".", "..", "../x", "a//b", "a\\b", "nul\0"])
def test_a_name_cannot_leave_the_folder(scan: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(WriteRefused, match="plain file name"):
        formats.write(formats.read(scan), tmp_path / "out", name=name, derivation=IDENTITY)


def test_truncated_files_are_refused_at_every_length(scan: Path) -> None:
    victim = scan if scan.is_file() else sorted(scan.iterdir())[2]
    for voxels in (".raw", ".img"):  # of a header alone
        victim = next(iter(victim.parent.glob(f"*{voxels}")), victim)
    whole = victim.read_bytes()
    for length in np.linspace(0, len(whole) - 9, 12).astype(int):
        victim.write_bytes(whole[:length])
        with pytest.raises((UnreadableScan, UnsupportedScan)):
            formats.read(scan)


def test_a_path_must_hold_exactly_one_series(scan: Path, nifti_file: Any, tmp_path: Path) -> None:
    nifti_file("other.nii")
    with pytest.raises(UnsupportedScan, match=r"found 2 .*other"):
        formats.read(tmp_path / "in")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UnsupportedScan, match=r"no scan in .*empty: expected a DICOM series"):
        formats.read(tmp_path / "empty")
    with pytest.raises(UnreadableScan, match="no such file"):
        formats.find(tmp_path / "nowhere")


def test_a_folder_without_scans_has_no_series(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("nothing here")
    (tmp_path / ".DS_Store").write_bytes(b"\0" * 200)
    (tmp_path / ".hidden.nii").write_bytes(b"x")
    assert formats.find(tmp_path) == []


def test_a_volume_made_from_nothing_becomes_float32_nifti(tmp_path: Path) -> None:
    voxels = np.linspace(0, 1, 24, dtype=np.float32).reshape(1, 2, 3, 4)
    volume = Volume(voxels, np.diag([2.0, 2.0, 3.0, 1.0]))
    (file,) = formats.write(volume, tmp_path, name="made", derivation=IDENTITY)
    assert file == tmp_path / "made.nii.gz"
    np.testing.assert_array_equal(formats.read(file).voxels, voxels)
    np.testing.assert_array_equal(formats.read(file).affine, volume.affine)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def finer(volume: Volume) -> Volume:
    """Every voxel cut in two along each axis; the outer faces of the grid stay where they are."""
    voxels = volume.voxels.repeat(2, 1).repeat(2, 2).repeat(2, 3)
    affine = volume.affine.copy()
    affine[:3, :3] /= 2
    affine[:3, 3] = (volume.affine @ [-0.25, -0.25, -0.25, 1])[:3]
    return replace(volume, voxels=voxels, affine=affine)
