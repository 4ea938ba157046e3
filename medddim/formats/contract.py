"""What every scan format promises: find series, read one to a Volume, write one like its source."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from medddim.volume import Volume


@dataclass(frozen=True)
class Series:
    """One scan found in a folder: its files, what the header says of it, and a verdict.

    `name` is safe as a file name and mirrors the input's own (relative) name; it never holds
    patient data. `refusal` is empty for a scan medddim can enhance, else the reason why not.
    `facts` is what `inspect` shows: shape, spacing_mm, modality, description of the kind.
    """

    format: str
    name: str
    files: tuple[Path, ...]
    modality: str = ""
    refusal: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Derivation:
    """How a result came about: what a writer records beside it.

    `kind` is "denoise", "superresolve", "degrade" or "identity"; `summary` is one English sentence
    for people; `parameters` are plain values (model, its sha256, steps, seed ...), in the order to
    be written, and are what makes deterministic identifiers deterministic.
    """

    kind: str
    summary: str
    parameters: dict[str, Any] = field(default_factory=dict)


class Format(Protocol):
    """A file format: one module, registered by one line in `formats/__init__.py`."""

    name: str

    def find(self, root: Path) -> list[Series]:
        """Every series of this format at or below `root`, in a stable order; loads no voxels."""
        ...

    def read(self, series: Series) -> Volume:
        """The voxels, geometry and unit of one series.

        Raises UnreadableScan, UnsupportedScan or IrregularGeometry, naming the file.
        """
        ...

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> tuple[Path, ...]:
        """Write `volume` below `destination` like `volume.source`; return the files written.

        Nothing appears under its final name before it is complete.

        Raises WriteRefused if it is there already, EnvironmentProblem if the disk fails.
        """
        ...
