"""Broken objects and requests by the thousand, and twenty peers at once: it goes on serving."""

import logging
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, _config
from pynetdicom.sop_class import MRImageStorage

from medddim.integrations.pacs import receiver
from medddim.integrations.pacs.sender import keep_answers
from tests import studies
from tests.integrations.pacs.conftest import HERE, SUCCESS, at_once, echo, serving, store
from tests.integrations.pacs.hostile import Overheard, malformed, mutated, shout

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning",  # pynetdicom leaves broken connections open
    "ignore::pytest.PytestUnhandledThreadExceptionWarning",
)
MANY = [10, pytest.param(1000, marks=pytest.mark.slow)]
PEERS, MEGABYTES = 20, 8
REFUSED = {0xA700, 0xC000, None}


@pytest.fixture
def files(tmp_path):
    """The images of one series, of a patient whose name must not leak."""
    return sorted(studies.dicom(tmp_path / "study").iterdir())


def associated(port):
    node = AE("SCANNER")
    node.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
    association = node.associate(HERE, port, ae_title="MEDDDIM")
    keep_answers(association)
    return association


def serves_again(port):
    """Whether it answers once the connections that were dropped are closed on its side, too."""
    deadline = time.monotonic() + 60
    while not (answered := echo(port)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answered


def sent(port, paths):
    """Send files as they are, by an association, and by the next where one was ended."""
    statuses, peer = [], associated(port)
    for path in paths:
        if not peer.is_established:
            peer = associated(port)
        statuses.append(peer.send_c_store(path).get("Status"))
    peer.release()
    return statuses


@pytest.mark.parametrize("count", MANY)
def test_mutated_objects_of_many_peers_at_once(
    queue, files, tmp_path, caplog, capfd, monkeypatch, count
):
    monkeypatch.setattr(_config, "STORE_SEND_CHUNKED_DATASET", True)  # as they are, unread
    caplog.set_level(logging.DEBUG)
    paths = list(mutated(files, tmp_path / "mutated", count))
    with serving(queue) as port:
        with ThreadPoolExecutor(PEERS) as pool:
            shares = [paths[first::PEERS] for first in range(PEERS)]
            statuses = [one for share in pool.map(sent, [port] * PEERS, shares) for one in share]
        assert serves_again(port)
        assert store(port, files) == [SUCCESS] * len(files)
    assert len(statuses) == count
    assert set(statuses) <= {SUCCESS} | REFUSED
    assert set(statuses) & REFUSED
    said = caplog.text + "".join(capfd.readouterr())
    assert studies.CANARY not in said
    assert "an object of SCANNER was refused" in said
    assert list(queue.receiving.iterdir()) == []


@pytest.mark.parametrize("count", MANY)
def test_malformed_associations(queue, files, caplog, capfd, count):
    caplog.set_level(logging.DEBUG)
    with Overheard() as nobody:
        caller = threading.Thread(target=associated, args=(nobody.port,))
        caller.start()
        request = nobody.first()
        caller.join(timeout=60)
    with serving(queue) as port:
        with ThreadPoolExecutor(PEERS - 1) as pool:  # and room for one that is sound
            ended = pool.map(partial(shout, port), malformed(request, count))
            assert all(ended)
        assert echo(port)  # at once: none of them holds a place
        assert store(port, files) == [SUCCESS] * len(files)
    assert studies.CANARY not in caplog.text + "".join(capfd.readouterr())


def test_connections_that_stay_and_ask_nothing_take_no_place(queue, files):
    with serving(queue, associations=2) as port:
        idle = [socket.create_connection((HERE, port), timeout=10) for _ in range(PEERS)]
        for peer in idle[::2]:
            peer.sendall(struct.pack(">BxL", 1, 1000) + b"\0" * 10)  # part of a request
        assert store(port, files) == [SUCCESS] * len(files)
        for peer in idle:
            peer.close()


def test_too_many_connections_are_closed(queue, monkeypatch):
    monkeypatch.setattr(receiver, "UNASKED", 3)
    with serving(queue, associations=1) as port:
        idle = [socket.create_connection((HERE, port), timeout=10) for _ in range(9)]
        assert idle[-1].recv(1) == b""
        for peer in idle:
            peer.close()
        assert serves_again(port)


def memory_of(process, key):
    """A figure of /proc, in MB: VmRSS is now, VmHWM the most there was."""
    said = Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+) kB", said)[1]) / 1e3


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read memory from")
def test_twenty_peers_with_large_objects_take_no_more_memory(files, tmp_path):
    images = []
    for number in range(PEERS):
        image = pydicom.dcmread(files[0])
        image.Rows = image.Columns = int((MEGABYTES * 1e6 / 2) ** 0.5)
        image.PixelData = np.zeros((image.Rows, image.Columns), np.uint16).tobytes()
        image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number}"
        image.save_as(tmp_path / f"{number}.dcm")
        images.append(tmp_path / f"{number}.dcm")
    with Overheard() as free:
        port = free.port
    command = [
        *(sys.executable, "-c", "import medddim.cli; medddim.cli.main()", "listen"),
        *("--queue", str(tmp_path / "queue"), "--to", f"ARCHIVE@{HERE}:1", "--port", str(port)),
        *("--model", "identity", "--stable", "3600"),
    ]
    with subprocess.Popen(command) as listener:
        try:
            assert serves_again(port)
            store(port, files)
            before = memory_of(listener, "VmRSS")
            statuses = {}
            at_once(PEERS, lambda number: statuses.update({number: store(port, [images[number]])}))
            most = memory_of(listener, "VmHWM")
            assert statuses == {number: [SUCCESS] for number in range(PEERS)}
            assert serves_again(port)
        finally:
            listener.terminate()
    assert most - before < PEERS * MEGABYTES / 2, f"{before:.0f} MB before, {most:.0f} at most"
