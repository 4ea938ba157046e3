"""An Orthanc that lives as long as the tests, and a study to send to it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import requests

from medddim import formats
from medddim.formats import Derivation
from tests import studies

ORTHANC = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
DICOMWEB = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
AET = "MEDDDIM"
HERE = "127.0.0.1"
SECONDS_TO_START = 30


@dataclass(frozen=True)
class Server:
    """Where the archive listens, and where it sends to when it is asked to move something."""

    http: str
    port: int
    our_port: int

    def instances(self) -> int:
        """How many images it holds."""
        statistics = requests.get(f"{self.http}/statistics", timeout=10).json()
        return int(statistics["CountInstances"])

    def forget(self, uid: str) -> None:
        """Delete the image with this SOPInstanceUID."""
        (found,) = requests.post(f"{self.http}/tools/lookup", data=uid, timeout=10).json()
        requests.delete(f"{self.http}{found['Path']}", timeout=10).raise_for_status()


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An empty archive; it listens to this machine alone."""
    if ORTHANC is None or not DICOMWEB.is_file():
        pytest.skip("Orthanc and its DICOMweb are not installed (Debian: orthanc orthanc-dicomweb)")
    folder = tmp_path_factory.mktemp("orthanc")
    http, port, ours = _free_ports(3)
    settings = folder / "orthanc.json"
    settings.write_text(json.dumps(_settings(folder, http=http, port=port, ours=ours)))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([ORTHANC, settings], stdout=log, stderr=log)
    server = Server(f"http://{HERE}:{http}", port, ours)
    try:
        _wait(server, process, folder / "log")
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def _settings(folder: Path, *, http: int, port: int, ours: int) -> dict[str, Any]:
    """It binds to every address: the two refusals of remote peers keep it to this machine."""
    return {
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": http,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomPort": port,
        "DicomAet": "ORTHANC",
        "DicomAlwaysAllowStore": False,
        "DicomCheckModalityHost": True,
        "DicomModalities": {AET: [AET, HERE, ours]},
        "OverwriteInstances": False,
        "Plugins": [str(DICOMWEB)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(10 * SECONDS_TO_START):
        if process.poll() is not None:
            break
        try:
            server.instances()
            return
        except requests.ConnectionError:
            time.sleep(0.1)
    pytest.fail(f"Orthanc did not start:\n{log.read_text()[-2000:]}")


def _free_ports(count: int) -> list[int]:
    with_ports = [socket.socket() for _ in range(count)]
    for one in with_ports:
        one.bind((HERE, 0))
    ports = [one.getsockname()[1] for one in with_ports]
    for one in with_ports:
        one.close()
    return ports


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """The files of a source, of its denoised series, and of one with twice as many slices."""
    place = tmp_path_factory.mktemp("study")
    source = studies.dicom(place)
    scan = formats.read(source)
    affine = scan.affine.copy()
    affine[:3, 2] /= 2
    affine[:3, 3] -= affine[:3, 2] / 2
    finer = replace(scan, voxels=scan.voxels.repeat(2, axis=3), affine=affine)
    made = {
        "denoised": (scan.with_voxels(np.round(scan.voxels * 0.9)), Derivation("denoise", "Test")),
        "finer": (finer, Derivation("superresolve", "Test")),
    }
    written = {
        name: list(formats.write(volume, place / "out", name=name, derivation=derivation))
        for name, (volume, derivation) in made.items()
    }
    return {"source": sorted(source.iterdir()), **written}


@pytest.fixture(scope="session")
def images(results: dict[str, list[Path]]) -> dict[str, Any]:
    """Every image that was sent, by its UID."""
    datasets = [pydicom.dcmread(file) for files in results.values() for file in files]
    return {str(dataset.SOPInstanceUID): dataset for dataset in datasets}
