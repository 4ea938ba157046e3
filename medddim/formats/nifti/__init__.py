"""NIfTI files, .nii and .nii.gz, by nibabel."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from medddim.formats.contract import NO_REPAIR, Derivation, Quantity, Repair, Series, Written
from medddim.formats.nifti.check import check_file
from medddim.formats.nifti.find import find_files, sidecar
from medddim.formats.nifti.read import read_file
from medddim.formats.nifti.write import write_file, write_map
from medddim.volume import Volume


class Nifti:
    """One file, one scan. The stored type and scaling of the source are kept."""

    name = "nifti"

    def find(self, *roots: Path, repair: Repair = NO_REPAIR) -> list[Series]:
        """Every .nii and .nii.gz at or below these, by path; their grid needs no repair."""
        return find_files(*roots)

    def attributes(self, series: Series, keywords: Collection[str]) -> dict[str, list[str]]:
        """What the JSON sidecar says, for dcm2niix and BIDS use the keywords of DICOM."""
        return {
            keyword: [str(one) for one in (value if isinstance(value, list) else [value])]
            for keyword, value in sidecar(series.files[0]).items()
            if keyword in keywords
        }

    def read(self, series: Series) -> Volume:
        """The voxels in physical values; 4D scans become channels.

        Raises UnreadableScan or UnsupportedScan, naming the file.
        """
        return read_file(series.files[0])

    def write(
        self, volume: Volume, destination: Path, *, name: str, derivation: Derivation
    ) -> Written:
        """Write `name`.nii.gz, or .nii if the source was one. Raises WriteRefused if it exists."""
        return write_file(volume, destination, name=name, derivation=derivation)

    def write_map(
        self, values: Volume, destination: Path, *, name: str, of: Sequence[Path],
        quantity: Quantity,
    ) -> Written:  # fmt: skip
        """Write the float32 file `name`.nii.gz. Raises WriteRefused, GridMismatch."""
        return write_map(values, destination, name=name, of=of, quantity=quantity)

    def check(
        self, files: Sequence[Path], source: Volume, derivation: Derivation
    ) -> dict[str, str]:
        """Whether stored type, scale and note are right. Raises ScanError."""
        return check_file(files[0], source.source, derivation)
