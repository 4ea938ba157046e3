#!/usr/bin/env bash
# pyvista 0.49.1 (vtk 9.7.2) reads a NIfTI file without its scl_slope and without its place: stored integers, origin 0,
# axes along x, y and z. The same scan as MetaImage is read with its values, its origin and its directions.
#
# Guess before running: slope applied, origin and direction those of the sform, as an ImageData has a direction matrix
# and the MetaImage reader fills it. Found (2026-11-30): of an oblique scan with values up to 2, at 10, 20, 30 mm, the
# values go up to 32767, the origin is 0 0 0 and the axes are straight, and no message says so. A mesh that lies on the
# scan in any other viewer floats beside it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "pyvista==0.49.1" "vtk==9.7.2" "SimpleITK==2.5.7" "nibabel==5.4.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import nibabel
import numpy as np
import pyvista
import SimpleITK

lean = np.radians(20)
turned = np.array([[1, 0, 0], [0, np.cos(lean), -np.sin(lean)], [0, np.sin(lean), np.cos(lean)]])
affine = np.eye(4)
affine[:3, :3] = turned * (1, 2, 3)
affine[:3, 3] = 10, 20, 30
values = np.linspace(0, 2, 20 * 24 * 16).reshape(20, 24, 16)
image = nibabel.Nifti1Image(values, affine)
image.set_data_dtype(np.int16)
image.header.set_xyzt_units("mm")
image.set_sform(affine, 1)
image.set_qform(affine, 1)
nifti, meta = f"{sys.argv[1]}/scan.nii", f"{sys.argv[1]}/scan.mha"
nibabel.save(image, nifti)
SimpleITK.WriteImage(SimpleITK.ReadImage(nifti), meta)
print("nibabel: up to", round(nibabel.load(nifti).get_fdata().max(), 2))
for path in (nifti, meta):
    read = pyvista.read(path)
    largest = np.asarray(read.active_scalars).max()
    print(
        f"pyvista {path[-4:].strip('.')}: up to {largest:.5g}, origin {[round(x, 2) + 0.0 for x in read.origin]},",
        f"second axis {[round(float(x), 2) + 0.0 for x in read.direction_matrix[:, 1]]}",
    )
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>"$folder/err" | tee "$folder/seen"
grep -i -e slope -e origin -e orient -e qform "$folder/err" && exit 1
diff "$folder/seen" - <<'SEEN'
nibabel: up to 2.0
pyvista nii: up to 32767, origin [0.0, 0.0, 0.0], second axis [0.0, 1.0, 0.0]
pyvista mha: up to 2, origin [-10.0, -20.0, 30.0], second axis [0.0, -0.94, 0.34]
SEEN
echo "as in November 2026"
