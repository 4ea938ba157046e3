#!/usr/bin/env bash
# dipy 1.12.1: estimate_sigma, by which its non-local means are set, takes the edges of the anatomy for noise: of a head
# with an SNR of 20 in air, it gives 2.7 times the standard deviation of the noise.
#
# Guess before running: within a tenth, in air, in tissue and in a head, with N=1, the number for one coil; for it is said
# to be "the same as manually taking the standard deviation of the background". Found (2026-11-30): right in air alone. In
# tissue alone it is half as large again (N=1 divides by the spread of air everywhere; N=0 is right there). Of a head in
# air it is 1.3 times too large if the edge is blurred by a voxel, 2.7 times if it is sharp: the difference of each voxel
# from its six neighbours is squared and averaged over all voxels, so a few edges outweigh the rest. Of a head whose air the
# scanner set to 0 the default counts the zeros, and disable_background_masking=True leaves them out, where its
# documentation says "if True, uses all voxels, otherwise, only non-zeros".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "dipy==1.12.1" "numpy==2.3.5" "scipy==1.15.3" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
from dipy.denoise.noise_estimate import estimate_sigma
from scipy.ndimage import gaussian_filter

size, draw = 48, np.random.default_rng(0)
middle = np.stack(np.meshgrid(*[np.arange(size) - 23.5] * 3, indexing="ij"))
inside = np.sum(middle**2, 0) < 20**2


def show(name, true, **how):
    noise = draw.normal(size=true.shape) + 1j * draw.normal(size=true.shape)
    scan = np.abs(true + noise) * how.pop("where", True)
    found = [f"N={N} {float(estimate_sigma(scan, N=N, **how)[0]):.1f}" for N in (1, 0)]
    print(f"{name}: {found[0]}, {found[1]}")


head = 20.0 * inside
show("air alone", 0.0 * head)
show("tissue alone", 0.0 * head + 20)
show("head in air", head)
show("head in air, its edge blurred by 1 voxel", gaussian_filter(head, 1))
show("head, air set to 0", head, where=inside)
show("the same, disable_background_masking", head, where=inside, disable_background_masking=True)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
air alone: N=1 1.0, N=0 0.6
tissue alone: N=1 1.5, N=0 1.0
head in air: N=1 2.7, N=0 1.8
head in air, its edge blurred by 1 voxel: N=1 1.3, N=0 0.8
head, air set to 0: N=1 2.7, N=0 1.8
the same, disable_background_masking: N=1 3.7, N=0 2.4
SEEN
echo "as in November 2026"
