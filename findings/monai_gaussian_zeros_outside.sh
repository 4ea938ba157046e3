#!/usr/bin/env bash
# monai 1.6.1: GaussianSmooth, GaussianSharpen and Resize with anti_aliasing take what lies outside the scan for 0: of CT that
# is -1000 HU everywhere a face comes out at -599, sharpened at -4419, a corner at -215 and -3110.
#
# Guess, an expectation that was not written down before the first run: what is the same everywhere stays so up to the edge,
# as in scipy and skimage, for the documentation of none of the three says anything of edges. (Of Resize it was guessed.)
# Found (2026-12-01): the convolution behind all three pads by zeros, and no argument of theirs changes it. Of MR with air all
# around nothing is seen. Of a scan that fills its field of view, a cropped one, CT in HU or a patch of a training set, the
# outermost voxels of all faces are wrong, as deep as the filter is wide; after normalisation to a mean of 0 the rim is a mean
# one. RandGaussianSmooth and RandGaussianSharpen are made of the same.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "monai==1.6.1" "torch==2.13.0" "numpy==2.4.6" "scipy==1.17.1" "scikit-image==0.26.0" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
import torch
from monai.transforms import GaussianSharpen, GaussianSmooth, MedianSmooth, Resize
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

air = torch.full((1, 60, 60, 60), -1000.0)
print("of -1000 everywhere: in the middle, at a face and in a corner")
for name, made in {
    "GaussianSmooth(2)": GaussianSmooth(2.0)(air),
    "GaussianSharpen()": GaussianSharpen()(air),
    "Resize to a third, anti_aliasing": Resize((20, 20, 20), mode="trilinear", anti_aliasing=True)(air),
    "Resize to a third": Resize((20, 20, 20), mode="trilinear")(air),
    "MedianSmooth(2)": MedianSmooth(2)(air),
    "scipy, gaussian_filter": gaussian_filter(air.numpy(), (0, 2, 2, 2)),
    "skimage, resize, anti_aliasing": resize(air[0].numpy(), (20, 20, 20), order=1, anti_aliasing=True)[None],
}.items():
    values = np.asarray(made)[0]
    middle = values.shape[0] // 2
    print(f"{name}: {values[middle, middle, middle]:.0f}, {values[0, middle, middle]:.0f}, {values[0, 0, 0]:.0f}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
of -1000 everywhere: in the middle, at a face and in a corner
GaussianSmooth(2): -1000, -599, -215
GaussianSharpen(): -1001, -4419, -3110
Resize to a third, anti_aliasing: -1000, -933, -813
Resize to a third: -1000, -1000, -1000
MedianSmooth(2): -1000, -1000, -1000
scipy, gaussian_filter: -1000, -1000, -1000
skimage, resize, anti_aliasing: -1000, -1000, -1000
SEEN
echo "as in December 2026"
