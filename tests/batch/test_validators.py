"""The validators' complaints, in words that quote no header."""

import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pydicom
import pytest

from medddim.batch import validators
from tests import studies

installed = pytest.mark.skipif(bool(validators.missing()), reason="dicom3tools is not installed")


@installed
def test_a_file_that_breaks_the_standard_is_reported_without_its_values(tmp_path):
    paths = sorted(studies.dicom(tmp_path).iterdir())
    for path in paths:
        dataset = pydicom.dcmread(path)
        dataset.PatientSex = f"{studies.CANARY} NONE"
        del dataset.Modality
        dataset.save_as(path)
    reported = validators.dciodvfy(paths)
    assert "Missing attribute" in reported
    assert "(Modality)" in reported
    assert f"({len(paths)} files)" in reported
    assert studies.CANARY not in reported


@pytest.fixture
def saying(monkeypatch):
    """Programs that print what a test says, by the name of the first file; calls are noted."""
    said, calls = {}, []

    def run(command, **options):
        calls.append((command, options))
        out, err = said.get(Path(command[1]).name, ("", ""))
        return SimpleNamespace(stdout=out.encode("latin-1"), stderr=err.encode("latin-1"))

    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", run)
    return SimpleNamespace(said=said, calls=calls)


def test_complaints_are_counted_by_kind_over_the_files(saying):
    missing = "Error - Missing attribute for Type 2 Required - Module=<A> Element=<Modality>\n"
    saying.said |= {
        "a": (f"MRImage\n{missing}{missing}", "Error - Bad attribute Value - Module=<A>\n"),
        "b": ("Warning - is not of interest\n", missing),
    }
    assert validators.dciodvfy([Path("a"), Path("b"), Path("c")]) == (
        "Missing attribute for Type 2 Required - Module (Modality) (2 files); "
        "Bad attribute Value - Module (1 files)"
    )
    command, options = min(saying.calls, key=lambda call: call[0])  # threads call in any order
    assert command == ["/bin/dciodvfy", str(Path("a").resolve())]
    assert options == {"capture_output": True, "timeout": validators.SECONDS, "check": False}
    assert len(saying.calls) == 3


def test_files_that_are_sound_have_no_complaint(saying):
    assert validators.dciodvfy([Path("a")]) == validators.dcentvfy([Path("a")]) == ""


def test_files_of_a_patient_are_compared_at_once_and_a_complaint_is_said_once(saying):
    line = 'Error - Study Date different for file "a" and "b" - 1.2.3.4.5 ZZPHI\n'
    saying.said["a"] = (line + line.replace("Study", "Series"), line)
    found = validators.dcentvfy([Path("a"), Path("b")])
    assert found == "Study Date different; Series Date different"
    ((command, _),) = saying.calls
    assert [Path(one).name for one in command] == ["dcentvfy", "a", "b"]


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("Error - Value is wrong = <ZZPHI>", "Value is wrong"),
        ('Error - Value is "ZZPHI"', "Value is"),
        ("Error - Value [ZZPHI] is wrong", "Value"),
        ("Error - Value (ZZPHI) is wrong", "Value"),
        ("Error - UID 1.2.840.113 twice", "UID twice"),
        ("Error - Version 1.2 is old", "Version 1.2 is old"),
        ("Error - Two dashes - one line", "Two dashes - one line"),
        ("Error - Wrong - Element=<Rows> Module=<M>", "Wrong (Rows)"),
    ],
)
def test_values_are_not_quoted(saying, line, plain):
    saying.said["a"] = (f"{line}\n", "")
    assert validators.dcentvfy([Path("a")]) == plain


def test_bytes_that_are_no_text_are_replaced(saying):
    saying.said["a"] = ("Error - caf\xe9\n", "")
    assert validators.dcentvfy([Path("a")]) == "caf�"


def test_a_program_that_finds_no_end_judges_nothing(saying, monkeypatch):
    def run(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(subprocess, "run", run)
    assert validators.dciodvfy([Path("a")]) == "dciodvfy found no end (1 files)"


def test_a_program_that_is_not_there_is_missing_and_finds_nothing(monkeypatch):
    monkeypatch.setattr(shutil, "which", {"dciodvfy": "/bin/dciodvfy"}.get)
    assert validators.missing() == ["dcentvfy"]
    assert validators.dcentvfy([Path("a")]) == ""


def test_what_the_source_has_too_is_set_apart():
    found = "Missing (Rows) (3 files); Wrong (KVP) (2 files); Study differs"
    source = "Wrong (KVP) (9 files); Study differs; Other (1 files)"
    mine, theirs = validators.set_apart(found, source)
    assert mine == "Missing (Rows) (3 files)"
    assert theirs == "Wrong (KVP); Study differs"
    assert validators.set_apart(f"{found}; Late (1 files)", "") == (
        f"{found}; Late (1 files)",
        "",
    )
    assert validators.set_apart("", source) == ("", "")
