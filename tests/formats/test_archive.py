"""Scans in a zip file: read as if unpacked, gone afterwards, never written where a name says."""

import gc
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medddim import formats
from medddim.errors import UnreadableScan, UnsupportedScan

HOSTILE = ["../../out.nii", "/etc/out.nii", "a/../../out.nii", "C:\\out.nii", "..\\out.nii",
           "\\\\host\\out.nii"]  # fmt: skip
STRANGE = ["a b;rm -rf ~.nii", "$(touch out).nii", "x" * 200 + ".nii", "名前.nii", "-rf.nii",
           "a/./b.nii", ".hidden.nii", "con.nii", "a\u202eiin.nii", "a\nb.nii"]  # fmt: skip


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where archives are unpacked, watched by the tests."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def zipped(target: Path, members: dict[str, Path]) -> Path:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in members.items():
            archive.writestr(zipfile.ZipInfo(name), path.read_bytes())  # write repairs some names
    return target


@pytest.fixture
def study(scanner: Any, nifti_file: Callable[..., Path], tmp_path: Path) -> Path:
    """A zip with a DICOM series without suffixes, a NIfTI file with sidecar, and a text."""
    series = scanner.store(scanner.slices(), to="s")
    nifti = nifti_file("head.nii.gz")
    sidecar = nifti.with_name("head.json")
    sidecar.write_text('{"Modality": "MR"}')
    note = nifti.with_name("note.txt")
    note.write_text("nothing")
    files = {f"visit 1/T1/IM{k}": path for k, path in enumerate(sorted(series.iterdir()))}
    others = {"visit 1/anat/head.nii.gz": nifti, "visit 1/anat/head.json": sidecar, "note": note}
    return zipped(tmp_path / "study.zip", files | others)


def test_it_is_read_as_if_unpacked(study: Path, scanner: Any, tmp_path: Path) -> None:
    found = {series.name: series for series in formats.find(study)}
    assert set(found) == {"visit_1/T1", "visit_1/anat/head"}
    head, series = found["visit_1/anat/head"], found["visit_1/T1"]
    assert head.modality == "MR"
    plain = formats.read(scanner.folder / "s")
    np.testing.assert_array_equal(formats.read(series).voxels, plain.voxels)
    np.testing.assert_array_equal(
        formats.read(head).voxels, formats.read(tmp_path / "in" / "head.nii.gz").voxels
    )
    assert [one.name for one in formats.find(study)] == list(found)


def test_the_copy_goes_with_its_last_series(study: Path, temporary: Path) -> None:
    found = formats.find(study)
    assert len(list(temporary.iterdir())) == 1
    volumes = [formats.read(series) for series in found]
    del found
    gc.collect()
    assert list(temporary.iterdir()) == []
    assert all(np.isfinite(volume.voxels).all() for volume in volumes)


def test_a_zip_is_known_by_its_content(study: Path) -> None:
    other = study.rename(study.with_name("export"))
    assert len(formats.find(other)) == 2
    other.with_name("text.zip").write_text("no zip")
    (series,) = formats.find(other.with_name("text.zip"))
    assert "text.zip" in series.refusal
    with pytest.raises(UnreadableScan, match=r"text\.zip"):
        formats.read(series)


def test_messages_name_the_zip_not_its_copy(scanner: Any, tmp_path: Path, temporary: Path) -> None:
    slices = scanner.slices()
    del slices[2]
    series = scanner.store(slices)
    short = scanner.store(scanner.slices(1, SeriesInstanceUID="2.25.9"), to="t") / "000.dcm"
    whole = short.read_bytes()
    short.write_bytes(whole[:-40] + b"\0" * 0)
    members = {f"a/{path.name}": path for path in series.iterdir()} | {"b/short.dcm": short}
    found = formats.find(zipped(tmp_path / "x.zip", members))
    assert len(found) == 2
    for one in found:
        assert f"{tmp_path}/x.zip/" in one.refusal
        with pytest.raises(Exception, match=r"x\.zip/") as caught:
            formats.read(one)
        assert str(temporary) not in str(caught.value) + one.refusal


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.daily(2)
def test_a_name_that_leads_out_refuses_the_zip(
    nifti_file: Callable[..., Path], tmp_path: Path, temporary: Path, name: str
) -> None:
    path = zipped(tmp_path / "x.zip", {name: nifti_file("a.nii")})
    before = everything(tmp_path)
    (series,) = formats.find(path)
    assert "lead out" in series.refusal
    with pytest.raises(UnsupportedScan, match="lead out"):
        formats.read(series)
    gc.collect()
    assert everything(tmp_path) == before
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.daily(3)
def test_a_strange_name_becomes_a_safe_one(
    nifti_file: Callable[..., Path], tmp_path: Path, temporary: Path, name: str
) -> None:
    source = nifti_file("a.nii")
    path = zipped(
        tmp_path / "x.zip", {name: source, "two/same.nii": source, "two_same.nii": source}
    )
    before = everything(tmp_path)
    found = formats.find(path)
    assert len(found) == 3
    assert len({series.name for series in found}) == 3
    for series in found:
        assert series.files[0].is_relative_to(temporary)
        assert set(series.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789._-/")  # fmt: skip
        assert formats.read(series).shape == (6, 5, 4)
    del found, series
    gc.collect()
    assert everything(tmp_path) == before


def test_members_of_one_safe_name_are_all_kept(
    nifti_file: Callable[..., Path], tmp_path: Path
) -> None:
    source = nifti_file("a.nii")
    path = zipped(tmp_path / "x.zip", {"a b.nii": source, "a_b.nii": source, "a;b.nii": source})
    assert len(formats.find(path)) == 3


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDDDIM_MAX_BYTES", "100000")
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.nii", b"\0" * 200_000)
    (series,) = formats.find(tmp_path / "x.zip")
    assert "unpacks to 200,000 bytes" in series.refusal


@pytest.mark.parametrize("length", [4, 100, 2000, -30])
def test_a_truncated_zip_is_refused(study: Path, temporary: Path, length: int) -> None:
    study.write_bytes(study.read_bytes()[:length])
    (series,) = formats.find(study)
    assert "study.zip: expected a whole zip file" in series.refusal
    assert list(temporary.iterdir()) == []


def everything(folder: Path) -> set[Path]:
    """Every file below a folder, what is unpacked left out."""
    return {path for path in folder.rglob("*") if path.is_file() and "temporary" not in path.parts}
