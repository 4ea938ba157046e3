"""Whatever goes wrong, the patient is found in no message, log, record, report or file name."""

from __future__ import annotations

import errno
import gzip
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import pydicom
import pytest
from click.testing import CliRunner

from medddim.cli import main
from medddim.formats import guard
from tests import studies
from tests.hostile import patients
from tests.hostile.patients import CANARIES, CANARY

Patch = pytest.MonkeyPatch


def changed(change: Callable[[Any], None], slice_: int = 1) -> Callable[[Path], None]:
    """Spoil one slice of the DICOM series."""

    def spoil(folder: Path) -> None:
        path = sorted((folder / "series").iterdir())[slice_]
        with guard.quiet():
            dataset = pydicom.dcmread(path)
            change(dataset)
            dataset.save_as(path, enforce_file_format=True)

    return spoil


def set_to(keyword: str, value: Any) -> Callable[[Path], None]:
    return changed(lambda dataset: setattr(dataset, keyword, value))


def without(keyword: str) -> Callable[[Path], None]:
    return changed(lambda dataset: delattr(dataset, keyword))


def text_in(keyword: str, kind: str) -> Callable[[Path], None]:
    """A canary where the standard asks for a number, a date or an identifier."""
    tag = pydicom.datadict.tag_for_keyword(keyword)

    def spoil(dataset: Any) -> None:
        dataset[tag] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag(tag), kind, 10, b"ZZPHI\\ZZPH", 0, False, True
        )

    return changed(spoil)


def cut(name: str, length: int) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = sorted(folder.glob(name))[1 if "dcm" in name else 0]
        path.write_bytes(path.read_bytes()[:length])

    return spoil


def header(**fields: Any) -> Callable[[Path], None]:
    """Overwrite fields of the NIfTI header, without nibabel's repairs."""

    def spoil(folder: Path) -> None:
        content = gzip.decompress((folder / "scan.nii.gz").read_bytes())
        spoilt = nibabel.Nifti1Header(content[:348], check=False)
        for key, value in fields.items():
            spoilt[key] = value
        packed = gzip.compress(spoilt.binaryblock + content[348:])
        (folder / "scan.nii.gz").write_bytes(packed)

    return spoil


def written(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: [None, (folder / name).write_bytes(content)][0]


def gone(folder: Path) -> None:
    sorted((folder / "series").iterdir())[1].unlink()


def doubled(folder: Path) -> None:
    first, *_ = sorted((folder / "series").iterdir())
    with guard.quiet():
        dataset = pydicom.dcmread(first)
        dataset.SOPInstanceUID += ".1"
        dataset.save_as(first.with_name("again.dcm"))


FILES: dict[str, Callable[[Path], None]] = {
    "nothing": lambda folder: None,
    "pixels cut": cut("series/*.dcm", -100),
    "header cut": cut("series/*.dcm", 700),
    "slice gone": gone,
    "slice doubled": doubled,
    "no position": without("ImagePositionPatient"),
    "no spacing": without("PixelSpacing"),
    "no class": without("SOPClassUID"),
    "no series": without("SeriesInstanceUID"),
    "no pixels": without("PixelData"),
    "secondary capture": set_to("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"),
    "bits": set_to("BitsAllocated", 7),
    "tilted": set_to("ImageOrientationPatient", [0, 1, 0, 0, 0, 1]),
    "colour": set_to("PhotometricInterpretation", CANARY),
    "character set": set_to("SpecificCharacterSet", CANARY),
    "text as position": text_in("ImagePositionPatient", "DS"),
    "text as slope": text_in("RescaleSlope", "DS"),
    "text as rows": text_in("Rows", "US"),
    "text as date": text_in("StudyDate", "DA"),
    "text as identifier": text_in("SOPInstanceUID", "UI"),
    "text as number": text_in("SeriesNumber", "IS"),
    "text as class": text_in("SOPClassUID", "UI"),
    "text as sequence": text_in("RequestAttributesSequence", "SQ"),
    "no NIfTI": written("scan.nii.gz", gzip.compress(f"{CANARY} is no scan".encode() * 100)),
    "no gzip": written("scan.nii.gz", f"{CANARY} is no scan".encode() * 100),
    "no DICOM": written("series/other.dcm", f"{CANARY} is no scan".encode() * 100),
    "no zip": written("scan.zip", b"PK\3\4" + CANARY.encode() * 100),
    "NIfTI cut": cut("scan.nii.gz", 1000),
    "singular": header(srow_x=[0, 0, 0, 0]),
    "complex": header(datatype=32, bitpix=64),
}
"""What is wrong with the files; the first is the baseline."""


def raising(target: str, problem: Exception | KeyboardInterrupt) -> Callable[[Path, Patch], None]:
    def patch(folder: Path, monkeypatch: Patch) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise problem

        monkeypatch.setattr(target, fail)

    return patch


def quoting_work(folder: Path, monkeypatch: Patch) -> None:
    """Work that stumbles, and quotes what it stumbled over."""

    def work(volume: Any, facts: Any) -> None:
        raise ValueError(f"{getattr(volume.source, 'headers', CANARY)}")

    from medddim.batch import Job

    monkeypatch.setattr(
        "medddim.batch.identity_job", lambda: Job("identity", "", {}, lambda _: work)
    )


def occupied(folder: Path, monkeypatch: Patch) -> None:
    (folder.parent / "out").write_text("in the way")


def there_already(folder: Path, monkeypatch: Patch) -> None:
    (folder.parent / "out" / "series").mkdir(parents=True)
    (folder.parent / "out" / "scan.nii.gz").write_text("in the way")


FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
READ_ONLY = OSError(errno.EROFS, os.strerror(errno.EROFS))
QUOTE = RuntimeError(f"found {CANARY} in the header")

PLACES: dict[str, Callable[[Path, Patch], None]] = {
    "disk full": raising("medddim.formats.atomic.os.fsync", FULL),
    "read-only": raising("pathlib.Path.mkdir", READ_ONLY),
    "out is a file": occupied,
    "results there": there_already,
    "work fails": quoting_work,
    "interrupted": raising("medddim.formats.write", KeyboardInterrupt(CANARY)),
    "reader fails": raising("medddim.formats.dicom.read._decoded", QUOTE),
    "writer fails": raising("medddim.formats.write", QUOTE),
    "finder fails": raising("medddim.formats.dicom.find.frames_of", QUOTE),
    "memory": raising("medddim.formats.dicom.read._decoded", MemoryError(CANARY)),
    "record fails": raising("medddim.record.write_manifest", QUOTE),
}
"""What is wrong with the place, or with the program."""


def require_no_patient(output: str, out: Path) -> None:
    """Nothing in the output, nor in any file name, nor in any file but the DICOM images."""
    for canary in CANARIES:
        assert canary not in output
    for path in out.rglob("*") if out.is_dir() else ():
        name = path.relative_to(out).as_posix()
        content = path.read_bytes() if path.is_file() else b""
        if path.suffix == ".gz":
            content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        for canary in CANARIES:
            assert canary not in name
            if path.suffix != ".dcm":
                assert canary.encode() not in content


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DICOM series and a NIfTI file."""
    folder = tmp_path_factory.mktemp("study")
    patients.dicom(folder)
    patients.nifti(folder)
    return folder


@pytest.fixture
def folder(study: Path, tmp_path: Path) -> Path:
    """The study again, to be spoilt."""
    return studies.copy(study, tmp_path / "in")


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code in (0, 1, 2, 3, 130), result.output
    return result.output + result.stderr


def test_the_scans_hold_canaries_and_are_sound(folder: Path, tmp_path: Path) -> None:
    """Else the tests below find none because there is none."""
    path = sorted((folder / "series").iterdir())[0]
    content = path.read_bytes()
    assert all(canary.encode() in content for canary in CANARIES)
    assert content.count(CANARY.encode()) > 200
    assert "2 ok" in run("enhance", folder, "-o", tmp_path / "out", "--model=identity")
    derived = sorted((tmp_path / "out" / "series").glob("*.dcm"))[0]
    with guard.quiet():
        assert CANARY in str(pydicom.dcmread(derived).PatientName)  # of the same patient, in there


@pytest.mark.daily(3)
@pytest.mark.parametrize("fault", FILES)
def test_broken_files_do_not_tell(
    fault: str, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    FILES[fault](folder)
    out = folder.parent / "out"
    output = run("--debug", "enhance", folder, "-o", out, "--model=identity")
    output += run("--debug", "inspect", folder, "--json")
    require_no_patient(output + caplog.text, out)


@pytest.mark.daily(6)
@pytest.mark.parametrize("fault", PLACES)
def test_a_broken_run_does_not_tell(
    fault: str,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: Patch,
) -> None:
    caplog.set_level(logging.DEBUG)
    out = folder.parent / "out"
    with monkeypatch.context() as patched:
        PLACES[fault](folder, patched)
        output = run("--debug", "enhance", folder, "-o", out, "--model=identity")
    require_no_patient(output + caplog.text, out)


def test_a_bad_model_does_not_tell(folder: Path, tmp_path: Path) -> None:
    model = studies.model(tmp_path / "model")
    for path in model.rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-100])
    output = run("--debug", "enhance", folder, "-o", tmp_path / "out", "--model", model)
    require_no_patient(output, tmp_path / "out")


@pytest.mark.usefixtures("blank_drawings")
def test_reports_and_the_record_do_not_tell(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    output = run("enhance", folder, "-o", out, "--model=identity", "--json")
    output += run("enhance", folder, "-o", out, "--model=identity")  # done before
    output += run("degrade", folder, "-o", tmp_path / "bad", "--as=rician")
    output += run(
        *("evaluate", tmp_path / "bad", out, "--input", tmp_path / "bad"),
        *("-o", tmp_path / "report"),
    )
    output += run("verify", out)
    for place in ("out", "bad", "report"):
        assert any((tmp_path / place).iterdir())
        require_no_patient(output, tmp_path / place)
    assert list((tmp_path / "report").rglob("*.html"))
