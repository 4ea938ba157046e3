"""What every scan format promises: find series, read one to a Volume, write one like its source."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from medddim.volume import Array, Volume
from medddim.volume import Derivation as Derivation

OnGap = Literal["refuse", "split", "interpolate"]
OnTilt = Literal["refuse", "resample"]
Quantity = Literal["uncertainty", "residual", "lower", "upper", "invented"]
"""What a map beside a result holds: a standard deviation, result minus source, the ends of an
interval, or how far the result shows structure that the source does not hold, in deviations."""


@dataclass(frozen=True)
class Repair:
    """What may be repaired when slices do not form a regular grid; by default nothing.

    `on_gap`: "split" makes a volume of each evenly spaced part, "interpolate" fills one or two
    missing slices from their neighbours. `on_tilt`: "resample" shifts each slice in its plane until
    the stack is right-angled. `stack_by` names the DICOM attributes that tell images at one place
    apart, as "EchoTime and (0019,10A2)", in place of those found. What was repaired stands in
    `Series.facts` and in the result.
    """

    on_gap: OnGap = "refuse"
    on_tilt: OnTilt = "refuse"
    stack_by: str = ""


NO_REPAIR = Repair()


@dataclass(frozen=True)
class Series:
    """One scan found in a folder: its files, what the header says of it, and a verdict.

    `name` is safe as a file name and mirrors the input's own (relative) name; it never holds
    patient data. `refusal` is empty for a scan medddim can enhance, else the reason why not.
    `facts` is what `inspect` shows: shape, spacing_mm, kind ("volume" or "stack of N"), and, if the
    geometry was repaired, the `repairs`. A series that `repair` splits is several scans of the same
    files, distinguished by `part`. `archive` is the zip the files were unpacked from, which is
    removed again when no Series needs it. `beside` is whether the files beside it (JSON, b-values,
    directions) go along with its result; `skip` why a run is to leave it out.
    """

    format: str
    name: str
    files: tuple[Path, ...]
    modality: str = ""
    refusal: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    repair: Repair = NO_REPAIR
    part: int = 0
    beside: bool = True
    skip: str = ""
    archive: Any = field(default=None, repr=False, compare=False)

    def shown(self, text: str | Path) -> str:
        """A message or a path in the words of the user, who knows the archive, not its copy."""
        return str(text) if self.archive is None else str(self.archive.shown(str(text)))


class Written(tuple[Path, ...]):
    """The files written, in order.

    `clipped` is how many voxels lay beyond what the stored type can hold. `notes` describe in words
    what of the source is stored otherwise, or not at all.
    """

    clipped: int
    notes: tuple[str, ...]

    def __new__(
        cls, files: Iterable[Path], *, clipped: int = 0, notes: Iterable[str] = ()
    ) -> Written:
        """The paths `files`, which exist by now."""
        written = super().__new__(cls, tuple(files))
        written.clipped, written.notes = clipped, tuple(notes)
        return written


class Format(Protocol):
    """A file format: one module, and one line of the table in `formats/table.py`."""

    @property
    def name(self) -> str:
        """What the record calls it."""
        ...

    @property
    def map_ending(self) -> str:
        """What the name of a map beside a result ends in."""
        ...

    @property
    def validators(self) -> tuple[str, ...]:
        """Programs that judge written files, where they are installed: `batch/validators.py`."""
        ...

    @property
    def known_endings(self) -> tuple[str, ...]:
        """What names of its files end in, in lower case: of scans, and of what lies beside them."""
        ...

    def find(self, *roots: Path, repair: Repair = NO_REPAIR, modality: str = "") -> list[Series]:
        """Every series of this format at or below these, in a stable order; loads no voxels.

        What is named apart and belongs together is one series. With `modality`, one whose header
        states another needs no verdict.
        """
        ...

    def related(self, series: Series) -> frozenset[str]:
        """Identifiers of a series and of what it was made from; sharing one, two belong together.

        Empty for a format without identifiers. Raises ScanError.
        """
        ...

    def subject(self, series: Series) -> str:
        """Whose scan it is, to tell subjects apart in memory, never to show; "" if unknown.

        Raises ScanError.
        """
        ...

    def made(self, series: Series) -> str:
        """The kind of medddim's own result this is ("denoise", ...), by its header or JSON file.

        Empty for any other scan. Raises ScanError.
        """
        ...

    def result_name(self, file: Path) -> str:
        """The name of the result that this written file belongs to; "" if not of this format."""
        ...

    def result_files(self, folder: Path, name: str) -> list[Path]:
        """What of the result `name` is in `folder`: the scan's file or folder, then what is beside.

        Empty if the scan itself is not there.
        """
        ...

    def attributes(self, series: Series, keywords: Collection[str]) -> dict[str, list[str]]:
        """The values of these attributes in the header of one series, to choose by, not to show.

        An attribute that is absent is left out. Raises ScanError if the header cannot be read.
        """
        ...

    def read(self, series: Series) -> Volume:
        """The voxels, geometry and unit of one series.

        Raises UnreadableScan, UnsupportedScan or IrregularGeometry, naming the file.
        """
        ...

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> Written:
        """Write `volume` below `destination` like `volume.source`; return the files written.

        Nothing appears under its final name before it is complete.

        Raises WriteRefused if it is there already, EnvironmentProblem if the disk fails.
        """
        ...

    def as_written(self, volume: Volume, derivation: Derivation) -> Array:
        """The values that `write` stores of this, as voxels; nothing is written."""
        ...

    def write_map(
        self, values: Volume, destination: Path, *, name: str, of: Sequence[Path],
        quantity: Quantity,
    ) -> Written:  # fmt: skip
        """Write `values` as float32 about the result whose files are `of`, as `name`.

        Raises WriteRefused if it is there already, GridMismatch if it has not its grid.
        """
        ...

    def check(
        self, files: Sequence[Path], source: Volume, derivation: Derivation
    ) -> dict[str, str]:
        """What is wrong with a result `write` has written, by topic; "" where nothing is.

        `files` are in the order in which they were written, `source` is the scan they were made
        from. Raises ScanError for files that cannot be read.
        """
        ...
