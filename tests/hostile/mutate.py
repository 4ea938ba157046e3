"""Damage with a seed: the same number spoils the same bytes in the same way, everywhere."""

from __future__ import annotations

import gzip
import random
import struct

NASTY = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 2**31 - 1, 2**31, 2**32 - 16)
NASTY_FLOATS = (float("nan"), float("inf"), 0.0, -1.0, 1e38, 1e-45)
VALUE_TYPES = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"US", b"DS", b"IS", b"PN", b"FD", b"AT", b"ZZ")


def mutated(content: bytes, seed: int, *, region: tuple[int, int]) -> bytes:
    """`content` with one to four wounds between the two places of `region`, seldom cut short."""
    dice = random.Random(seed)
    data = bytearray(content)
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        start, end = region[0], min(region[1], len(data))
        dice.choice(WOUNDS)(data, dice.randrange(start, max(end, start + 1)), dice)
    if dice.random() < 0.05:
        del data[dice.randrange(len(data)) :]
    return bytes(data)


def packed(content: bytes) -> bytes:
    """As a .nii.gz holds it, quickly."""
    return gzip.compress(content, compresslevel=1, mtime=0)


def _flip(data: bytearray, at: int, dice: random.Random) -> None:
    data[at : at + 1] = bytes([(data[at] if at < len(data) else 0) ^ (1 << dice.randrange(8))])


def _noise(data: bytearray, at: int, dice: random.Random) -> None:
    count = dice.choice((1, 2, 4, 8))
    data[at : at + count] = dice.randbytes(count)


def _number(data: bytearray, at: int, dice: random.Random) -> None:
    count = dice.choice((1, 2, 4))
    value = dice.choice(NASTY) % 256**count
    data[at : at + count] = value.to_bytes(count, dice.choice(("little", "big")))


def _float(data: bytearray, at: int, dice: random.Random) -> None:
    at -= at % 4
    data[at : at + 4] = struct.pack("<f", dice.choice(NASTY_FLOATS))


def _digits(data: bytearray, at: int, dice: random.Random) -> None:
    text = dice.choice((b"nan", b"-1", b"1e999", b"0", b"\\\\", b"--", b"\0", b"999999", b"1e-320"))
    data[at : at + len(text)] = text


def _type(data: bytearray, at: int, dice: random.Random) -> None:
    data[at : at + 2] = dice.choice(VALUE_TYPES)


def _cut(data: bytearray, at: int, dice: random.Random) -> None:
    del data[at : at + dice.choice((1, 2, 8, 40))]


def _insert(data: bytearray, at: int, dice: random.Random) -> None:
    data[at:at] = dice.randbytes(dice.choice((1, 2, 8, 40)))


def _repeat(data: bytearray, at: int, dice: random.Random) -> None:
    data[at:at] = data[at : at + dice.choice((8, 40, 200))]


def _move(data: bytearray, at: int, dice: random.Random) -> None:
    other = dice.randrange(len(data))
    data[at : at + 8] = data[other : other + 8]


WOUNDS = (_flip, _flip, _noise, _number, _number, _float, _digits, _type, _cut, _insert, _repeat,
          _move)  # fmt: skip
