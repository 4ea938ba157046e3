"""`medddim listen` beside a real archive, which hands it studies and gets the results back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import requests
from click.testing import CliRunner
from pydicom.uid import generate_uid

from medddim.cli import main
from tests import studies
from tests.pacs.conftest import AET, DICOMWEB, HERE, ORTHANC, Server, _free_ports, _settings, _wait

pytestmark = pytest.mark.pacs

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "pipelines" / "orthanc.lua"
SLICES = 4
PATIENCE_S = 120


@pytest.fixture
def archive(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Server]:
    """An empty archive of its own; with the script of the example if asked for."""
    if ORTHANC is None or not DICOMWEB.is_file():
        pytest.skip("Orthanc and its DICOMweb are not installed (Debian: orthanc orthanc-dicomweb)")
    http, port, ours = _free_ports(3)
    settings = _settings(tmp_path, http=http, port=port, ours=ours) | {"StableAge": 1}
    if getattr(request, "param", False):
        settings["LuaScripts"] = [str(SCRIPT)]
    (tmp_path / "orthanc.json").write_text(json.dumps(settings))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([ORTHANC, tmp_path / "orthanc.json"], stdout=log, stderr=log)
    server = Server(f"http://{HERE}:{http}", port, ours)
    try:
        _wait(server, process, tmp_path / "log")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture
def three(tmp_path: Path) -> list[Path]:
    """Three studies of one series each."""
    folders = []
    for number in range(3):
        folder = studies.dicom(tmp_path / "three", f"study{number}")
        study, series = generate_uid(), generate_uid()
        for path in folder.iterdir():
            image = pydicom.dcmread(path)
            image.StudyInstanceUID, image.SeriesInstanceUID = study, series
            image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            image.save_as(path)
        folders.append(folder)
    return folders


def listen(
    archive: Server, queue: Path, log: Path, *, model: str = "identity", stable: int = 1
) -> subprocess.Popen[bytes]:
    """The command, running."""
    command = [
        *(sys.executable, "-c", "import medddim.cli; medddim.cli.main()", "listen"),
        *("--queue", str(queue), "--to", f"ORTHANC@{HERE}:{archive.port}", "--allow", "ORTHANC"),
        *("--title", AET, "--port", str(archive.our_port)),
        *("--stable", str(stable), "--model", model),
    ]
    with log.open("ab") as stream:
        return subprocess.Popen(command, stdout=stream, stderr=stream)


def upload(archive: Server, series: Path | list[Path]) -> str:
    """Put a folder or these files into the archive; their study there."""
    for path in series if isinstance(series, list) else sorted(series.iterdir()):
        answer = requests.post(f"{archive.http}/instances", path.read_bytes(), timeout=10).json()
    return str(answer["ParentStudy"])


def hand_over(archive: Server, study: str) -> bool:
    """Whether the listener took the whole study."""
    asked = f"{archive.http}/modalities/{AET}/store"
    return requests.post(asked, study, timeout=30).status_code == 200


def answers(archive: Server) -> None:
    """Wait until the listener answers the archive's C-ECHO."""
    for _ in range(5 * PATIENCE_S):
        asked = f"{archive.http}/modalities/{AET}/echo"
        if requests.post(asked, "{}", timeout=30).status_code == 200:
            return
        time.sleep(0.2)
    pytest.fail(f"no answer after {PATIENCE_S} s")


def wait_for(archive: Server, count: int) -> None:
    for _ in range(2 * PATIENCE_S):
        if archive.instances() >= count:
            return
        time.sleep(0.5)
    pytest.fail(f"{archive.instances()} images after {PATIENCE_S} s, expected {count}")


def images(archive: Server) -> dict[str, Any]:
    """Every image in the archive, by its UID."""
    found = {}
    for identifier in requests.get(f"{archive.http}/instances", timeout=10).json():
        content = requests.get(f"{archive.http}/instances/{identifier}/file", timeout=10).content
        image = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content))
        assert image.SOPInstanceUID not in found
        found[str(image.SOPInstanceUID)] = image
    return found


def of_the_command(folders: list[Path], out: Path, model: str) -> dict[str, Any]:
    """What `medddim enhance` makes of the same studies."""
    command = ["enhance", *map(str, folders), "-o", str(out), "--model", model]
    assert CliRunner().invoke(main, command).exit_code == 0
    read = [pydicom.dcmread(path) for path in out.rglob("*.dcm")]
    return {str(image.SOPInstanceUID): image for image in read}


def same(archive: Server, folders: list[Path], tmp_path: Path, *, model: str = "identity") -> None:
    """The archive holds the sources and, once each, the results of the command."""
    there, made = images(archive), of_the_command(folders, tmp_path / "out", model)
    assert len(made) == len(folders) * SLICES
    assert len(there) == 2 * len(made)
    for uid, image in made.items():
        np.testing.assert_array_equal(there[uid].pixel_array, image.pixel_array)


@pytest.mark.slow
def test_killed_ten_times_each_result_is_there_once(
    archive: Server, three: list[Path], tmp_path: Path
) -> None:
    chance, log = random.Random(0), tmp_path / "listener.log"
    to_do = [upload(archive, folder) for folder in three]
    for _ in range(10):
        process = listen(archive, tmp_path / "queue", log)
        answers(archive)
        end = time.monotonic() + chance.uniform(0, 4)
        while time.monotonic() < end:
            to_do = [study for study in to_do if not hand_over(archive, study)]
            time.sleep(0.2)
        process.kill()
        process.wait()
    process = listen(archive, tmp_path / "queue", log)
    try:
        answers(archive)
        for _ in range(PATIENCE_S):
            to_do = [study for study in to_do if not hand_over(archive, study)]
            if not to_do:
                break
            time.sleep(1)
        wait_for(archive, 6 * SLICES)
        time.sleep(3)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 130
    same(archive, three, tmp_path)
    assert studies.CANARY not in log.read_text()


@pytest.mark.parametrize("archive", [True], indirect=True, ids=["with orthanc.lua"])
def test_the_archive_hands_over_what_is_stable(
    archive: Server, three: list[Path], tmp_path: Path
) -> None:
    model = str(studies.model(tmp_path / "model"))
    process = listen(archive, tmp_path / "queue", tmp_path / "listener.log", model=model)
    try:
        answers(archive)
        for folder in three:
            upload(archive, folder)
        wait_for(archive, 6 * SLICES)
        time.sleep(5)  # the study, stable again with its result, comes once more
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 130
    same(archive, three, tmp_path, model=model)
    assert studies.CANARY not in (tmp_path / "listener.log").read_text()


def test_a_study_in_two_halves_is_done_once(
    archive: Server, three: list[Path], tmp_path: Path
) -> None:
    files = sorted(three[0].iterdir())
    process = listen(archive, tmp_path / "queue", tmp_path / "listener.log", stable=4)
    try:
        answers(archive)
        for half in (files[: SLICES // 2], files[SLICES // 2 :]):
            assert hand_over(archive, upload(archive, half))
            time.sleep(1)
        wait_for(archive, 2 * SLICES)
        time.sleep(3)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 130
    same(archive, three[:1], tmp_path)


def test_fetch_and_send_by_dicomweb(archive: Server, three: list[Path], tmp_path: Path) -> None:
    web = f"{archive.http}/dicom-web"
    for _ in range(2):  # the second time they are there already
        sent = CliRunner().invoke(main, ["send", *map(str, three), "--to", web])
        assert sent.output == f"12 images sent to {web}\n"
        assert archive.instances() == 12
    source = {image.SOPInstanceUID: image for image in map(pydicom.dcmread, three[0].iterdir())}
    study = next(iter(source.values())).StudyInstanceUID
    fetched = CliRunner().invoke(main, ["fetch", web, study, "-o", str(tmp_path / "in")])
    assert fetched.output.startswith("4 images in ")
    for path in (tmp_path / "in").rglob("*.dcm"):
        image = pydicom.dcmread(path)
        np.testing.assert_array_equal(image.pixel_array, source[image.SOPInstanceUID].pixel_array)
