#!/usr/bin/env bash
# SimpleITK 2.5.7: DisplacementFieldJacobianDeterminant leaves out the direction of the image. A field that makes all larger by a
# third (10 % along each axis) is a loss of 11 % in an image with the axes of most NIfTI files, RAS+.
#
# Guess before running: 1.331 in every orientation, as displacements are in mm of the world. Found (2026-11-30): so it is
# with the identity alone. It differentiates them along the axes of the grid and adds the identity, which only fits if
# the two frames are one: 0.891 in RAS+, 1.001 (no change) with the axes permuted, 1.318 when turned by 20 degrees in the
# plane. A field that shrinks all to 0.512 is said to make it grow, to 1.152. antspyx 0.6.3 gives the same number for the same
# field in all of them. (ITK's issue 5358 of 2025; fixed on its main branch, not in the ITK of this SimpleITK.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "SimpleITK==2.5.7" "antspyx==0.6.3" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import ants
import numpy as np
import SimpleITK

folder, size, spacing, origin = sys.argv[1], 12, np.array([1.0, 2.0, 3.0]), np.array([5.0, -7.0, 3.0])
cosine, sine = np.cos(np.radians(20)), np.sin(np.radians(20))
directions = {
    "identity": np.eye(3),
    "RAS+": np.diag([-1.0, -1.0, 1.0]),
    "permuted": np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]),
    "turned": np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]),
}


def field(direction, share):
    """Displacements by this share of the place, in mm: all grows by (1 + share)^3."""
    index = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), -1)
    places = (index * spacing) @ direction.T + origin
    moved = np.ascontiguousarray((share * places).transpose(2, 1, 0, 3))
    image = SimpleITK.GetImageFromArray(moved, isVector=True)
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(origin.tolist())
    image.SetDirection(direction.ravel().tolist())
    return image


for share in (0.1, -0.2):
    print(f"true {(1 + share) ** 3:.3f}")
    for name, direction in directions.items():
        moved = field(direction, share)
        by_itk = SimpleITK.DisplacementFieldJacobianDeterminant(moved).GetPixel(6, 6, 6)
        SimpleITK.WriteImage(SimpleITK.Cast(moved, SimpleITK.sitkVectorFloat32), f"{folder}/warp.nii.gz")
        one = ants.image_read(f"{folder}/warp.nii.gz").split_channels()[0]
        by_ants = ants.create_jacobian_determinant_image(one, f"{folder}/warp.nii.gz").numpy()[6, 6, 6]
        print(f"  {name}: SimpleITK {by_itk:.3f}, ANTs {by_ants:.3f}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
true 1.331
  identity: SimpleITK 1.331, ANTs 1.331
  RAS+: SimpleITK 0.891, ANTs 1.331
  permuted: SimpleITK 1.001, ANTs 1.331
  turned: SimpleITK 1.318, ANTs 1.331
true 0.512
  identity: SimpleITK 0.512, ANTs 0.512
  RAS+: SimpleITK 1.152, ANTs 0.512
  permuted: SimpleITK 0.992, ANTs 0.512
  turned: SimpleITK 0.531, ANTs 0.512
SEEN
echo "as in November 2026"
