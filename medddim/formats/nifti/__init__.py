"""NIfTI files, .nii and .nii.gz, by nibabel."""

from __future__ import annotations

from pathlib import Path

from medddim.formats.contract import Derivation, Series
from medddim.formats.nifti.find import find_files
from medddim.formats.nifti.read import read_file
from medddim.formats.nifti.write import write_file
from medddim.volume import Volume


class Nifti:
    """One file, one scan. The stored type and scaling of the source are kept."""

    name = "nifti"

    def find(self, root: Path) -> list[Series]:
        """Every .nii and .nii.gz at or below `root`, by path."""
        return find_files(root)

    def read(self, series: Series) -> Volume:
        """The voxels in physical values; 4D scans become channels.

        Raises UnreadableScan or UnsupportedScan, naming the file.
        """
        return read_file(series.files[0])

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> tuple[Path, ...]:
        """Write `name`.nii.gz, or .nii if the source was one. Raises WriteRefused if it exists."""
        return write_file(volume, destination, name=name, derivation=derivation)
