#!/usr/bin/env bash
# nibabel 5.4.2: img.slicer[-10:] and img.slicer[::-1] cut or turn the voxels and give them a wrong place: the last ten
# slices of 2 mm of thirty lie 60 mm too low, and a scan turned left to right is moved by its whole width.
#
# Guess before running: slicer[-10:] is slicer[20:], and a scan turned around lies where it was, for the affine is what
# slicer is for. Found (2026-12-01): the start goes into the affine as it is written, a negative one and none (of a
# negative step) included, so that slicer[20:] and slicer[-10:] are the same voxels at places 60 mm apart. Negative stops
# are right, and so is an explicit positive start (slicer[29::-1]). Overlaid by its header a scan cropped so lies beside
# the scan that it came from. (Its issue 1533 of July 2026, open, saw this too.) SimpleITK's slices are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "nibabel==5.4.2" "SimpleITK==2.5.7" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import nibabel
import numpy as np
import SimpleITK

places = -20 + 2.0 * np.arange(30)
scan = nibabel.Nifti1Image(np.broadcast_to(places, (4, 4, 30)).copy(), np.diag([2.0, 2, 2, 1]))
scan.affine[2, 3] = -20
same = SimpleITK.GetImageFromArray(np.broadcast_to(places[:, None, None], (30, 4, 4)).copy())
same.SetSpacing((2.0, 2.0, 2.0))
same.SetOrigin((0.0, 0.0, -20.0))
for name, part in {
    "[20:]": slice(20, None),
    "[-10:]": slice(-10, None),
    "[:-5]": slice(None, -5),
    "[-10:-5]": slice(-10, -5),
    "[29::-1]": slice(29, None, -1),
    "[::-1]": slice(None, None, -1),
    "[:9:-1]": slice(None, 9, -1),
}.items():
    made = scan.slicer[:, :, part]
    held, said = made.get_fdata()[0, 0, 0], made.affine[2, 3]
    cut = same[:, :, part]
    print(f"slicer{name}: first slice of {held:.0f} mm is said to be at {said:.0f} mm; SimpleITK: {cut.GetPixel(0, 0, 0):.0f}, "
          f"{cut.TransformIndexToPhysicalPoint((0, 0, 0))[2]:.0f} mm")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
slicer[20:]: first slice of 20 mm is said to be at 20 mm; SimpleITK: 20, 20 mm
slicer[-10:]: first slice of 20 mm is said to be at -40 mm; SimpleITK: 20, 20 mm
slicer[:-5]: first slice of -20 mm is said to be at -20 mm; SimpleITK: -20, -20 mm
slicer[-10:-5]: first slice of 20 mm is said to be at -40 mm; SimpleITK: 20, 20 mm
slicer[29::-1]: first slice of 38 mm is said to be at 38 mm; SimpleITK: 38, 38 mm
slicer[::-1]: first slice of 38 mm is said to be at -20 mm; SimpleITK: 38, 38 mm
slicer[:9:-1]: first slice of 38 mm is said to be at -20 mm; SimpleITK: 38, 38 mm
SEEN
echo "as in December 2026"
