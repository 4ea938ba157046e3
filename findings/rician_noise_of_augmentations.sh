#!/usr/bin/env bash
# "Rician noise" of three augmentations is none: of cornucopia 0.5.1 (ChiNoiseTransform) it shrinks where there is signal, of
# batchgenerators 0.25.5 there is none in air, and its variance, as that of batchgeneratorsv2 0.3.6, is a standard deviation.
#
# Guess before running: each gives the magnitude of a complex signal with noise in both parts, as their documentation says: at
# a signal of 100 and a noise of 10 a standard deviation of 10, and where noise_variance is 100 so, too. Found (2026-12-01):
# cornucopia adds the square of a noise to the square of the signal, with no product between them, so that tissue at 100 gets
# 2.2 and air, where 6.6 is right, 10 (its scale is that of the magnitude, "per channel" by its documentation).
# batchgenerators multiplies by the sign of the scan, so that air at 0 stays 0, and a variance of 100 is a noise of 100.
# batchgeneratorsv2 takes out the bias that makes noise Rician: it stretches what comes to the mean and the spread of the scan
# before. A network that learns to take noise away from these learns another noise than a scanner's. monai 1.6.1 is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "monai==1.6.1" "batchgenerators==0.25.5" "batchgeneratorsv2==0.3.6" "cornucopia==0.5.1" \
    "torch==2.13.0" "numpy==2.4.6" "scipy==1.17.1" "scikit-image==0.26.0" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import numpy as np
import torch
from batchgenerators.augmentations.noise_augmentations import augment_rician_noise
from batchgeneratorsv2.transforms.noise.rician import RicianNoiseTransform
from cornucopia import ChiNoiseTransform
from monai.transforms import RandRicianNoise

SIGMA = 10.0


def rice(scan):
    return np.hypot(scan + SIGMA * torch.randn(scan.shape), SIGMA * torch.randn(scan.shape))


def monai(scan):
    return RandRicianNoise(prob=1, mean=0, std=SIGMA, sample_std=False).set_random_state(0)(scan)


def cornucopia(scan):
    return ChiNoiseTransform(SIGMA, nb_channels=2)(scan)


def batchgenerators(scan):
    return augment_rician_noise(scan.numpy(), noise_variance=(SIGMA**2, SIGMA**2))


def batchgenerators_sigma(scan):
    return augment_rician_noise(scan.numpy(), noise_variance=(SIGMA, SIGMA))


def batchgeneratorsv2_sigma(scan):
    return RicianNoiseTransform(noise_variance=(SIGMA, SIGMA))(image=scan)["image"]


scan = torch.zeros(1, 64, 64, 90)
scan[..., 30:60], scan[..., 60:] = 20, 100
print("Rician noise of 10: mean and standard deviation at a signal of 0, 20 and 100")
for name, noisy in {
    "definition": rice,
    "monai": monai,
    "cornucopia": cornucopia,
    "batchgenerators, a variance of 100": batchgenerators,
    "batchgenerators, a variance of 10": batchgenerators_sigma,
    "batchgeneratorsv2, a variance of 10": batchgeneratorsv2_sigma,
}.items():
    torch.manual_seed(0)
    np.random.seed(0)
    parts = np.split(np.asarray(noisy(scan.clone())), 3, axis=-1)
    print(f"{name}: {', '.join(f'{one.mean():.0f} +- {one.std():.1f}' for one in parts)}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
Rician noise of 10: mean and standard deviation at a signal of 0, 20 and 100
definition: 13 +- 6.6, 23 +- 9.1, 100 +- 10.0
monai: 13 +- 6.5, 23 +- 9.2, 101 +- 10.0
cornucopia: 19 +- 10.0, 29 +- 7.0, 102 +- 2.2
batchgenerators, a variance of 100: 0 +- 0.0, 127 +- 66.2, 155 +- 77.4
batchgenerators, a variance of 10: 0 +- 0.0, 23 +- 9.1, 101 +- 10.0
batchgeneratorsv2, a variance of 10: 5 +- 7.0, 16 +- 9.8, 99 +- 10.7
SEEN
echo "as in December 2026"
