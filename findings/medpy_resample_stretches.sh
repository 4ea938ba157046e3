#!/usr/bin/env bash
# medpy 0.5.2: resample to a finer grid stretches the anatomy. It puts the first and the last voxel of the result on the
# first and the last of the input, and writes the spacing that was asked for: sixteen slices of 3 mm, resampled to 1 mm,
# are 1.9 mm off at the far end, and by the header every length across them is 4 % too long.
#
# Guess before running: the anatomy stays within 0.1 mm of where the header says. Found (2026-11-30): each voxel holds its
# own place in mm along an axis, so that a resampling that keeps the anatomy in place gives a difference of 0 (with linear
# interpolation exactly). It is 0 at the first voxel and grows: of 16 voxels of 2 mm 32 are made, which span 30 mm and are
# said to span 31, of 16 of 3 mm 48, which span 45 and are said to span 47. The zoom of scipy, on which it rests, goes from
# the centre of the first to that of the last. ANTs and SimpleITK leave the same scan in place, on the same grid.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "medpy==0.5.2" "SimpleITK==2.5.7" "antspyx==0.6.3" "numpy==2.3.5" "scipy==1.15.3" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import ants
import numpy as np
import SimpleITK
from medpy.filter.image import resample
from medpy.io import load, save

folder, size, spacing, origin = sys.argv[1], 16, (1.0, 2.0, 3.0), (-5.0, 7.0, 9.0)


def place(axis):
    """A file of an image that holds, in each voxel, where it lies along this axis, in mm."""
    along = [1, 1, 1]
    along[2 - axis] = size
    places = (origin[axis] + spacing[axis] * np.arange(size)).reshape(along)
    image = SimpleITK.GetImageFromArray(np.broadcast_to(places, (size,) * 3).copy())
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    SimpleITK.WriteImage(image, f"{folder}/place.nii.gz")
    return f"{folder}/place.nii.gz"


def of_medpy(path):
    made, header = resample(*load(path), (1.0, 1.0, 1.0), bspline_order=1)
    save(made, f"{folder}/made.nii.gz", header, force=True)
    return SimpleITK.ReadImage(f"{folder}/made.nii.gz")


def of_ants(path):
    made = ants.resample_image(ants.image_read(path), (1, 1, 1), use_voxels=False, interp_type=0)
    ants.image_write(made, f"{folder}/made.nii.gz")
    return SimpleITK.ReadImage(f"{folder}/made.nii.gz")


def of_itk(path):
    image = SimpleITK.ReadImage(path)
    grid = [round(size * one) for one in spacing], SimpleITK.Transform(), SimpleITK.sitkLinear
    return SimpleITK.Resample(image, *grid, origin, (1.0, 1.0, 1.0), image.GetDirection())


def off(image, axis, end):
    """How far what a voxel holds lies from where the header puts it, in mm; `end`: within the input."""
    index = [0, 0, 0]
    index[axis] = int(spacing[axis] * (size - 1)) if end else 0
    return round(image.GetPixel(index) - image.TransformIndexToPhysicalPoint(index)[axis], 2) + 0.0


for name, tool in (("SimpleITK", of_itk), ("ANTs", of_ants), ("medpy", of_medpy)):
    made = [tool(place(axis)) for axis in range(3)]
    print(name, made[0].GetSize(), "spacing", tuple(round(one, 3) for one in made[0].GetSpacing()))
    print("  first voxel off by", [off(image, axis, False) for axis, image in enumerate(made)], "mm")
    print("  last voxel off by ", [off(image, axis, True) for axis, image in enumerate(made)], "mm")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
SimpleITK (16, 32, 48) spacing (1.0, 1.0, 1.0)
  first voxel off by [0.0, 0.0, 0.0] mm
  last voxel off by  [0.0, 0.0, 0.0] mm
ANTs (16, 32, 48) spacing (1.0, 1.0, 1.0)
  first voxel off by [0.0, 0.0, 0.0] mm
  last voxel off by  [0.0, 0.0, 0.0] mm
medpy (16, 32, 48) spacing (1.0, 1.0, 1.0)
  first voxel off by [0.0, 0.0, 0.0] mm
  last voxel off by  [0.0, -0.97, -1.91] mm
SEEN
echo "as in November 2026"
