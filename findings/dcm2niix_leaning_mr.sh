#!/usr/bin/env bash
# dcm2niix 1.0.20260724 gives MR slices that lean (each shifted along the rows of the last) an affine with right angles
# and no word of it. Of the same slices as CT it warns.
#
# Guess before running: as of CT, a warning of the tilt. Found (2026-11-30): eight slices 3 mm apart, each 0.6 mm
# further along y, exit 0. As MR the slice axis is at right angles to the plane and 3.06 mm long, so that the last
# slice lies 4.2 mm from its ImagePositionPatient, and no message speaks of it. As CT the affine is as wrong, with
# "Note these images have gantry tilt of -11.3099 degrees". GantryDetectorTilt is in neither.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "dcm2niix==1.0.20260724" "pydicom==3.0.1" "nibabel==5.3.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/make.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

folder, modality = Path(sys.argv[1]), sys.argv[2]
folder.mkdir()
for k in range(8):
    d = Dataset()
    d.SOPClassUID = MRImageStorage if modality == "MR" else CTImageStorage
    d.SOPInstanceUID = generate_uid(entropy_srcs=[modality, str(k)])
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
    d.Modality, d.Manufacturer, d.PatientPosition = modality, "Maker", "HFS"
    d.ImageType = ["ORIGINAL", "PRIMARY", "M" if modality == "MR" else "AXIAL"]
    d.SeriesNumber, d.InstanceNumber, d.AcquisitionNumber = 1, k + 1, 1
    d.StudyDate, d.StudyTime, d.ProtocolName = "20260102", "101010", "lean"
    if modality == "MR":
        d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType = "SE", "NONE", "2D"
        d.RepetitionTime, d.EchoTime, d.FlipAngle = 2000, 80, 90
    else:
        d.RescaleSlope, d.RescaleIntercept = 1, 0
    d.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    d.ImagePositionPatient = [-30, round(-20 + 0.6 * k, 3), 3 * k]
    d.PixelSpacing, d.SliceThickness, d.SpacingBetweenSlices = [1, 1], 3, 3
    d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 16, 16
    d.BitsAllocated = d.BitsStored = 16
    d.HighBit, d.PixelRepresentation = 15, 0
    d.PixelData = np.full((16, 16), 100 + k, "<u2").tobytes()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    FileDataset("", d, b"\0" * 128, meta).save_as(folder / f"{k}.dcm", enforce_file_format=True)
PYTHON
cat >"$folder/show.py" <<'PYTHON'
import sys
from pathlib import Path

import nibabel
import numpy as np

out, modality = Path(sys.argv[1]), sys.argv[2]
images = [nibabel.load(path) for path in sorted(out.glob("*.nii"))]
axis = images[0].affine[:3, 2]
moved = images[0].affine[:3, 2] * 7  # the last slice, from the first
apart = np.linalg.norm(np.abs(moved) - np.abs([0, 0.6 * 7, 3 * 7]))
said = "warned" if "tilt" in (out / "log").read_text().lower() else "silent"
print(modality, len(images), "image(s), slice axis", (np.abs(axis) + 0).round(2).tolist(),
      f"last slice {apart:.1f} mm off in the first,", said)
PYTHON
for modality in MR CT; do
	"$folder/venv/bin/python" "$folder/make.py" "$folder/$modality" "$modality"
	mkdir "$folder/$modality.nii"
	"$folder/venv/bin/dcm2niix" -z n -f x -o "$folder/$modality.nii" "$folder/$modality" >"$folder/log" 2>&1
	grep -v "$folder" "$folder/log" >"$folder/$modality.nii/log"
	"$folder/venv/bin/python" "$folder/show.py" "$folder/$modality.nii" "$modality" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'SEEN'
MR 1 image(s), slice axis [0.0, 0.0, 3.06] last slice 4.2 mm off in the first, silent
CT 1 image(s), slice axis [0.0, 0.0, 3.0] last slice 4.2 mm off in the first, warned
SEEN
echo "as in November 2026"
