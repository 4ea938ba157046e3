"""DICOM: classic and enhanced MR and CT series, by pydicom, their geometry checked by highdicom."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from medddim.formats.contract import NO_REPAIR, Derivation, Quantity, Repair, Series, Written
from medddim.formats.dicom.check import check_series
from medddim.formats.dicom.find import attributes, find_series
from medddim.formats.dicom.pixels import pixels_like, values_of
from medddim.formats.dicom.read import read_series
from medddim.formats.dicom.relations import related_uids
from medddim.formats.dicom.uids import MAKER
from medddim.formats.dicom.write import write_series
from medddim.formats.sidecar import kind_described
from medddim.volume import Array, Volume

SLICES = "[0-9]*.dcm"
"""The files of a result."""


class Dicom:
    """One SeriesInstanceUID, one scan; results are derived series of the same study."""

    name = "dicom"
    map_ending = ".dcm"
    validators: tuple[str, ...] = ("dciodvfy", "dcentvfy")
    known_endings = (".dcm", ".ima")

    def find(self, *roots: Path, repair: Repair = NO_REPAIR, modality: str = "") -> list[Series]:
        """Every series at or below these, by path; files that are not DICOM are skipped.

        A DICOMDIR stands for the files it lists. The geometry of a series of another `modality` is
        not looked at.
        """
        return find_series(roots, repair, modality)

    def related(self, series: Series) -> frozenset[str]:
        """UIDs of the series, of its images and of those they derive from. Raises ScanError."""
        return related_uids(series)

    def subject(self, series: Series) -> str:
        """Its PatientID. Raises ScanError."""
        return "".join(attributes(series, ["PatientID"]).get("PatientID", [])).strip()

    def made(self, series: Series) -> str:
        """The kind of result of medddim this is, by its descriptions. Raises ScanError."""
        said = attributes(series, ["DerivationDescription", "SeriesDescription"])
        making, name = (
            "".join(said.get(f"{of}Description", "")) for of in ("Derivation", "Series")
        )
        note = re.match(rf"{MAKER} \S+, (\w+): ", making)
        return note[1] if note else kind_described(name)

    def result_name(self, file: Path) -> str:
        """The name of the folder the file lies in."""
        return file.parent.name

    def result_files(self, folder: Path, name: str) -> list[Path]:
        """The folder of the result; one without slices may hold the results of other scans."""
        place = folder / name
        return [place] if place.is_dir() and any(place.glob(SLICES)) else []

    def attributes(self, series: Series, keywords: Collection[str]) -> dict[str, list[str]]:
        """Values in the header of the first file, by DICOM keyword."""
        return attributes(series, keywords)

    def read(self, series: Series) -> Volume:
        """The voxels in physical values, along the normal; stacks become channels.

        Raises UnreadableScan, UnsupportedScan or IrregularGeometry, naming the file.
        """
        return read_series(series)

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> Written:
        """Write the folder `name`, one file a slice. Raises WriteRefused if it exists."""
        return write_series(volume, destination, name=name, derivation=derivation)

    def as_written(self, volume: Volume, derivation: Derivation) -> Array:
        """Rounded to the integers of the source; voxels outside the image as they are there."""
        return values_of(pixels_like(volume, volume.source), volume)

    def write_map(
        self, values: Volume, destination: Path, *, name: str, of: Sequence[Path],
        quantity: Quantity,
    ) -> Written:  # fmt: skip
        """Write the Parametric Map `name`.dcm. Raises WriteRefused, GridMismatch."""
        from medddim.formats.dicom.maps import write_parametric_map

        return write_parametric_map(values, destination, name=name, of=of, quantity=quantity)

    def check(
        self, files: Sequence[Path], source: Volume, derivation: Derivation
    ) -> dict[str, str]:
        """Whether identifiers, scale and provenance are right. Raises UnreadableScan."""
        return check_series(files, source.source, derivation)
