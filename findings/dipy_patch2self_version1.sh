#!/usr/bin/env bash
# dipy 1.12.1: patch2self with version=1, the one that takes a patch_radius, loses the signal of diffusion MRI held as
# floats: a b=0 signal of 550 comes back as 3, values from -193 to 196. Of the same scan as integers it is right.
#
# Guess before running: the mean of every volume stays within 1 %, whatever number type holds it. Found (2026-12-01): so
# it is of integers, and with version=3 of all. Version 1 fits each volume by scikit-learn with copy_X=False, which takes
# the mean off its input in place if that holds floats (integers are copied first), and predicts from what is left, so
# that the answer lacks the mean of the scan; with copy_X=True it is right. No error and no warning. nibabel's
# get_fdata() gives floats, and so does every step before, as MP-PCA or Gibbs removal of floats.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "dipy==1.12.1" "scikit-learn==1.8.0" "numpy==2.3.5" "scipy==1.15.3" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
from dipy.denoise.patch2self import patch2self

random = np.random.default_rng(0)
bvals = np.array([0.0] * 4 + [1000.0] * 20)
unweighted, diffusivity = np.full((16, 16, 16), 400.0), np.full((16, 16, 16), 0.7e-3)
unweighted[8:], diffusivity[8:] = 700.0, 1.1e-3  # two tissues
clean = unweighted[..., None] * np.exp(-bvals * diffusivity[..., None])
scan = clean + random.normal(0, 20, clean.shape)  # an SNR of 20 to 35
print(f"true: b=0 {clean[..., :4].mean():.0f}, b=1000 {clean[..., 4:].mean():.0f}")
for version in (1, 3):
    for kind in ("int16", "float32", "float64"):
        held = np.round(scan).astype(kind)
        made = np.asarray(patch2self(held, bvals, version=version, verbose=False), dtype=float)
        print(f"version {version}, {kind}: b=0 {made[..., :4].mean():.0f}, b=1000 {made[..., 4:].mean():.0f}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
true: b=0 550, b=1000 216
version 1, int16: b=0 549, b=1000 215
version 1, float32: b=0 3, b=1000 14
version 1, float64: b=0 3, b=1000 14
version 3, int16: b=0 549, b=1000 215
version 3, float32: b=0 550, b=1000 216
version 3, float64: b=0 550, b=1000 216
SEEN
echo "as in December 2026"
