"""DICOM: classic single-frame MR and CT series, by pydicom, their geometry checked by highdicom."""

from __future__ import annotations

from pathlib import Path

from medddim.formats.contract import Derivation, Series
from medddim.formats.dicom.find import find_series
from medddim.formats.dicom.read import read_series
from medddim.formats.dicom.write import write_series
from medddim.volume import Volume


class Dicom:
    """One SeriesInstanceUID, one scan; results are derived series of the same study."""

    name = "dicom"

    def find(self, root: Path) -> list[Series]:
        """Every series at or below `root`, by path; files that are not DICOM are passed over."""
        return find_series(root)

    def read(self, series: Series) -> Volume:
        """The voxels in physical values, along the normal.

        Raises UnreadableScan, UnsupportedScan or IrregularGeometry, naming the file.
        """
        return read_series(series)

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> tuple[Path, ...]:
        """Write the folder `name`, one file a slice. Raises WriteRefused if it exists."""
        return write_series(volume, destination, name=name, derivation=derivation)
