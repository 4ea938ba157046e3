"""Which scans that do not say what they are would be refused by models for CT?

    python benchmarks/voxel_signs.py --ct SCANS/ct --mr SCANS/mri SCANS/repeats

NIfTI files, with their modality taken away, as they are, cropped, clipped, with 1024 added, or made
brighter: how many of each `medddim.formats.voxel_signs.why_not` refuses, and how many of those it
tells to choose a model for MR.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from quality import table

from medddim import Volume, read
from medddim.formats.voxel_signs import why_not
from medddim.intensity import bright_end

Named = tuple[str, Volume]


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ct", type=Path, nargs="*", default=[])
    parser.add_argument("--mr", type=Path, nargs="*", default=[])
    asked = parser.parse_args()
    counts, refused, as_mr = Counter[str](), Counter[str](), Counter[str]()
    for folders, kinds in ((asked.ct, of_ct), (asked.mr, of_mr)):
        files = sorted(path for folder in folders for path in folder.rglob("*.nii.gz"))
        for name, scan in (one for path in files for one in kinds(read(path))):
            reason = why_not(scan, "CT")
            counts[name] += 1
            refused[name] += bool(reason)
            as_mr[name] += "choose a model for MR" in reason
    rows = [[name, *map(str, (counts[name], refused[name], as_mr[name]))] for name in counts]
    print(table(["scans", "all", "refused", "as MR, perhaps"], rows))


def of_ct(scan: Volume) -> Iterator[Named]:
    """A CT scan in Hounsfield units, and what users may hold of it."""
    middle = scan.crop(*(slice(int(0.4 * n), max(int(0.4 * n) + 1, int(0.6 * n)))
                         for n in scan.shape))  # fmt: skip
    values = scan.voxels
    yield "CT", plain(scan, values)
    yield "CT, the middle fifth along each axis", plain(middle, middle.voxels)
    for low, high in ((0, 80), (-160, 240)):
        yield f"CT, clipped to {low} to {high} HU", plain(scan, values.clip(low, high))
    yield "CT, cut off at 0", plain(scan, values.clip(0))
    yield "CT, 1024 added", plain(scan, (values + 1024).clip(0))
    yield "CT, 1024 added, the middle fifth", plain(middle, (middle.voxels + 1024).clip(0))


def of_mr(scan: Volume) -> Iterator[Named]:
    """The first volume of an MR scan, as it is and with other bright ends."""
    values = scan.voxels[:1]
    top = np.float32(bright_end(np.abs(values)))
    yield "MR", plain(scan, values)
    for bright in (200, 1000):
        yield f"MR, bright end at {bright}", plain(scan, values * (np.float32(bright) / top))


def plain(scan: Volume, values: np.ndarray) -> Volume:
    """Other voxels at the place of a scan, which do not say what they are."""
    return Volume(np.ascontiguousarray(values, np.float32), scan.affine)


if __name__ == "__main__":
    main()
