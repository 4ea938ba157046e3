#!/usr/bin/env bash
# nilearn 0.14.1: swap_img_hemispheres mirrors a scan at the middle of its field of view, not at the midline (x = 0), and
# keeps the affine. Of a field of view whose middle is at 6 mm, all comes back 12 mm beside its true mirror image.
#
# Guess before running: the mirror is at x = 0 of the affine, wherever the field of view ends, as the affine is what says
# where left and right are. Found (2026-11-30): each voxel holds its own x in mm, so that after a mirror at the midline a
# voxel at x holds -x. It does where the field of view is as wide to the left as to the right, as in MNI templates. With 21
# voxels of 2 mm from -14 to 26 mm it holds 12 - x: what lies at 20 comes to -8, and all between 0 and 12 stays on its
# side. Its documentation names "synchronizing ROIs across hemispheres" as the use, and says that the affine needs no change.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "nilearn==0.14.1" "nibabel==5.4.2" "numpy==2.3.5" "scipy==1.15.3" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import nibabel
import numpy as np
from nilearn.image import swap_img_hemispheres


def show(name, first, step=2.0):
    """Swap an image that holds its x in mm, 21 voxels from `first` on, and say what lies where."""
    affine = np.diag([step, 2.0, 2.0, 1.0])
    affine[0, 3] = first
    x = first + step * np.arange(21.0)
    image = nibabel.Nifti1Image(np.broadcast_to(x[:, None, None], (21, 5, 5)).copy(), affine)
    swapped = swap_img_hemispheres(image)
    places = nibabel.affines.apply_affine(swapped.affine, [[i, 2, 2] for i in range(21)])[:, 0]
    held = swapped.get_fdata()[:, 2, 2]
    at = {int(place): int(one) for place, one in zip(places, held)}
    print(name, {place: at[place] for place in (-10, 0, 10)}, "mirror at", float(np.unique(places + held)[0]) / 2)


show("from -20 to 20 mm:", -20.0)
show("from -14 to 26 mm:", -14.0)
show("the same, right to left:", 26.0, -2.0)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
from -20 to 20 mm: {-10: 10, 0: 0, 10: -10} mirror at 0.0
from -14 to 26 mm: {-10: 22, 0: 12, 10: 2} mirror at 6.0
the same, right to left: {-10: 22, 0: 12, 10: 2} mirror at 6.0
SEEN
echo "as in November 2026"
