"""Scans in a zip file: unpacked for as long as they are needed, and never where its names say."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

from medddim.errors import EnvironmentProblem
from medddim.formats.guard import reading, require_sound_archive
from medddim.formats.naming import safe_name
from medddim.formats.table import FORMATS

SUFFIXES = sorted({one for format in FORMATS for one in format.known_endings}, key=len)[::-1]
"""Those that mean something to a format; any other file is known by its content, or by none."""


def is_zip(path: Path) -> bool:
    """Whether the content, or else the name, says so."""
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\3\4", b"PK\5\6") or path.suffix.lower() == ".zip"


class Archive:
    """The files of a zip in a temporary folder, which goes when this object goes."""

    def __init__(self, path: Path) -> None:
        """Unpack `path`.

        Names are reduced to letters, digits and "._-", so that no file can lie elsewhere. Raises
        UnreadableScan or UnsupportedScan for a broken, locked or harmful zip, EnvironmentProblem
        if the disk is full.
        """
        self.path = path
        self._place = Path(tempfile.mkdtemp(prefix="medddim-"))
        self._remove = weakref.finalize(self, shutil.rmtree, self._place, ignore_errors=True)
        self.folder = self._place / safe_name(path.stem)
        try:
            with reading(path, "zip"), ZipFile(path) as archive:
                members = require_sound_archive(archive, path)
                _require_disk(sum(member.file_size for member in members), self._place, path)
                taken: Counter[Path] = Counter()
                for member in members:
                    target = _target(self.folder, member.filename, taken)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with archive.open(member) as packed, target.open("xb") as unpacked:
                        shutil.copyfileobj(packed, unpacked)
        except BaseException:
            self._remove()
            raise

    def __reduce__(self) -> tuple[type[Unpacked], tuple[Path, Path]]:
        """Another process finds the files where this one has put them, and leaves them there."""
        return Unpacked, (self.path, self.folder)

    def shown(self, text: str) -> str:
        """`text` with the name of the zip where the temporary folder is meant."""
        return Unpacked(self.path, self.folder).shown(text)


@dataclass(frozen=True)
class Unpacked:
    """A zip, and the folder with its files that somebody else removes."""

    path: Path
    folder: Path

    def shown(self, text: str) -> str:
        """`text` with the name of the zip where the folder is meant."""
        return text.replace(str(self.folder), str(self.path))


def _target(folder: Path, name: str, taken: Counter[Path]) -> Path:
    """Where a member goes: a safe name in the place of each of its own."""
    *parents, last = PurePosixPath(name.replace("\\", "/")).parts
    suffix = next((one for one in SUFFIXES if last.lower().endswith(one)), "")
    place = folder.joinpath(*map(safe_name, parents), safe_name(last[: len(last) - len(suffix)]))
    place = place.with_name(place.name + suffix)
    taken[place] += 1
    return place if taken[place] == 1 else place.with_name(f"{taken[place]}_{place.name}")


def _require_disk(needed: int, place: Path, path: Path) -> None:
    free = shutil.disk_usage(place).free
    if needed > free:
        raise EnvironmentProblem(
            f"{path}: unpacking it takes {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are free in "
            f"{place.parent}; set TMPDIR to a larger disk"
        )
