#!/usr/bin/env bash
# SimpleITK 2.5.7: Derivative of order 2 divides by the voxel size once where it should twice, so that a second
# derivative is right with voxels of 1 mm alone: twice too large with 2 mm, half of it with 0.5 mm.
#
# Guess before running: right at every voxel size, as the first derivative is, for useImageSpacing is on (with a faint
# memory of a single division in the source). Found (2026-12-01): of x^2 + 3 y^2 + 5 z^2 with voxels of 2, 0.5 and 3 mm
# the second derivatives come as 4, 3 and 30, where they are 2, 6 and 10; the third of x^3 + y^3 + z^3 is wrong by the
# voxel size squared. Each axis of an anisotropic scan is wrong by another factor, so that a sum of three (a Laplacian,
# a Hessian built from it) changes its shape, not only its size. Laplacian and LaplacianRecursiveGaussian of the same
# image give the right 18.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "SimpleITK==2.5.7" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
import SimpleITK

size, spacing, middle = (30, 60, 20), (2.0, 0.5, 3.0), (15, 30, 10)


def image(function):
    """An image that holds this function of x, y and z in mm."""
    z, y, x = np.meshgrid(*[one * np.arange(n) for one, n in zip(spacing[::-1], size[::-1])], indexing="ij")
    made = SimpleITK.GetImageFromArray(function(x, y, z))
    made.SetSpacing(spacing)
    return made


def derivatives(made, order):
    return [round(SimpleITK.Derivative(made, axis, order).GetPixel(middle), 3) for axis in range(3)]


squares = image(lambda x, y, z: x**2 + 3 * y**2 + 5 * z**2)
place = [one * index for one, index in zip(spacing, middle)]
print("first: ", derivatives(squares, 1), "true", [factor * one for factor, one in zip((2, 6, 10), place)])
print("second:", derivatives(squares, 2), "true [2, 6, 10]")
print("sum of the second ones:", sum(derivatives(squares, 2)), "true 18")
print("Laplacian:", round(SimpleITK.Laplacian(squares).GetPixel(middle), 3))
print("LaplacianRecursiveGaussian:", round(SimpleITK.LaplacianRecursiveGaussian(squares, 1.0).GetPixel(middle), 3))
print("third: ", derivatives(image(lambda x, y, z: x**3 + y**3 + z**3), 3), "true [6, 6, 6]")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
first:  [60.0, 90.0, 300.0] true [60.0, 90.0, 300.0]
second: [4.0, 3.0, 30.0] true [2, 6, 10]
sum of the second ones: 37.0 true 18
Laplacian: 18.0
LaplacianRecursiveGaussian: 18.0
third:  [24.0, 1.5, 54.0] true [6, 6, 6]
SEEN
echo "as in December 2026"
