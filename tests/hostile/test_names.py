"""Hostile strings, as names and in headers: nothing is written outside the output folder."""

from __future__ import annotations

import gc
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from click.testing import CliRunner

from medddim import formats
from medddim.cli import main
from medddim.formats.naming import DEVICES, safe_name
from tests import studies

HOSTILE = {
    "up": "../../../evil",
    "up as windows": "..\\..\\evil",
    "absolute": "/tmp/evil",
    "drive": "C:\\evil",
    "share": "\\\\host\\evil",
    "dots": "..",
    "dot": ".",
    "blank": "   ",
    "long": "e" * 300,
    "nul": "evil\0.txt",
    "line": "evil\nline",
    "escape": "\x1b[31mevil\x1b]0;evil\x07",
    "shell": "$(touch evil);`touch evil`|&<>*?'\"",
    "option": "--output=evil",
    "tilde": "~root",
    "right to left": "evil\u202egnp.exe",
    "combining": "e\u0301vil\u200b",
    "homoglyph": "\u0435vil\uff0f..\uff0fevil",
    "emoji": "\U0001f9e0",
    "surrogate": "evil\udcff",
    "device": "CON",
    "device with ending": "aux.nii",
    "port": "com1.txt",
    "template": "{0.__class__}%s%n${HOME}",
    "markup": "<script>evil()</script>",
}
some_and_all = pytest.mark.parametrize(
    "values",
    [list(HOSTILE.values())[::5], pytest.param([*HOSTILE.values()], marks=pytest.mark.slow)],
    ids=["some", "all"],
)
FREE_TEXT = (
    "PatientName", "PatientID", "SeriesDescription", "StudyDescription", "ProtocolName",
    "AccessionNumber", "StudyID", "PatientComments",
)  # fmt: skip


@pytest.fixture
def enhance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], list[str]]:
    """Run `enhance --model identity` from a folder of its own; the files that appeared in "out".

    Fails if any other file appeared or changed, or the command broke.
    """
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()

    def run(scan: Path) -> list[str]:
        before = listing(tmp_path)
        result = CliRunner().invoke(main, ["enhance", str(scan), "-o", "out", "--model=identity"])
        assert "unexpected" not in result.output
        assert result.exit_code in (0, 1)
        del result  # it holds on to what was unpacked
        gc.collect()
        appeared = listing(tmp_path).items() - before.items()
        inside = {name for name, _ in appeared if name.startswith("place/out")}
        assert {name for name, _ in appeared} - inside == set()
        assert before.items() <= listing(tmp_path).items()
        return sorted(name.removeprefix("place/out/") for name in inside)

    return run


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder, with its size and time."""
    files = (path for path in folder.rglob("*") if not path.is_dir())
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in files
    }


def require_plain(files: list[str]) -> None:
    """Names that hold on every file system."""
    assert files
    for part in (part for name in files for part in name.split("/")):
        assert len(part) <= 160
        assert part.isascii()
        assert set(part) <= set("._-") | set(map(chr, range(48, 123))) - set(":;<=>?@[\\]^`")
        assert part.split(".")[0].upper() not in DEVICES


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_string_makes_a_plain_name(kind: str) -> None:
    name = safe_name(HOSTILE[kind])
    require_plain([name])
    assert safe_name(HOSTILE[kind]) == name
    assert len(name) <= 128


@some_and_all
def test_hostile_attributes_lead_nowhere(values: list[str], tmp_path: Path, enhance: Any) -> None:
    for number, value in enumerate(values):
        folder = studies.dicom(tmp_path / "in", f"series{number}")
        for path in folder.iterdir():
            dataset = pydicom.dcmread(path)
            with pydicom.config.disable_value_validation():
                for keyword in FREE_TEXT:
                    setattr(dataset, keyword, value.encode("utf-8", "replace").decode())
                dataset.SpecificCharacterSet = "ISO_IR 192"
                dataset.SeriesInstanceUID = f"2.25.{number + 1}"
                dataset.save_as(path)
    files = enhance(tmp_path / "in")
    require_plain(files)
    assert sum(name.endswith(".dcm") for name in files) == 4 * len(values)


@some_and_all
@pytest.mark.parametrize("attribute", ["SeriesInstanceUID", "SOPInstanceUID"])
def test_hostile_identifiers_lead_nowhere(
    attribute: str, values: list[str], tmp_path: Path, enhance: Any
) -> None:
    for number, value in enumerate(values):
        path = sorted(studies.dicom(tmp_path / "in", f"series{number}").iterdir())[0]
        dataset = pydicom.dcmread(path)
        with pydicom.config.disable_value_validation():
            setattr(dataset, attribute, value.encode("ascii", "replace").decode()[:60])
            dataset.save_as(path)
    require_plain(enhance(tmp_path / "in"))


def test_hostile_file_and_folder_names_lead_nowhere(tmp_path: Path, enhance: Any) -> None:
    source = studies.nifti(tmp_path / "source").read_bytes()
    made = 0
    for value in HOSTILE.values():
        try:
            folder = tmp_path / "in" / value.replace("/", "_").replace("\0", "_")[:200]
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"sub-{folder.name[:150]}_T1w.nii.gz").write_bytes(source)
        except OSError:  # a name that this file system does not take
            continue
        made += 1
    files = enhance(tmp_path / "in")
    require_plain(files)
    assert sum(name.endswith(".nii.gz") for name in files) <= made
    assert made > 10


@pytest.mark.daily("up", "absolute", "nul", "long")
@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_zip_members_lead_nowhere(kind: str, tmp_path: Path, enhance: Any) -> None:
    source = studies.nifti(tmp_path / "source").read_bytes()
    archive = tmp_path / "scan.zip"
    with zipfile.ZipFile(archive, "w") as opened:
        member = zipfile.ZipInfo("placeholder")
        member.filename = f"{HOSTILE[kind]}/head.nii.gz".encode("utf-8", "replace").decode()
        opened.writestr(member, source)
    enhance(archive)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_links_and_pipes_in_the_input(tmp_path: Path, enhance: Any) -> None:
    """A link is followed, once, one to nothing is refused, a pipe does not stop the run."""
    folder = tmp_path / "in"
    studies.nifti(folder)
    outside = studies.nifti(tmp_path / "elsewhere", "outside")
    (folder / "link.nii.gz").symlink_to(outside)
    (folder / "loop").symlink_to(folder)
    studies.nifti(tmp_path / "other", "linked")
    (folder / "sub").symlink_to(tmp_path / "other")
    (folder / "around.nii.gz").symlink_to(folder / "around.nii.gz")
    (folder / "gone.dcm").symlink_to(folder / "nowhere")
    (folder / "device.dcm").symlink_to("/dev/zero")
    for name in ("pipe.dcm", "pipe.nii", "pipe"):
        os.mkfifo(folder / name)
        assert formats.find(folder / name) == []
    files = enhance(folder)
    results = ["head.nii.gz", "link.nii.gz", "sub/linked.nii.gz"]
    assert sorted(name for name in files if ".nii" in name) == results
    refused = {one.name for one in formats.find(folder) if one.refusal}
    assert refused == {"around", "gone"}


def test_a_name_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[31mevil\x1b]0;evil\x07.nii"
    path.write_bytes(b"no scan")
    reported = CliRunner().invoke(main, ["inspect", str(tmp_path)], color=False).output
    assert "evil" in reported
    assert reported.replace("\n", "").isprintable()


def test_what_may_not_be_looked_at_is_refused_not_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studies.nifti(tmp_path)
    (tmp_path / "closed").mkdir()
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    scandir = os.scandir

    def refusing(folder: str) -> Any:  # chmod would not stop a test that root runs
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found = {one.name: one.refusal for one in formats.find(tmp_path)}
    assert found["head"] == ""
    assert "may not be listed" in found["closed"]
    assert "gone" in found["gone"]


def test_a_link_in_the_output_is_not_written_through(tmp_path: Path, enhance: Any) -> None:
    target = tmp_path / "victim"
    target.write_text("mine")
    (tmp_path / "place" / "out").mkdir()
    (tmp_path / "place" / "out" / "head.nii.gz").symlink_to(target)
    studies.nifti(tmp_path / "in")
    enhance(tmp_path / "in")
    assert target.read_text() == "mine"
