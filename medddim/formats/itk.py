"""What MetaImage and NRRD share: both are read and written through SimpleITK.

ITK's world is LPS in mm; it is turned to RAS+ here. What a header may make SimpleITK do is checked
before it is asked: how much to allocate, and which other file to open.
"""

from __future__ import annotations

import math
import re
from abc import abstractmethod
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from medddim.errors import UnreadableScan, UnsupportedScan
from medddim.formats import content, sidecar
from medddim.formats.guard import (
    reading,
    require_moderate_bytes,
    require_moderate_size,
    require_sound_affine,
)
from medddim.formats.single_file import SingleFile, ToSave
from medddim.formats.stored import Described, Stored
from medddim.volume import Affine

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
LONGEST_HEADER = 2**18
NUMBERS = (
    "Int8", "UInt8", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float32", "Float64",
)  # fmt: skip
"""What SimpleITK calls the real numbers that a voxel may be."""
COLOURS, VECTOR = (3, 4), 3


@dataclass(frozen=True)
class ItkHeader:
    """What is kept of a header: how volumes were stored, and the text of fields that are kept.

    `volumes` is "" for one volume, "axis" for a fourth axis, "list" for several values a voxel.
    """

    volumes: str
    fourth: tuple[float, float] = (1.0, 0.0)
    compressed: bool = False
    fields: dict[str, str] = field(default_factory=dict)


class ItkFile(SingleFile):
    """A format that SimpleITK reads and writes."""

    reader: ClassVar[str]

    @abstractmethod
    def fields(self, path: Path) -> dict[str, str]:
        """The fields of the header, keys in lower case, read as text. Raises ScanError."""

    @abstractmethod
    def data_file(self, path: Path, fields: dict[str, str]) -> str:
        """What the header says of the file that holds the voxels; "" for the file itself."""

    @abstractmethod
    def header(self, path: Path, fields: dict[str, str], volumes: str) -> ItkHeader:
        """What a result needs of these fields. Raises UnsupportedScan."""

    def modality(self, fields: dict[str, str]) -> str:
        """MR or CT, if the header says so."""
        return ""

    def is_list(self, fields: dict[str, str]) -> bool:
        """Whether several values a voxel are known to be volumes: so they are in a result."""
        return sidecar.MAKER in fields

    def describe(self, path: Path) -> Described:
        """The header, checked. Raises UnreadableScan or UnsupportedScan."""
        with reading(path, self.title):
            fields = self.fields(path)
            file = _voxels_of(path, self.data_file(path, fields))
            reader = _reader(self.reader, path)
            reader.ReadImageInformation()
            size, count = reader.GetSize(), reader.GetNumberOfComponents()
            dtype = _dtype(reader.GetPixelIDValue())
            space = reader.GetDirection(), reader.GetSpacing(), reader.GetOrigin()
        if len(size) not in (3, 4):
            raise UnsupportedScan(f"{path}: expected 3 or 4 dimensions, found {len(size)}")
        if len(size) == 4 and count > 1:
            raise UnsupportedScan(f"{path}: expected 3 or 4 dimensions, found 5")
        if dtype is None:
            raise UnsupportedScan(f"{path}: expected real numbers, found another type of voxel")
        if not self.is_list(fields):
            _require_no_colours(path, count, dtype)
        shape = tuple(map(int, size if count == 1 else (*size, count)))
        require_moderate_size(shape, path)
        volumes = "list" if count > 1 else "axis" if len(size) == 4 else ""
        header = self.header(path, fields, volumes)
        _require_bytes(path, file, math.prod(shape) * dtype.itemsize, packed=header.compressed)
        affine, fourth = _affine(path, *space)
        header = ItkHeader(volumes, fourth, header.compressed, header.fields)
        apart = None if file == path else file
        said = self.modality(fields)
        made = sidecar.kind_of(fields.get(sidecar.MAKER, ""))
        return Described(header, shape, affine, dtype, modality=said, made=made, voxels_in=apart)

    def stored(self, path: Path, described: Described) -> Stored:
        """The stored numbers. Raises UnreadableScan."""
        import SimpleITK

        with reading(path, self.title):
            image = _reader(self.reader, path).Execute()
            values = SimpleITK.GetArrayFromImage(image)
        if described.header.volumes == "list":
            values = np.moveaxis(values, -1, 0)
        return np.ascontiguousarray(values.transpose()).reshape(described.shape)

    def save(self, image: ToSave, path: Path) -> None:
        """Write the file, and for a header alone the file with the voxels beside it."""
        import SimpleITK

        like = image.like.header if image.like else ItkHeader("")
        several = image.data.ndim == 4
        axis = several and like.volumes != "list"
        array = image.data.transpose()
        if several and not axis:
            array = np.moveaxis(array, 0, -1)
        written = SimpleITK.GetImageFromArray(
            np.ascontiguousarray(array), isVector=several and not axis
        )
        _place(written, image.affine, like.fourth if axis else None)
        written.SetMetaData(sidecar.MAKER, image.note)
        self.describe_result(written, image)
        SimpleITK.WriteImage(written, str(path), useCompression=like.compressed)
        self.finish(path, like)

    def describe_result(self, written: Any, image: ToSave) -> None:
        """Set what the header of a result says beside its grid."""

    def finish(self, path: Path, like: ItkHeader) -> None:
        """Put into the written header what SimpleITK leaves out."""


def text_of(path: Path, end: bytes, title: str) -> str:
    """The header of a file as text, up to and without `end`. Raises UnreadableScan."""
    with path.open("rb") as file:
        start = file.read(LONGEST_HEADER)
    head, found, _ = start.partition(end)
    if not start:
        raise UnreadableScan(f"{path}: the file is empty; get it again from its source")
    if not found and len(start) == LONGEST_HEADER:
        raise UnreadableScan(f"{path}: expected the header of a {title} file, found something else")
    return head.decode("latin-1")


def _dtype(number: int) -> np.dtype[Any] | None:
    """The type of voxel with this number; None for one that is no real number."""
    import SimpleITK

    for vector, name in product(("", "Vector"), NUMBERS):
        if number == getattr(SimpleITK, f"sitk{vector}{name}"):
            return np.dtype(name.lower())
    return None


def _reader(name: str, path: Path) -> Any:
    import SimpleITK  # loaded late, here as above: most folders hold none of its files

    reader = SimpleITK.ImageFileReader()
    reader.SetImageIO(name)
    reader.SetFileName(str(path))
    return reader


def _voxels_of(path: Path, named: str) -> Path:
    """The file with the voxels, which must lie beside its header, and be one."""
    named = named.removeprefix("./")
    if not named:
        return path
    plain = re.fullmatch(r"[^/\\%:]+", named) and named not in (".", "..") and named != "LIST"
    if not plain or (" " in named.strip() and not path.with_name(named).is_file()):
        raise UnsupportedScan(
            f"{path}: expected its voxels in one file beside it, found a list, a pattern or "
            "another folder; convert it to one file first"
        )
    file = path.with_name(named)
    if not file.is_file():
        raise UnreadableScan(f"{path}: the file with its voxels is not beside it")
    return file


def _require_no_colours(path: Path, count: int, dtype: np.dtype[Any]) -> None:
    if count in COLOURS and dtype == np.uint8:
        raise UnsupportedScan(f"{path}: expected one real number a voxel, found colours")
    if count == VECTOR and dtype.kind == "f":
        raise UnsupportedScan(f"{path}: {content.TRANSFORM.at('three values a voxel')}")


def _require_bytes(path: Path, file: Path, needed: int, *, packed: bool) -> None:
    there = file.stat().st_size
    if not packed and there < needed:
        raise UnreadableScan(
            f"{path}: the header promises {needed:,} bytes, the file cannot hold them; "
            "it is truncated, get it again from its source"
        )
    require_moderate_bytes(needed, path, packed=there)


def _affine(
    path: Path, direction: tuple[float, ...], spacing: tuple[float, ...], origin: tuple[float, ...]
) -> tuple[Affine, tuple[float, float]]:
    size = len(spacing)
    turn = np.array(direction, np.float64).reshape(size, size)
    if size == 4 and (np.any(turn[3, :3]) or np.any(turn[:3, 3])):
        raise UnsupportedScan(f"{path}: expected a fourth axis apart from space, found one in it")
    affine = np.eye(4)
    affine[:3, :3] = turn[:3, :3] * np.array(spacing[:3])
    affine[:3, 3] = origin[:3]
    affine = LPS_TO_RAS @ affine
    require_sound_affine(affine, path)
    return affine, (spacing[3], origin[3]) if size == 4 else (1.0, 0.0)


def _place(image: Any, affine: npt.NDArray[np.float64], fourth: tuple[float, float] | None) -> None:
    lps = LPS_TO_RAS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    turn, origin = lps[:3, :3] / spacing, lps[:3, 3]
    if fourth:
        whole = np.eye(4)
        whole[:3, :3] = turn
        turn, spacing, origin = whole, np.append(spacing, fourth[0]), np.append(origin, fourth[1])
    image.SetDirection(turn.ravel().tolist())
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
