#!/usr/bin/env bash
# Four augmentations that simulate low resolution move the anatomy: torchio 1.2.1 (RandomAnisotropy), batchgenerators 0.25.5
# and batchgeneratorsv2 0.3.6 (those of nnU-Net) by half a voxel at factors of 2 and 4, monai 1.6.1
# (RandSimulateLowResolution) at all.
#
# Guess before running: all keep the anatomy in place, as they resample down to a grid and back from it. Found (2026-12-01):
# on the way down each keeps the nearest voxel, not a mean. Where the factor is even two are equally near, and all of the scan
# follows the same one; factors of 3 and 5 have a voxel in the middle. MONAI's documentation says that its transform
# corresponds to that of nnU-Net; it takes the first voxel of each block, 1.5 voxels off at 4, and 0.6 on average over the
# range that it comes with, always to the same side, so that a network learns labels (or, of a pair, a fine scan) that lie
# beside the image. cornucopia 0.5.1, which blurs and resamples, keeps it in place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "torchio==1.2.1" "monai==1.6.1" "batchgenerators==0.25.5" "batchgeneratorsv2==0.3.6" \
    "cornucopia==0.5.1" "torch==2.13.0" "numpy==2.4.6" "scipy==1.17.1" "scikit-image==0.26.0" "SimpleITK==2.5.7" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import warnings

import numpy as np
import torch
import torchio
from batchgenerators.augmentations.resample_augmentations import augment_linear_downsampling_scipy
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from cornucopia import LowResTransform
from monai.transforms import RandSimulateLowResolution

warnings.simplefilter("ignore")
place = np.stack(np.meshgrid(*[np.arange(60.0)] * 3, indexing="ij")).astype(np.float32)


def torchio_anisotropy(scan, factor):
    augmentation = torchio.RandomAnisotropy(axes=(0,), downsampling=(factor, factor))
    return augmentation(torchio.ScalarImage(tensor=scan, affine=np.eye(4))).data


def monai(scan, factor):
    return RandSimulateLowResolution(prob=1, zoom_range=(1 / factor, 1 / factor))(scan)


def batchgenerators(scan, factor):
    return augment_linear_downsampling_scipy(scan.numpy(), zoom_range=(1 / factor,) * 2, order_downsample=0, order_upsample=1)


def batchgeneratorsv2(scan, factor):
    return SimulateLowResolutionTransform((1 / factor,) * 2, True, True, ())(image=scan)["image"]


def cornucopia(scan, factor):
    return LowResTransform(factor, noise=False)(scan)


def shift(augment, factor):
    """How far all is moved along the first axis, in voxels, in the middle of a scan whose voxels hold their own place."""
    moved = np.asarray(augment(torch.tensor(place), factor))[0] - place[0]
    return abs(float(moved[15:-15, 15:-15, 15:-15].mean()))


print("off by so many voxels, factors of 2, 3, 4 and 5; mean of 50 factors drawn between 1 and 2")
for augment in (torchio_anisotropy, monai, batchgenerators, batchgeneratorsv2, cornucopia):
    drawn = [1 / one for one in np.random.default_rng(0).uniform(0.5, 1, 50)]
    mean = np.mean([shift(augment, one) for one in drawn])
    print(f"{augment.__name__}: {', '.join(f'{shift(augment, one):.1f}' for one in (2, 3, 4, 5))}; {mean:.1f}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
off by so many voxels, factors of 2, 3, 4 and 5; mean of 50 factors drawn between 1 and 2
torchio_anisotropy: 0.5, 0.0, 0.5, 0.0; 0.0
monai: 0.5, 1.0, 1.5, 2.0; 0.6
batchgenerators: 0.5, 0.0, 0.5, 0.0; 0.0
batchgeneratorsv2: 0.5, 0.0, 0.5, 0.0; 0.0
cornucopia: 0.0, 0.0, 0.0, 0.0; 0.0
SEEN
echo "as in December 2026"
