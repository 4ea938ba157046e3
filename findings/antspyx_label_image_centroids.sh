#!/usr/bin/env bash
# antspyx 0.6.3: label_image_centroids puts labels at the wrong place: x and z are exchanged, in images that are no cube
# y is wrong too, and physical=True is ignored. get_center_of_mass and label_stats of the same image are right.
#
# Guess before running: the mean index of each label, and with physical=True its place in mm in LPS. Found (2026-12-01):
# the coordinates are listed with x fastest, the voxels with z fastest (the order of numpy), so that in a cube the label
# at voxel (3.5, 10.5, 14.5) is said to be at (14.5, 10.5, 3.5), in a scan of 20 x 24 x 28 voxels at (10.5, 12.5, 4.5).
# The line that would make millimetres is commented out. Centroids feed connectomes, seeds and distances between
# regions, and the wrong ones lie within the image as well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "antspyx==0.6.3" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import ants
import numpy as np


def rounded(numbers):
    return [round(float(one), 1) for one in np.ravel(numbers)[:3]]


def show(shape):
    """One label, two voxels along each axis, around a place that all three functions are asked for."""
    labels = np.zeros(shape, np.float32)
    labels[3:5, 10:12, 14:16] = 1
    image = ants.from_numpy(labels, origin=(5.0, -7.0, 3.0), spacing=(1.0, 2.0, 3.0))
    print(shape, "label at voxel [3.5, 10.5, 14.5], in mm [8.5, 14.0, 46.5]")
    print("  label_image_centroids         ", rounded(ants.label_image_centroids(image)["vertices"]))
    print("  label_image_centroids physical", rounded(ants.label_image_centroids(image, physical=True)["vertices"]))
    print("  get_center_of_mass            ", rounded(ants.get_center_of_mass(image)))
    stats = ants.label_stats(image, image)
    print("  label_stats                   ", rounded(stats[stats["LabelValue"] == 1][["x", "y", "z"]]))


show((20, 20, 20))
show((20, 24, 28))
show((28, 24, 20))
PYTHON
"$folder/venv/bin/python" "$folder/show.py" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
(20, 20, 20) label at voxel [3.5, 10.5, 14.5], in mm [8.5, 14.0, 46.5]
  label_image_centroids          [14.5, 10.5, 3.5]
  label_image_centroids physical [14.5, 10.5, 3.5]
  get_center_of_mass             [8.5, 14.0, 46.5]
  label_stats                    [8.5, 14.0, 46.5]
(20, 24, 28) label at voxel [3.5, 10.5, 14.5], in mm [8.5, 14.0, 46.5]
  label_image_centroids          [10.5, 12.5, 4.5]
  label_image_centroids physical [10.5, 12.5, 4.5]
  get_center_of_mass             [8.5, 14.0, 46.5]
  label_stats                    [8.5, 14.0, 46.5]
(28, 24, 20) label at voxel [3.5, 10.5, 14.5], in mm [8.5, 14.0, 46.5]
  label_image_centroids          [14.5, 7.5, 2.5]
  label_image_centroids physical [14.5, 7.5, 2.5]
  get_center_of_mass             [8.5, 14.0, 46.5]
  label_stats                    [8.5, 14.0, 46.5]
SEEN
echo "as in December 2026"
