"""What a hostile peer sends: objects and requests with bytes replaced, put in, cut off."""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from tests import studies
from tests.integrations.pacs.conftest import HERE

REACH = 3000
"""Bytes from the start of a data set in which it is spoilt: behind them lie pixels alone."""


def mutated(files: list[Path], folder: Path, count: int) -> Iterator[Path]:
    """Files whose data sets are spoilt, behind meta headers that are sound."""
    chance = random.Random(0)
    folder.mkdir()
    for number in range(count):
        content = chance.choice(files).read_bytes()
        (length,) = struct.unpack("<L", content[140:144])  # of the meta group, PS3.10, 7.1
        head, body = content[: 144 + length], bytearray(content[144 + length :])
        _spoil(body, chance)
        path = folder / f"{number}.dcm"
        path.write_bytes(head + body)
        yield path


def _spoil(body: bytearray, chance: random.Random) -> None:
    where = chance.randrange(min(len(body), REACH))
    match chance.randrange(4):
        case 0:
            del body[where:]
        case 1:
            body[where:where] = chance.randbytes(chance.randint(1, 64))
        case _:
            for _ in range(chance.randint(1, 20)):
                body[chance.randrange(min(len(body), REACH))] = chance.randrange(256)


def malformed(request: bytes, count: int) -> Iterator[bytes]:
    """A sound association request spoilt, PDUs whose length lies, data nobody asked for."""
    chance = random.Random(0)
    for number in range(count):
        if number % 3 == 0:
            head = struct.pack(">BxL", chance.randrange(256), chance.randrange(2**32))
            yield head + chance.randbytes(chance.randrange(200))
        elif number % 3 == 1:
            name = studies.CANARY.encode()
            yield struct.pack(">BxLLBB", 4, 6 + len(name), 2 + len(name), 1, 3) + name
        else:
            content = bytearray(request)
            _spoil(content, chance)
            yield bytes(content)


def shout(port: int, content: bytes) -> bool:
    """Send bytes to a port, say no more, and wait: whether the other side ends the connection."""
    with socket.create_connection((HERE, port), timeout=120) as peer:
        try:
            peer.sendall(content)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:  # reset by it
            return True
    return True


class Overheard:
    """A port that keeps the first thing it hears, for `malformed` to spoil."""

    def __enter__(self) -> Overheard:
        self.server = socket.create_server((HERE, 0))
        self.port = self.server.getsockname()[1]
        return self

    def first(self) -> bytes:
        """What the next caller says; then it is hung up on."""
        connection, _ = self.server.accept()
        with connection:
            return connection.recv(65536)

    def __exit__(self, *problem: object) -> None:
        self.server.close()
