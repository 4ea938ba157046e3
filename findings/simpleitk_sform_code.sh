#!/usr/bin/env bash
# SimpleITK 2.5.7 takes the sform of a NIfTI-1 file only if its code is 1 (scanner). With a code of 2 (aligned),
# 3 (Talairach) or 4 (MNI) beside a qform with a code it takes the qform, and says nothing; nibabel 5.3.2 takes the
# sform in every case. nifti1.h allows both and prefers neither.
#
# Guess before running: a file whose sform lies 100 mm from its qform, both with a code, is read at the qform by ITK
# whatever the codes are. Found (2026-11-30): it depends on the code of the sform. The same two matrices with codes 1
# and 1, or 1 and 4, give the sform; 2, 3 or 4 and 1 give the qform. So a scan that was aligned to another one, code 2,
# lies where it was before for ITK and where it is now for nibabel, 100 mm apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "SimpleITK==2.5.7" "nibabel==5.3.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import nibabel
import numpy as np
import SimpleITK

path = f"{sys.argv[1]}/scan.nii"
qform = np.diag([1.0, 1.0, 3.0, 1.0])
sform = qform.copy()
sform[0, 3] = 100.0
for of_sform, of_qform in ((1, 1), (1, 4), (2, 1), (3, 1), (4, 1), (4, 4)):
    image = nibabel.Nifti1Image(np.zeros((8, 8, 4), np.int16), None)
    image.header.set_xyzt_units("mm")
    image.set_sform(sform, of_sform)
    image.set_qform(qform, of_qform)
    nibabel.save(image, path)
    places = (-SimpleITK.ReadImage(path).GetOrigin()[0], nibabel.load(path).affine[0, 3])
    names = ["sform" if abs(place - 100) < 1e-3 else "qform" for place in places]
    print(f"sform {of_sform}, qform {of_qform}: SimpleITK {names[0]}, nibabel {names[1]}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
sform 1, qform 1: SimpleITK sform, nibabel sform
sform 1, qform 4: SimpleITK sform, nibabel sform
sform 2, qform 1: SimpleITK qform, nibabel sform
sform 3, qform 1: SimpleITK qform, nibabel sform
sform 4, qform 1: SimpleITK qform, nibabel sform
sform 4, qform 4: SimpleITK qform, nibabel sform
SEEN
echo "as in November 2026"
