#!/usr/bin/env bash
# SimpleITK 2.5.7: ApproximateSignedDistanceMap counts voxels, not millimetres, and looks at the spacing nowhere: of a ball in
# voxels of 0.5 x 0.5 x 3 mm a place 12 mm away is said to be 22.5 away within the slice and 5.2 across the slices.
#
# Guess before running: of anisotropic voxels, too, it approximates millimetres, as its documentation sets it beside the other
# distance maps with no word of a unit. Found (2026-12-01): right with voxels of 1 mm alone; with 2 mm all distances are half,
# with 0.5 x 0.5 x 3 mm each direction is wrong by a factor of its own, so that a margin of 10 around a tumour is 5 mm wide
# within the slices and 28 mm across them. No argument changes that. SignedMaurerDistanceMap has useImageSpacing, which is on
# in the table; it counts from the centre of the last voxel within, up to a voxel more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "SimpleITK==2.5.7" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
import SimpleITK

RADIUS = 15.0


def ball(spacing):
    """A ball around 0 in a field of view of about 9 cm, a voxel in its centre, and the distance of every voxel from 0."""
    half = [int(45 / one) for one in spacing]
    size, origin = [2 * one + 1 for one in half], [-one * step for one, step in zip(half, spacing)]
    places = SimpleITK.PhysicalPointSource(SimpleITK.sitkVectorFloat64, size, origin, spacing, np.eye(3).ravel().tolist())
    apart = np.linalg.norm(SimpleITK.GetArrayFromImage(places), axis=-1)
    image = SimpleITK.GetImageFromArray((apart < RADIUS).astype(np.uint8))
    image.CopyInformation(places)
    return image


def at(distances, x, z):
    return float(distances.GetPixel(distances.TransformPhysicalPointToIndex((x, 0.0, z))))


for spacing in ((1.0, 1.0, 1.0), (2.0, 2.0, 2.0), (0.5, 0.5, 3.0)):
    image = ball(spacing)
    print(f"{spacing} mm: 12 mm away within the slice, across the slices; a margin of 10, measured along both")
    for name, distances in {
        "ApproximateSignedDistanceMap": SimpleITK.ApproximateSignedDistanceMap(image, 1.0, 0.0),
        "SignedMaurerDistanceMap": SimpleITK.SignedMaurerDistanceMap(image, False, False, True),
    }.items():
        grown = SimpleITK.GetArrayFromImage(distances) < 10
        middle = [one // 2 for one in grown.shape]
        along = grown[middle[0], middle[1]].sum() * spacing[0], grown[:, middle[1], middle[2]].sum() * spacing[2]
        wide = [(one / 2 - RADIUS) for one in along]
        print(f"  {name}: {at(distances, 27.0, 0.0):.1f}, {at(distances, 0.0, 27.0):.1f}; {wide[0]:.0f}, {wide[1]:.0f} mm")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
(1.0, 1.0, 1.0) mm: 12 mm away within the slice, across the slices; a margin of 10, measured along both
  ApproximateSignedDistanceMap: 11.5, 11.5; 10, 10 mm
  SignedMaurerDistanceMap: 13.0, 13.0; 8, 8 mm
(2.0, 2.0, 2.0) mm: 12 mm away within the slice, across the slices; a margin of 10, measured along both
  ApproximateSignedDistanceMap: 5.6, 6.6; 22, 20 mm
  SignedMaurerDistanceMap: 14.0, 14.0; 8, 8 mm
(0.5, 0.5, 3.0) mm: 12 mm away within the slice, across the slices; a margin of 10, measured along both
  ApproximateSignedDistanceMap: 22.5, 5.2; 5, 28 mm
  SignedMaurerDistanceMap: 12.5, 15.0; 9, 8 mm
SEEN
echo "as in December 2026"
