#!/usr/bin/env bash
# ome-zarr 0.18.0: write_image takes coordinate_transformations and does not write them: voxels of 3, 2 and 1 mm at 9, 7, -5 mm
# are stored with a scale of 1 at 0, 0, 0.
#
# Guess before running: what is given is stored, as the argument is called deprecated, not gone, and the sister functions
# say that "it takes precedence over scale". Found (2026-11-30): write_multiscale and write_multiscale_labels store
# it, write_image and write_labels do not, with a scale for each level made of ones in its place. The warning, of the
# kind that Python does not show if a library makes the call, speaks of a future version. zarrnii 0.21.6, which converts NIfTI to
# OME-Zarr and back through write_image, so returns a scan of 1, 2 and 3 mm as one of 0.001 mm.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "ome-zarr==0.18.0" "zarr==3.1.6" "numpy==2.4.6" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys

import numpy as np
import zarr
from ome_zarr import writer

voxels = np.zeros((8, 8, 8), np.uint16)
grid = [{"type": "scale", "scale": [3.0, 2.0, 1.0]}, {"type": "translation", "translation": [9.0, 7.0, -5.0]}]
how = {"axes": "zyx", "coordinate_transformations": [grid]}


def stored(group):
    """Scale and translation of the first level of an image."""
    one = group.attrs["ome"]["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    return " ".join(f"{step['type']} {step[step['type']]}" for step in one)


for name, data in (("write_multiscale", [voxels]), ("write_image", voxels)):
    group = zarr.open_group(f"{sys.argv[1]}/{name}", mode="w")
    more = {} if name == "write_multiscale" else {"scale_factors": []}
    getattr(writer, name)(data, group, **how, **more)
    print(f"{name}: {stored(group)}")
for name, data in (("write_multiscale_labels", [voxels]), ("write_labels", voxels)):
    group = zarr.open_group(f"{sys.argv[1]}/{name}", mode="w")
    more = {} if name == "write_multiscale_labels" else {"scale_factors": []}
    getattr(writer, name)(data, group, name="brain", **how, **more)
    print(f"{name}: {stored(group['labels/brain'])}")
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
write_multiscale: scale [3.0, 2.0, 1.0] translation [9.0, 7.0, -5.0]
write_image: scale [1.0, 1.0, 1.0] translation [0.0, 0.0, 0.0]
write_multiscale_labels: scale [3.0, 2.0, 1.0] translation [9.0, 7.0, -5.0]
write_labels: scale [1.0, 1.0, 1.0] translation [0.0, 0.0, 0.0]
SEEN
echo "as in November 2026"
