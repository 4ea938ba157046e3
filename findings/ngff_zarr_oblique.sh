#!/usr/bin/env bash
# ngff-zarr 0.50.0 turns an oblique scan straight on its way to OME-Zarr, without a word, and puts the same scan at two
# places: read by itk, x and y of its translation are those of LPS, read by nibabel those of RAS, under the same labels.
#
# Guess before running: the directions are kept, or their loss is a warning. Found (2026-11-30): of a scan that is turned
# by 20 degrees the orientation is named by the nearest axes and the rest is gone, also on the way back to itk: the far
# corner lies 27 mm from where it was. Both ways call x left-to-right and y posterior-to-anterior; the translation of one
# is -10, -20, of the other 10, 20.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "ngff-zarr==0.50.0" "itk-io==5.4.7" "nibabel==5.4.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys
import warnings

import itk
import nibabel
import ngff_zarr
import numpy as np

path = f"{sys.argv[1]}/scan.nii"
lean = np.radians(20)
affine = np.eye(4)
affine[1:3, 1:3] = [[np.cos(lean), -np.sin(lean)], [np.sin(lean), np.cos(lean)]]
affine[:3, 3] = 10, 20, 30
scan = nibabel.Nifti1Image(np.ones((32, 48, 64), np.float32), affine)
scan.set_sform(affine, 1)
scan.set_qform(affine, 1)
scan.header.set_xyzt_units("mm")
nibabel.save(scan, path)
read = itk.imread(path)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    by_itk = ngff_zarr.itk_image_to_ngff_image(read)
    by_nibabel = ngff_zarr.nibabel_image_to_ngff_image(nibabel.load(path))
    ngff_zarr.to_ngff_zarr(f"{sys.argv[1]}/scan.zarr", ngff_zarr.to_multiscales(by_itk, scale_factors=[]), version="0.5")
    stored = ngff_zarr.from_ngff_zarr(f"{sys.argv[1]}/scan.zarr").images[0]
    back = ngff_zarr.ngff_image_to_itk_image(stored, wasm=False)
words = ("direction", "orient", "rotat", "oblique")
print("warnings:", [str(one.message) for one in caught if any(word in str(one.message).lower() for word in words)])
for name, image in {"itk": by_itk, "nibabel": by_nibabel}.items():
    labels = [getattr(image.axes_orientations[axis], "value", image.axes_orientations[axis]) for axis in "xyz"]
    print(f"by {name}:", [round(image.translation[axis]) for axis in "xyz"], [getattr(one, "value", one) for one in labels])
corner = [31, 47, 63]
places = [np.array(image.TransformIndexToPhysicalPoint(corner)) for image in (read, back)]
print(f"far corner, there and back: {np.linalg.norm(places[0] - places[1]):.1f} mm off")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
warnings: []
by itk: [-10, -20, 30] ['left-to-right', 'posterior-to-anterior', 'inferior-to-superior']
by nibabel: [10, 20, 30] ['left-to-right', 'posterior-to-anterior', 'inferior-to-superior']
far corner, there and back: 27.3 mm off
SEEN
echo "as in November 2026"
