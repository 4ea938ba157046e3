"""One door for what a bad file can do: limits before anything is allocated, one typed error after.

The limits stand here, with their reasons; for a file you trust, set the environment variable of
that name to a larger whole number. How long a file may take follows from them, for the work of
every decoder is bounded by the bytes it gets and the voxels it makes.
"""

from __future__ import annotations

import logging
import math
import os
import stat
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import ContextDecorator, ExitStack, contextmanager
from gzip import BadGzipFile
from pathlib import Path, PurePosixPath
from threading import RLock
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np

from medddim import memory
from medddim.errors import (
    NOT_FETCHED,
    EnvironmentProblem,
    MedddimError,
    UnreadableScan,
    UnsupportedScan,
)
from medddim.volume import Affine

LIMITS = {
    # Voxels of one scan. 4 GiB as float32; a CT from head to toe, 512 × 512 × 3600, is below.
    "MEDDDIM_MAX_VOXELS": 2**30,
    # Bytes one file may hold once it is unpacked. The largest scan above, in 32 bits a voxel.
    "MEDDDIM_MAX_BYTES": 2**32,
    # Unpacked bytes for each packed one. Scans are noisy and come to 2 to 20, scans with the air
    # set to 0 to 60; deflate reaches 1032 on zeros alone.
    "MEDDDIM_MAX_RATIO": 200,
}

HARMLESS_BYTES = 2**26
"""Up to here the ratio is not asked: 64 MiB hurt nobody, and an empty image is legitimate."""

BYTES_PER_VOXEL = 24
"""What a piece takes while it is read, whatever is stored: float64 numbers, to check it."""
PIECE_VOXELS = 2**22
"""Of `medddim.formats.quantise`: so many voxels are converted at once."""

TALKATIVE = ("pydicom", "highdicom", "nibabel.global", "pylibjpeg", "openjpeg")

VOXEL_SIZE_MM = 1e-3, 1e4
FARTHEST_MM = 1e6
"""A voxel from 1 µm to 10 m, less than 1 km from the origin: beyond, a header is damaged."""

FLATTEST = 1e-6
"""Volume of a voxel as a share of that of a box with its edges; 0 is singular, 1 right-angled."""

INFLATED_COPIES = 2
"""pydicom holds what it inflates twice for a moment."""

PIECE_BYTES = 2**20


def limit(name: str) -> int:
    """The limit in force: what the environment says, else the one of LIMITS."""
    said = os.environ.get(name, "")
    if not said:
        return LIMITS[name]
    if not (said.isdecimal() and int(said)):
        raise EnvironmentProblem(f"{name}: expected a whole number above 0, found {said[:40]!r}")
    return int(said)


class _Silence(ContextDecorator):
    """A setting of the whole process: of several threads the first makes it, the last ends it.

    `begin` makes it, and puts on the stack what takes it back.
    """

    def __init__(self, begin: Callable[[ExitStack], None]) -> None:
        self.begin = begin
        self.lock, self.count, self.end = RLock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self.lock:
            self.count += 1
            if self.count == 1:
                self.begin(self.end)

    def __exit__(self, *problem: object) -> None:
        with self.lock:
            self.count -= 1
            if not self.count:
                self.end.close()


def _without_logs(end: ExitStack) -> None:
    for logger in map(logging.getLogger, TALKATIVE):
        for name, none in (("handlers", [logging.NullHandler()]), ("propagate", False)):
            end.callback(setattr, logger, name, getattr(logger, name))
            setattr(logger, name, none)


def _without_warnings(end: ExitStack) -> None:
    end.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")


unlogged = _Silence(_without_logs)
"""No logs of the libraries below. Held by whatever reads many headers. Levels are left alone: one
that changes empties the caches of all loggers, which took a sixth of the time of reading a DICOM
series."""
_unwarned = _Silence(_without_warnings)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the libraries below silent: their warnings and logs quote values of the header."""
    with unlogged, _unwarned:
        yield


@contextmanager
def reading(path: Path, kind: str) -> Iterator[None]:
    """Turn any foreign exception into UnreadableScan that names `path` and the `kind` expected.

    The foreign message is dropped, not chained: pydicom quotes the values it stumbles over.
    """
    try:
        with quiet():
            yield
    except MedddimError:
        raise
    except MemoryError:
        raise EnvironmentProblem(
            f"{path}: not enough memory to read this scan; end other programs, or read it on a "
            "larger machine"
        ) from None
    except (EOFError, BadGzipFile, zlib.error, BadZipFile):
        raise UnreadableScan(
            f"{path}: expected a whole {kind} file; it is cut off or damaged, get it again from "
            "its source"
        ) from None
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        if path.is_symlink() and not path.exists():
            why = NOT_FETCHED
        raise UnreadableScan(f"{path}: expected a whole {kind} file; {why}") from None
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as problem:  # a decoder in Rust panics with a BaseException of its own
        raise UnreadableScan(
            f"{path}: expected a sound {kind} file, found a broken one "
            f"({type(problem).__name__}); get the file again from its source"
        ) from None


def require_moderate_size(shape: tuple[int, ...], path: Path) -> None:
    """Raise UnsupportedScan if `shape` has more voxels than MEDDDIM_MAX_VOXELS.

    UnreadableScan if it has none.
    """
    if min(shape) < 1:
        raise UnreadableScan(
            f"{path}: the dimensions in the header are impossible: {'×'.join(map(str, shape))} "
            "voxels; get the file again from its source"
        )
    most = limit("MEDDDIM_MAX_VOXELS")
    if math.prod(shape) > most:
        size = "×".join(map(str, shape))
        raise UnsupportedScan(
            f"{path}: the header claims {size} voxels; the limit is {most:,}; cut the scan into "
            "smaller ones, or set MEDDDIM_MAX_VOXELS if you trust it"
        )


def require_sound_affine(affine: Affine, path: Path) -> None:
    """Raise UnreadableScan for an affine in mm that no scanner makes, or that has no inverse."""
    low, high = VOXEL_SIZE_MM
    with np.errstate(all="ignore"):  # what overflows or is not a number fails below
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        flatness = abs(np.linalg.det(affine[:3, :3] / spacing))
        farthest = np.abs(affine[:3, 3]).max()
    if not (spacing.min() >= low and spacing.max() <= high and farthest <= FARTHEST_MM):
        raise UnreadableScan(
            f"{path}: the affine of the header is not finite, or no voxels of a scan: expected "
            f"{low:g} to {high:g} mm a voxel, at most {FARTHEST_MM:g} mm from the origin"
        )
    if not flatness > FLATTEST:
        raise UnreadableScan(
            f"{path}: the affine of the header is singular: two voxel axes point the same way; "
            "get the file again from its source"
        )


def require_moderate_bytes(unpacked: int, path: Path, *, packed: int) -> None:
    """Raise UnsupportedScan if `packed` bytes may not become `unpacked` ones."""
    most = limit("MEDDDIM_MAX_BYTES")
    if unpacked > most:
        raise UnsupportedScan(
            f"{path}: it unpacks to {unpacked:,} bytes or more; the limit is {most:,}; get it "
            "again from its source, or set MEDDDIM_MAX_BYTES if you trust it"
        )
    ratio = limit("MEDDDIM_MAX_RATIO")
    if unpacked > max(HARMLESS_BYTES, ratio * packed):
        raise UnsupportedScan(
            f"{path}: {packed:,} bytes unpack to {unpacked:,} or more; the limit is {ratio} for "
            "one, no scan comes near it; set MEDDDIM_MAX_RATIO if you trust it"
        )


def require_moderate_inflation(stream: BinaryIO, path: Path) -> None:
    """Inflate the rest of a raw deflate stream in vain, piece by piece, counting its bytes.

    Raises UnsupportedScan as soon as they are too many; a broken stream raises zlib.error.
    """
    packed, unpacked = path.stat().st_size, 0
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    piece = stream.read(PIECE_BYTES)
    while piece and not inflater.eof:
        unpacked += len(inflater.decompress(piece, PIECE_BYTES))
        require_moderate_bytes(unpacked, path, packed=packed)
        piece = inflater.unconsumed_tail or stream.read(PIECE_BYTES)
    require_memory(INFLATED_COPIES * unpacked, path)


def reading_takes(voxels: int, *, stored: int) -> int:
    """Bytes at the peak: of voxels `stored` in so many bytes each, and as float32."""
    return (stored + 4) * voxels + BYTES_PER_VOXEL * min(voxels, PIECE_VOXELS)


def require_memory(needed: int, path: Path) -> None:
    """Raise EnvironmentProblem, before they are allocated, if there are not `needed` bytes."""
    free = memory.available()
    if needed > free:
        raise EnvironmentProblem(
            f"{path}: reading it takes about {needed / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB "
            "are free; cut the scan into smaller ones, or read it on a larger machine"
        )


def require_sound_archive(archive: ZipFile, path: Path) -> list[ZipInfo]:
    """The files in a zip, folders left out, once it is known that unpacking them does no harm.

    Raises UnsupportedScan for one that would unpack to too much, needs a password, or holds links
    or names that lead out of it. Sizes are binding: zipfile reads no byte more than it promises.
    """
    members = [member for member in archive.infolist() if not member.is_dir()]
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise UnsupportedScan(f"{path}: it holds links or devices; expected files and folders")
        if member.flag_bits & 1:
            raise UnsupportedScan(f"{path}: it is locked with a password; unpack it yourself")
        if _leads_out(member.filename):
            raise UnsupportedScan(f"{path}: it holds names that lead out of it (absolute, or ..)")
        require_moderate_bytes(member.file_size, path, packed=member.compress_size)
    total = sum(member.file_size for member in members)
    if total > max(HARMLESS_BYTES, limit("MEDDDIM_MAX_RATIO") * path.stat().st_size):
        require_moderate_bytes(total, path, packed=path.stat().st_size)
    return members


def _leads_out(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return ".." in parts or name.startswith(("/", "\\")) or ":" in parts[0]
