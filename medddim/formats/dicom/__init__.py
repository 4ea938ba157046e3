"""DICOM: classic and enhanced MR and CT series, by pydicom, their geometry checked by highdicom."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from medddim.formats.contract import NO_REPAIR, Derivation, Quantity, Repair, Series, Written
from medddim.formats.dicom.check import check_series
from medddim.formats.dicom.find import attributes, find_series
from medddim.formats.dicom.read import read_series
from medddim.formats.dicom.write import write_series
from medddim.volume import Volume


class Dicom:
    """One SeriesInstanceUID, one scan; results are derived series of the same study."""

    name = "dicom"

    def find(self, *roots: Path, repair: Repair = NO_REPAIR) -> list[Series]:
        """Every series at or below these, by path; files that are not DICOM are passed over.

        A DICOMDIR stands for the files it lists.
        """
        return find_series(roots, repair)

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
