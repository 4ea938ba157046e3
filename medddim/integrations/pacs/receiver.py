"""The receiving side: a DICOM node that takes MR and CT images from those it knows."""

from __future__ import annotations

import logging
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from socketserver import BaseServer
from typing import Any, ClassVar
from weakref import WeakSet

from medddim.errors import EnvironmentProblem, MedddimError, RequestProblem
from medddim.integrations.pacs.queue import Queue

log = logging.getLogger(__name__)

SCANS = (
    "1.2.840.10008.5.1.4.1.1.2",  # CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.1",  # Enhanced CT Image Storage
    "1.2.840.10008.5.1.4.1.1.2.2",  # Legacy Converted Enhanced CT Image Storage
    "1.2.840.10008.5.1.4.1.1.4",  # MR Image Storage
    "1.2.840.10008.5.1.4.1.1.4.1",  # Enhanced MR Image Storage
    "1.2.840.10008.5.1.4.1.1.4.4",  # Legacy Converted Enhanced MR Image Storage
)
"""What is taken (DICOM PS3.4, table B.5-1); all else is refused when it is proposed."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
"""Status codes of C-STORE (DICOM PS3.4, table B.2-1)."""
DATA = 0x04
"""The type of a P-DATA-TF PDU (PS3.8, 9.3)."""
PDU_BYTES = 2**20
"""The longest PDU taken; larger than what this node agrees to, and than any association request."""
AGREED_BYTES = 2**17
UNASKED = 100
"""How many connections may be open beside the associations."""
SILENCE_S = 60.0
"""How long a peer may be silent in the middle of a PDU."""


@dataclass(frozen=True)
class Doors:
    """Where to listen, to whom, and for how much.

    `callers` are the AE titles that may call; none for all, which only a loopback address allows.
    `most_object_bytes` bounds one object, `associations` how many peers send at once.
    """

    title: str = "MEDDDIM"
    host: str = "127.0.0.1"
    port: int = 11112
    callers: tuple[str, ...] = ()
    most_object_bytes: int = 2**30
    associations: int = 20

    def __post_init__(self) -> None:
        if self.host not in LOOPBACK and not self.callers:
            raise RequestProblem(
                f"listening on {self.host} needs the AE titles that may call, --allow TITLE; "
                "without them only this machine itself is listened to"
            )


@contextmanager
def listening(doors: Doors, queue: Queue) -> Iterator[int]:
    """Receive into the queue while the block runs; yields the port.

    Raises EnvironmentProblem if pynetdicom is not installed or the port is taken.
    """
    try:
        from pynetdicom import _config, evt
    except ImportError:
        raise EnvironmentProblem(
            "pynetdicom is not installed; pip install 'medddim[pacs]'"
        ) from None
    _silence()
    node = _node(doors)
    handlers: list[Any] = [
        (evt.EVT_C_STORE, _store, [queue]),
        (evt.EVT_C_ECHO, lambda event: SUCCESS),
        (evt.EVT_DIMSE_RECV, _message_ended),
        (evt.EVT_CONN_CLOSE, _connection_ended),
        (evt.EVT_REJECTED, lambda event: log.warning("an association was refused")),
    ]
    before = _config.STORE_RECV_CHUNKED_DATASET, tempfile.tempdir
    # straight to disk, so that memory does not depend on what is sent
    _config.STORE_RECV_CHUNKED_DATASET, tempfile.tempdir = True, str(queue.receiving)
    try:
        server: Any = node.make_server(
            (doors.host, doors.port), evt_handlers=handlers, server_class=_server(doors)
        )
    except OSError as problem:
        raise EnvironmentProblem(
            f"port {doors.port} of {doors.host} cannot be listened on: {problem.strerror}"
        ) from problem
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        BaseServer.shutdown(server)  # that of its class expects a server that the AE has started
        server.server_close()
        node.shutdown()
        server.hang_up()
        thread.join()
        _config.STORE_RECV_CHUNKED_DATASET, tempfile.tempdir = before


def _node(doors: Doors) -> Any:
    """What peers see: our title, who may call, what is taken."""
    from pynetdicom import AE, ALL_TRANSFER_SYNTAXES
    from pynetdicom.association import Association
    from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]  # made at import

    class Counting(AE):
        """Counts those who have asked and are still there, not all who have connected."""

        @property
        def active_associations(self) -> list[Association]:
            """The associations that the limit is for."""
            return [one for one in super().active_associations if _is_here(one)]

    node = Counting(doors.title)
    node.require_called_aet = True
    node.require_calling_aet = list(doors.callers)
    node.maximum_associations = doors.associations
    node.maximum_pdu_size = AGREED_BYTES
    node.acse_timeout, node.dimse_timeout, node.network_timeout = 30, 60, 60
    for sop_class in SCANS:
        node.add_supported_context(sop_class, list(ALL_TRANSFER_SYNTAXES))
    node.add_supported_context(Verification)
    return node


def _is_here(association: Any) -> bool:
    gone = association.is_released or association.is_aborted or association.is_rejected
    return association.requestor.primitive is not None and not gone


def _silence() -> None:
    """Its logs quote what is sent (pynetdicom issue 911)."""
    theirs = logging.getLogger("pynetdicom")
    theirs.propagate = False
    theirs.setLevel(logging.CRITICAL + 1)


def _store(event: Any, queue: Queue) -> int:
    """Keep one object. A result of ours is answered and dropped: it would come round for ever."""
    from medddim.formats.dicom.identify import identify

    caller = "".join(c for c in str(event.assoc.requestor.ae_title) if c.isprintable())
    try:
        if queue.full():
            log.error("the queue is full: an object of %s was refused", caller)
            return OUT_OF_RESOURCES
        identity = identify(event.dataset_path)
        if identity.ours:
            return SUCCESS
        queue.take(
            event.dataset_path,
            study=identity.study,
            series=identity.series,
            instance=identity.instance,
        )
    except EnvironmentProblem:
        return OUT_OF_RESOURCES
    except MedddimError as problem:  # its message names the file, not what is in it
        log.warning("an object of %s was refused: %s", caller, type(problem).__name__)
        return CANNOT_UNDERSTAND
    except OSError as problem:
        log.error("an object of %s could not be kept: %s", caller, problem.strerror)
        return OUT_OF_RESOURCES
    return SUCCESS


def _message_ended(event: Any) -> None:
    bounded = getattr(event.assoc.dul.socket, "socket", None)
    if isinstance(bounded, _Bounded):
        bounded.received = 0


def _connection_ended(event: Any) -> None:
    """Wake who waits for a request that cannot come any more; pynetdicom lets it wait on."""
    if event.assoc.requestor.primitive is None:
        event.assoc.dul.to_user_queue.put(None)


class _Bounded(socket.socket):
    """A connection that ends when a PDU, or an object, is longer than allowed.

    pynetdicom reads as many bytes as a PDU says it has (its issue 1086).
    """

    most = 2**30
    received = 0
    """Bytes of the object that is coming in."""
    left = 0
    """Bytes of the PDU that is coming in, once its six bytes of type and length are there."""
    start = b""

    def recv(self, size: int, flags: int = 0) -> bytes:
        """As of any socket. Raises ConnectionAbortedError for what is too long."""
        data = super().recv(size, flags)
        rest = memoryview(data)
        while rest:
            if self.left:
                taken = min(self.left, len(rest))
                self.left -= taken
            else:
                taken = min(6 - len(self.start), len(rest))
                self.start += bytes(rest[:taken])
                if len(self.start) == 6:
                    self._begin(*struct.unpack(">BxL", self.start))
            rest = rest[taken:]
        return data

    def _begin(self, kind: int, length: int) -> None:
        self.start, self.left = b"", length
        self.received += length if kind == DATA else 0
        if length > PDU_BYTES or self.received > self.most:
            log.warning("a connection was ended: it sent more than is allowed")
            raise ConnectionAbortedError("more than is allowed")


def _server(doors: Doors) -> Any:
    from pynetdicom.transport import ThreadedAssociationServer

    class Server(ThreadedAssociationServer):
        """pynetdicom's server, its connections bounded."""

        daemon_threads = True
        request_queue_size = 128  # callers that wait to be let in; 5 is the default
        connections: ClassVar[WeakSet[_Bounded]] = WeakSet()

        def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
            """The next connection."""
            connection, address = super().get_request()
            bounded = _Bounded(fileno=connection.detach())
            bounded.most = doors.most_object_bytes
            bounded.settimeout(SILENCE_S)
            self.connections.add(bounded)
            return bounded, address

        def verify_request(self, request: Any, client_address: Any) -> bool:
            """Whether there is room for one more connection, of peers that have not asked yet."""
            still_open = sum(one.fileno() >= 0 for one in list(self.connections))
            return still_open <= doors.associations + UNASKED

        def hang_up(self) -> None:
            """End what is still open: its threads would keep the process."""
            for connection in list(self.connections):
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    return Server
