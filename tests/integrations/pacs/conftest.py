"""A listener on this machine, and the two nodes beside it: who sends, and who is sent to."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pynetdicom import AE, evt
from pynetdicom.sop_class import MRImageStorage, Verification

from medddim.batch import identity_job
from medddim.integrations.pacs.node import Listener
from medddim.integrations.pacs.queue import Queue
from medddim.integrations.pacs.receiver import Doors, listening
from medddim.integrations.pacs.sender import Node, keep_answers

HERE = "127.0.0.1"
STABLE_S = 0.3
SUCCESS = 0x0000


class Archive:
    """A node that keeps what it is sent, and can be made to refuse."""

    def __init__(self) -> None:
        self.images: list[Dataset] = []
        self.refusing = False
        node = AE("ARCHIVE")
        node.add_supported_context(MRImageStorage)
        self.server = node.start_server(
            (HERE, 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._take)]
        )
        self.node = Node("ARCHIVE", HERE, self.server.server_address[1])

    def _take(self, event: Any) -> int:
        if self.refusing:
            return 0xA700
        self.images.append(event.dataset)
        return SUCCESS


@pytest.fixture(autouse=True)
def _swept() -> Iterator[None]:
    """What pynetdicom leaves open of a broken connection is closed within its own test."""
    yield
    gc.collect()


@pytest.fixture
def archive() -> Iterator[Archive]:
    """Where results go."""
    archive = Archive()
    yield archive
    archive.server.shutdown()


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    """An empty queue."""
    queue = Queue(tmp_path / "queue", 10**8)
    queue.prepare()
    return queue


def listener(queue: Queue, archive: Archive, doors: Doors | None = None, **more: Any) -> Listener:
    """A listener that copies: what it does to pixels is tested elsewhere."""
    doors = doors or Doors(port=0)
    return Listener(queue, doors, archive.node, identity_job(), "identity", "", STABLE_S, **more)


@contextmanager
def serving(queue: Queue, **doors: Any) -> Iterator[int]:
    """Listen without working; the port."""
    with listening(Doors(port=0, **doors), queue) as port:
        yield port


def store(port: int, files: list[Path], *, title: str = "SCANNER") -> list[int | None]:
    """Send files; the status of each, or none where there was no association."""
    node = AE(title)
    node.add_requested_context(MRImageStorage)
    association = node.associate(HERE, port, ae_title="MEDDDIM")
    if not association.is_established:
        return []
    keep_answers(association)
    statuses = [association.send_c_store(dcmread(file)).get("Status") for file in files]
    association.release()
    return statuses


def echo(port: int, *, title: str = "SCANNER") -> bool:
    """Whether the node answers."""
    node = AE(title)
    node.add_requested_context(Verification)
    association = node.associate(HERE, port, ae_title="MEDDDIM")
    if not association.is_established:
        return False
    keep_answers(association)
    status = association.send_c_echo().get("Status")
    association.release()
    return status == SUCCESS


def at_once(count: int, work: Callable[[int], Any]) -> None:
    """Do something in so many threads."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
