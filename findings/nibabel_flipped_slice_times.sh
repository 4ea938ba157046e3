#!/usr/bin/env bash
# nibabel 5.4.2 turns the slices of a time series around (as_closest_canonical, slicer) and leaves their times: the slice
# that was acquired first has the time of the last. Of every second volume it keeps the repetition time of all.
#
# Guess before running: as_closest_canonical and slicer, which both know the header of NIfTI (they move dim_info and the
# affine), turn or clear slice_code, slice_start and slice_end, and a step in time doubles pixdim[4]. Found (2026-11-30):
# slice_code stays "sequential increasing" with the slices now in decreasing order, get_slice_times() answers with six
# times for four slices, and series[..., ::2] still says 2.4 s. A slice-timing correction from such a header shifts each
# slice the wrong way, by up to a repetition time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "nibabel==5.4.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import nibabel
import numpy as np

acquired = 0.4 * np.arange(6)  # s after the first slice, held by the voxels too: slice k is acquired at 0.4 k
series = nibabel.Nifti1Image(np.broadcast_to(acquired[:, None], (4, 4, 6, 10)).copy(), np.diag([2, 2, -2, 1]))
series.header.set_dim_info(freq=0, phase=1, slice=2)
series.header.set_xyzt_units("mm", "sec")
series.header.set_zooms((2, 2, 2, 2.4))
series.header.set_slice_duration(0.4)
series.header.set_slice_times(acquired)


def show(name, image):
    true = image.get_fdata()[0, 0, :, 0].round(1).tolist()
    stated = [round(float(time), 1) for time in image.header.get_slice_times()]
    print(f"{name}: acquired {true}, header {stated}, repetition {image.header.get_zooms()[3]:.1f} s")


show("as made", series)
show("as_closest_canonical", nibabel.as_closest_canonical(series))
show("slicer[:, :, ::-1]", series.slicer[:, :, ::-1])
show("slicer[:, :, 2:]", series.slicer[:, :, 2:])
show("slicer[..., ::2]", series.slicer[..., ::2])
PYTHON
"$folder/venv/bin/python" "$folder/show.py" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
as made: acquired [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], header [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], repetition 2.4 s
as_closest_canonical: acquired [2.0, 1.6, 1.2, 0.8, 0.4, 0.0], header [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], repetition 2.4 s
slicer[:, :, ::-1]: acquired [2.0, 1.6, 1.2, 0.8, 0.4, 0.0], header [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], repetition 2.4 s
slicer[:, :, 2:]: acquired [0.8, 1.2, 1.6, 2.0], header [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], repetition 2.4 s
slicer[..., ::2]: acquired [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], header [0.0, 0.4, 0.8, 1.2, 1.6, 2.0], repetition 2.4 s
SEEN
echo "as in November 2026"
