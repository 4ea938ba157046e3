"""One file, one scan: what NIfTI, MetaImage, NRRD and MGH have in common.

A new format of this kind says how to check a header, how to get at the stored numbers and how to
save them: `describe`, `stored` and `save`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from medddim.errors import EnvironmentProblem, ScanError, UnsupportedScan
from medddim.formats import content, sidecar
from medddim.formats.atomic import new_files
from medddim.formats.contract import NO_REPAIR, Derivation, Quantity, Repair, Series, Written
from medddim.formats.guard import reading_takes, require_memory
from medddim.formats.naming import relative_name
from medddim.formats.sidecar import Sidecars
from medddim.formats.stored import (
    SHEAR_MM,
    Described,
    FileSource,
    Stored,
    facts_of,
    require_kept,
    same_grid,
    spatial_first,
    take_nonfinite,
    to_store,
    values_stored,
    voxels_of,
)
from medddim.formats.walk import files_at
from medddim.volume import Affine, Array, Volume


@dataclass(frozen=True)
class ToSave:
    """What a format is to write: the stored numbers `(x, y, z)` or `(x, y, z, volume)`.

    `like` is the header of the source and `same_grid` whether it holds; None for a scan made by
    code. `note` says how the result was made.
    """

    data: Stored
    affine: Affine
    like: Described | None
    same_grid: bool
    note: str


class SingleFile(ABC):
    """A format whose scans are single files, with what lies beside them."""

    name: str
    title: ClassVar[str]
    endings: ClassVar[tuple[str, ...]]
    """In lower case, longer ones first; the first is that of a scan made by code."""
    data_endings: ClassVar[tuple[str, ...]] = ()
    """Of the voxels, where they lie in a file of their own."""
    keeps_note: ClassVar[bool] = False
    """Whether the header has room for a note; if not, the JSON file beside a result has it."""
    map_ending: str
    validators: tuple[str, ...] = ()

    @abstractmethod
    def describe(self, path: Path) -> Described:
        """The header after every check that needs no voxels. Raises ScanError."""

    @abstractmethod
    def stored(self, path: Path, described: Described) -> Stored:
        """The stored numbers, in the machine's byte order. Raises UnreadableScan."""

    @abstractmethod
    def save(self, image: ToSave, path: Path) -> None:
        """Write the file `path`, and what it needs beside it, into an empty folder."""

    def is_mine(self, path: Path) -> bool:
        """Whether the name says so."""
        return bool(self.ending(path))

    def ending(self, path: Path) -> str:
        """What the name ends in, as the file spells it; "" for another format."""
        name = path.name.lower()
        fitting = next((one for one in self.endings if name.endswith(one)), "")
        return path.name[len(path.name) - len(fitting) :] if fitting else ""

    def stem(self, path: Path) -> str:
        """The name without that."""
        return path.name[: len(path.name) - len(self.ending(path))]

    @property
    def known_endings(self) -> tuple[str, ...]:
        """Of the scans, of their voxels where these lie apart, and of what lies beside them."""
        return (*self.endings, *self.data_endings, *sidecar.BESIDE)

    # --- what every Format does --------------------------------------------------------------

    def find(self, *roots: Path, repair: Repair = NO_REPAIR, modality: str = "") -> list[Series]:
        """Every file of this format at or below these, by path; their grid needs no repair."""
        return [
            self._series(path, root)
            for root in roots
            for path in sorted(filter(self.is_mine, files_at(root)))
        ]

    def related(self, series: Series) -> frozenset[str]:
        """Files carry no identifiers."""
        return frozenset()

    def subject(self, series: Series) -> str:
        """Files do not say whose they are."""
        return ""

    def made(self, series: Series) -> str:
        """The kind of result of medddim this is, by its note or its JSON file. Raises ScanError."""
        path = series.files[0]
        return self._made(self.describe(path), self._said(path))

    def result_name(self, file: Path) -> str:
        """The file's name without its ending."""
        return self.stem(file) if self.is_mine(file) else ""

    def result_files(self, folder: Path, name: str) -> list[Path]:
        """The scan, and the files beside it that were written with it."""
        places = (folder / f"{name}{ending}" for ending in self.endings)
        scan = next((path for path in places if path.is_file()), None)
        if scan is None:
            return []
        beside = [folder / f"{name}{ending}" for ending in (*sidecar.BESIDE, *self.data_endings)]
        return [scan, *(path for path in beside if path.is_file())]

    def attributes(self, series: Series, keywords: Collection[str]) -> dict[str, list[str]]:
        """What the JSON file says, for dcm2niix and BIDS use the keywords of DICOM."""
        said = self._said(series.files[0])
        return {
            keyword: [str(one) for one in (value if isinstance(value, list) else [value])]
            for keyword, value in said.items()
            if keyword in keywords
        }

    def read(self, series: Series) -> Volume:
        """The voxels in physical values; 4D scans become channels.

        NaN and infinite voxels are read as 0 and come back at writing. Raises UnreadableScan or
        UnsupportedScan, naming the file.
        """
        path = series.files[0]
        described = self.describe(path)
        self._require_magnitude(path, self._said(path))
        size = math.prod(described.shape)
        require_memory(reading_takes(size, stored=described.dtype.itemsize), path)
        return self.volume_of(self.stored(path, described), described, path, beside=series.beside)

    def volume_of(
        self, stored: Stored, described: Described, path: Path, *, beside: bool = True
    ) -> Volume:
        """The Volume of these numbers; `path` is for messages and for what lies beside it."""
        voxels = voxels_of(stored, described, path)
        there = sidecar.sidecars_of(path, self.stem(path), len(voxels))
        sidecar.warn_of_other_counts(there.tables, len(voxels), path)
        lost = take_nonfinite(voxels, path)
        voxels.setflags(write=False)  # so that the Volume takes it as it is
        ending = self.ending(path).lower() or self.endings[0]
        along = there if beside else Sidecars()
        source = FileSource(self.name, described, ending, lost, along)
        modality = self._modality(described, there.said)
        unit = "HU" if modality == "CT" else ""
        return Volume(voxels, described.affine, modality=modality, unit=unit, source=source)

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> Written:
        """Write `name` with the ending of the source, and what lay beside that.

        On the grid of the source integers stay the same integers (rounded, clipped, same scale)
        and float64 stays float64; all else is float32, so that the means of finer voxels are those
        measured, and so are integers whose step is coarser than half the noise. Raises WriteRefused
        if the file exists, or the format cannot hold the grid.
        """
        source = volume.source if isinstance(volume.source, FileSource) else None
        same = source is not None and same_grid(volume, source.described)
        like = source.described if source else None
        path = destination / f"{name}{source.ending if source else self.endings[0]}"
        data, clipped, notes = to_store(volume, source if same else None, derivation)
        shape = like.shape if like and same else None
        image = ToSave(spatial_first(data, shape), volume.affine, like, same,
                       sidecar.note_of(derivation))  # fmt: skip
        with new_files(path) as folder:
            self.save(image, folder / path.name)
            require_kept(volume, self.describe(folder / path.name), path, title=self.title)
            notes += self._write_beside(volume, folder / path.name, derivation, same=same)
            beside = sorted(file.name for file in folder.iterdir() if file.name != path.name)
        return Written([path, *map(path.with_name, beside)], clipped=clipped, notes=notes)

    def as_written(self, volume: Volume, derivation: Derivation) -> Array:
        """Rounded and clipped on the grid of integers; what is NaN in the source is so again."""
        return values_stored(volume, derivation)

    def write_map(
        self, values: Volume, destination: Path, *, name: str, of: Sequence[Path],
        quantity: Quantity,
    ) -> Written:  # fmt: skip
        """Write a float32 file on the grid of the written file `of`; what it is, in its note.

        Raises GridMismatch if `values` lies on another grid, WriteRefused if the file exists.
        """
        values.require_same_grid(self.read(Series(self.name, "", (of[0],))))
        bare = replace(values, source=None, unit="")
        made = Derivation(quantity, f"of {of[0].name}")
        path = destination / f"{name}{self.map_ending}"
        image = ToSave(spatial_first(bare.voxels, None), bare.affine, None, False,
                       sidecar.note_of(made))  # fmt: skip
        with new_files(path) as folder:
            self.save(image, folder / path.name)
        return Written([path])

    def check(
        self, files: Sequence[Path], source: Volume, derivation: Derivation
    ) -> dict[str, str]:
        """Whether stored type, scale and note are those of such a result. Raises ScanError."""
        result, before = self.describe(files[0]), source.source.described
        values = ""
        same = result.shape == before.shape and np.allclose(
            result.affine, before.affine, rtol=0, atol=SHEAR_MM
        )
        if result.dtype.kind != "f" and not (same and result.dtype.kind == before.dtype.kind):
            values = "the stored type is not that of the source" if same else "expected float32"
        else:
            whole = result.dtype.kind in "iu"
            expected = (before.slope, before.intercept) if whole else (1.0, 0.0)
            if (result.slope, result.intercept) != expected:
                values = f"slope and intercept are not {'those of the source' if whole else '1, 0'}"
        made = self._made(result, self._said(files[0]))
        missing = f"it does not say that medddim made it ({derivation.kind})"
        return {"values": values, "provenance": "" if made == derivation.kind else missing}

    # --- in detail ---------------------------------------------------------------------------

    def _series(self, path: Path, root: Path) -> Series:
        stem = self.stem(path)
        bare = path.with_name(stem) if stem else path
        name = relative_name(bare, bare if path == root else root)
        said = self._said(path)
        try:
            described = self.describe(path)
            self._require_magnitude(path, said, by_name=True)
        except (ScanError, EnvironmentProblem) as refusal:
            modality = content.mr_or_ct(content.modality_said(said))
            return Series(self.name, name, (path,), modality, refusal=str(refusal))
        modality = self._modality(described, said)
        files = (path,) if described.voxels_in is None else (path, described.voxels_in)
        return Series(self.name, name, files, modality, facts=facts_of(described))

    def _made(self, described: Described, said: sidecar.Said) -> str:
        """The kind of result of medddim this is, by its note or its JSON file."""
        return described.made or sidecar.is_made_here(said)

    def _said(self, path: Path) -> sidecar.Said:
        return sidecar.said_of(path, self.stem(path))

    def _modality(self, described: Described, said: sidecar.Said) -> str:
        """MR or CT if the JSON file or the header says so, else the empty string."""
        modality = content.modality_said(said) or described.modality
        if not modality and str(said.get("Units", "")).strip().lower() in content.HU_UNITS:
            modality = "CT"
        return content.mr_or_ct(modality)

    def _require_magnitude(self, path: Path, said: sidecar.Said, *, by_name: bool = False) -> None:
        """Raise UnsupportedScan if the JSON file or the name speaks of something else.

        Labels are known by their name in a folder; who reads the file alone wants them.
        """
        stem = self.stem(path)
        reason = content.of_sidecar(said, stem)
        found = None if content.is_called_magnitude(said) else content.of_name(stem)
        if not reason and found and (by_name or found is not content.LABELS):
            reason = found.at("its name")
        if reason:
            raise UnsupportedScan(f"{path}: {reason}")

    def _write_beside(
        self, volume: Volume, path: Path, derivation: Derivation, *, same: bool
    ) -> list[str]:
        """Write the JSON file and the tables; what was left out of them, in words."""
        source = volume.source if isinstance(volume.source, FileSource) else None
        beside, stem = source.beside if source else Sidecars(), self.stem(path)
        for ending, text in beside.tables.items():
            path.with_name(f"{stem}{ending}").write_bytes(text)
        if not (beside.said or volume.in_hu or not self.keeps_note):
            return []
        said, notes = sidecar.updated(beside.said, volume, derivation, same_grid=same)
        path.with_name(f"{stem}.json").write_bytes(sidecar.text_of(said))
        return notes
