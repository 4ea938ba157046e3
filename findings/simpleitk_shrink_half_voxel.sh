#!/usr/bin/env bash
# SimpleITK 2.5.7: Shrink by an even factor moves the anatomy by half a voxel of its input. The header of its result is
# that of averaged blocks (as BinShrink has it), its voxels are single samples half a voxel further along every axis.
#
# Guess before running: Shrink, BinShrink and Expand keep the anatomy in place, for the documentation of Shrink says that
# the physical centres of input and output are the same. Found (2026-11-30): each voxel holds its own place in mm, so
# that a filter that keeps the anatomy in place gives a difference of 0. BinShrink and Expand do; Shrink by 2 and by 4 is
# half an input voxel off, and by 3 it is off where 3 does not divide the size. With voxels of 2 mm that is 1 mm, between
# a lesion and the same lesion in the shrunk scan. N4 and pyramids of registration are often fed by Shrink.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "SimpleITK==2.5.7" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
import SimpleITK

size, spacing, origin = (40, 36, 24), (2.0, 2.0, 3.0), (-40.0, -30.0, -20.0)


def place(axis):
    """An image that holds, in each voxel, where it lies along this axis, in mm."""
    along = [1, 1, 1]
    along[2 - axis] = size[axis]
    places = (origin[axis] + spacing[axis] * np.arange(size[axis])).reshape(along)
    image = SimpleITK.GetImageFromArray(np.broadcast_to(places, size[::-1]).copy())
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


def off(image, axis):
    """How far the voxels in the middle come from elsewhere than the header says, in input voxels."""
    index = [n // 2 for n in image.GetSize()]
    return (image.GetPixel(index) - image.TransformIndexToPhysicalPoint(index)[axis]) / spacing[axis]


for name in ("Expand", "BinShrink", "Shrink"):
    for factor in (2, 3, 4):
        made = [getattr(SimpleITK, name)(place(axis), [factor] * 3) for axis in range(3)]
        print(name, factor, [round(off(image, axis), 2) + 0.0 for axis, image in enumerate(made)])
PYTHON
"$folder/venv/bin/python" "$folder/show.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Expand 2 [0.0, 0.0, 0.0]
Expand 3 [0.0, 0.0, 0.0]
Expand 4 [0.0, 0.0, 0.0]
BinShrink 2 [0.0, 0.0, 0.0]
BinShrink 3 [0.0, 0.0, 0.0]
BinShrink 4 [0.0, 0.0, 0.0]
Shrink 2 [0.5, 0.5, 0.5]
Shrink 3 [0.5, 0.0, 0.0]
Shrink 4 [0.5, 0.5, 0.5]
SEEN
echo "as in November 2026"
