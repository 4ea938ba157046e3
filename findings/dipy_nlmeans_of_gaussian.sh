#!/usr/bin/env bash
# dipy 1.12.1: nlmeans with rician=False ("assumes Gaussian noise model") gives the root of the mean square, not the mean.
# Gaussian noise around 0 becomes 1 standard deviation, around -5 it becomes +5: no use for CT, differences, real parts.
#
# Guess before running: where the true value is constant the mean stays as it is, at 0 and at -5 too, as the mean of what
# has Gaussian noise is right. Found (2026-11-30): with a standard deviation of 1 a true 0 comes out as 0.8 (blockwise, the
# default) or 1.0 (classic), -5 as 5.0 or 5.1, 1 as 1.3 or 1.4; 20 is right. The squares of the values are averaged in both
# noise models, and nothing says that the sign is gone. scikit-image 0.26.0 keeps the mean of the same volumes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "dipy==1.12.1" "scikit-image==0.26.0" "numpy==2.3.5" "scipy==1.15.3" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
from dipy.denoise.nlmeans import nlmeans
from skimage.restoration import denoise_nl_means

noise = np.random.default_rng(0).normal(size=(28, 28, 28))
inner = (slice(8, -8),) * 3
by_dipy = {"sigma": 1.0, "rician": False, "patch_radius": 1, "block_radius": 2, "num_threads": 1}
by_skimage = {"sigma": 1.0, "h": 0.8, "patch_size": 3, "patch_distance": 2, "fast_mode": False}
for true in (-5.0, 0.0, 1.0, 20.0):
    noisy = true + noise
    print(f"true {true:g}, mean of the noisy {noisy[inner].mean():.1f}")
    print(f"  scikit-image {denoise_nl_means(noisy, **by_skimage)[inner].mean():.1f}")
    for method in ("classic", "blockwise"):
        made = nlmeans(noisy, method=method, **by_dipy)[inner]
        print(f"  dipy {method} {made.mean():.1f}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
true -5, mean of the noisy -5.0
  scikit-image -5.0
  dipy classic 5.1
  dipy blockwise 5.0
true 0, mean of the noisy -0.0
  scikit-image -0.0
  dipy classic 1.0
  dipy blockwise 0.8
true 1, mean of the noisy 1.0
  scikit-image 1.0
  dipy classic 1.4
  dipy blockwise 1.3
true 20, mean of the noisy 20.0
  scikit-image 20.0
  dipy classic 20.0
  dipy blockwise 20.0
SEEN
echo "as in November 2026"
