"""Who and what the node turns away, and that it goes on serving."""

import socket
import struct

import pydicom
import pytest

from medddim.errors import EnvironmentProblem, RequestProblem
from medddim.integrations.pacs.queue import Queue
from medddim.integrations.pacs.receiver import Doors, listening
from tests import studies
from tests.integrations.pacs.conftest import HERE, SUCCESS, at_once, echo, serving, store

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"  # pynetdicom leaves broken connections open
)


@pytest.fixture
def files(tmp_path):
    """The images of one series, of a patient whose name must not leak."""
    return sorted(studies.dicom(tmp_path / "study").iterdir())


def received(queue):
    return list((queue.root / "studies").rglob("*.dcm"))


def test_only_loopback_without_names_of_callers():
    assert Doors().host == HERE
    with pytest.raises(RequestProblem, match="--allow"):
        Doors(host="0.0.0.0")


def test_only_those_who_may_call(queue, files):
    with serving(queue, callers=("SCANNER",)) as port:
        assert store(port, files, title="STRANGER") == []
        assert not echo(port, title="STRANGER")
        assert store(port, files) == [SUCCESS] * len(files)
        assert echo(port)
    assert len(received(queue)) == len(files)


@pytest.mark.filterwarnings("ignore:Invalid value for VR UI")  # of the sender's pydicom
def test_names_of_files_are_our_own(queue, files):
    dataset = pydicom.dcmread(files[0])
    uid = dataset.StudyInstanceUID.encode()
    escaping = b"../../../../tmp/" + b"x" * (len(uid) - 16)
    files[0].write_bytes(files[0].read_bytes().replace(uid, escaping))
    with serving(queue) as port:
        first, *others = store(port, files)
    assert first == 0xC000
    assert set(others) == {SUCCESS}
    for path in received(queue):
        assert len(path.parent.name) == 24
        assert all(uid not in str(path) for uid in (dataset.PatientID, dataset.SeriesInstanceUID))


def test_an_object_over_the_limit_ends_its_connection(queue, files):
    with serving(queue, most_object_bytes=5_000) as port:
        assert store(port, files[:1]) == [None]
        assert echo(port)
    assert received(queue) == []


def test_a_full_queue_refuses(tmp_path, files):
    queue = Queue(tmp_path / "queue", 1)
    queue.prepare()
    with serving(queue) as port:
        assert store(port, files[:2]) == [SUCCESS, 0xA700]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">BxL", 1, 2**32 - 1) + b"\0" * 4096,
        struct.pack(">BxL", 4, 2**31) + b"\0" * 4096,
        struct.pack(">BxL", 1, 64) + b"\xff" * 64,
        struct.pack(">BxL", 1, 1000) + b"\0" * 10,
        b"\x01",
    ],
    ids=["nothing", "http", "4 GiB request", "2 GiB data", "garbage", "short", "one byte"],
)
@pytest.mark.daily(2)
def test_what_is_no_association_is_dropped(queue, sent):
    with serving(queue) as port:
        with socket.create_connection((HERE, port), timeout=5) as peer:
            peer.sendall(sent)
        assert echo(port)


@pytest.mark.slow
def test_twenty_at_once(queue, files):
    answers = []
    with serving(queue) as port:
        at_once(20, lambda number: answers.append(store(port, files)))
    assert answers == [[SUCCESS] * len(files)] * 20
    assert len(received(queue)) == len(files)


def test_a_port_that_is_taken(queue):
    with serving(queue) as port, pytest.raises(EnvironmentProblem, match=f"port {port}"):
        with listening(Doors(port=port), queue):
            pass
