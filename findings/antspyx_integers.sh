#!/usr/bin/env bash
# antspyx 0.6.3: from_numpy takes signed integers for unsigned ones, so that fat of -100 HU becomes 4294967196, and
# denoise_image gives 0 for scans of integers: of an object of 180 nothing is left. No error and no warning in either.
#
# Guess before running: integers come back from denoise_image with their fractions cut, not as zeros (with a note of zeros
# from an earlier look), and that -100 wraps was guessed when int16 was seen to be held as "unsigned int". Found (2026-12-01):
# the kinds of image are unsigned char, unsigned int and two of floats; from_numpy puts int16, int32 and int64 into the
# second, as CT is held in DICOM and by numpy. denoise_image works and answers in the kind it is given. smooth_image goes to
# floats first and is right, and image_read makes floats of every file, so that the same scan is right from a file and wrong
# from an array.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "antspyx==0.6.3" "nibabel==5.4.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import ants
import nibabel
import numpy as np

rng = np.random.default_rng(0)
clean = np.full((40, 40, 24), 50.0)
clean[10:30, 10:30, 4:20] = 180
inside = (slice(14, 26), slice(14, 26), slice(8, 16))
noisy = np.hypot(clean + 5 * rng.standard_normal(clean.shape), 5 * rng.standard_normal(clean.shape))


def means(*images):
    return ", ".join(f"{float(one.numpy()[inside].mean()):.0f}" for one in images)


print("an object of 180: as it comes in, denoise_image, smooth_image")
for kind in ("float32", "uint16", "int16"):
    scan = ants.from_numpy(np.round(noisy).astype(kind))
    print(f"  from_numpy of {kind}: {means(scan, ants.denoise_image(scan), ants.smooth_image(scan, 1.0))}")
print("fat of -100 HU")
for kind in ("float32", "int16", "int32"):
    print(f"  from_numpy of {kind}: {means(ants.from_numpy(np.full(clean.shape, -100, kind)))}")
nibabel.save(nibabel.Nifti1Image(np.full(clean.shape, -100, np.int16), np.eye(4)), sys.argv[1])
scan = ants.image_read(sys.argv[1])
print(f"  image_read of int16: {means(scan)}; after an array of int16 is put into it: ", end="")
print(means(scan.new_image_like(scan.numpy().astype(np.int16))))
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder/scan.nii" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
an object of 180: as it comes in, denoise_image, smooth_image
  from_numpy of float32: 180, 180, 180
  from_numpy of uint16: 180, 0, 180
  from_numpy of int16: 180, 0, 180
fat of -100 HU
  from_numpy of float32: -100
  from_numpy of int16: 4294967196
  from_numpy of int32: 4294967196
  image_read of int16: -100; after an array of int16 is put into it: 4294967196
SEEN
echo "as in December 2026"
