#!/usr/bin/env bash
# dcm2niix 1.0.20260724 turns the standard DiffusionGradientOrientation (0018,9089) by the name of the
# manufacturer: of SIEMENS and TOSHIBA it is that of the patient, as DICOM PS3.3 C.8.13.5.9 says, of CANON_MEC
# and GE MEDICAL SYSTEMS it is taken for the image's own axes.
#
# Guess before running: the attribute is public and its frame is defined, so the same eight slices with the same
# attributes give the same bvec whoever made the scanner; dcm2niix' own source calls (0018,9089) of Canon
# "world space". Found (2026-11-29): an oblique series with no private attribute at all, three directions along
# x, y and z of the patient: two tables, one for SIEMENS and TOSHIBA, another for CANON_MEC and GE, the axes of
# which lie 20 degrees apart, as far as the slices lean. Both exit 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "dcm2niix==1.0.20260724" "pydicom==3.0.1" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/make.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

folder, maker = Path(sys.argv[1]), sys.argv[2]
folder.mkdir()
lean = np.radians(20)
row, column = np.array([1.0, 0, 0]), np.array([0, np.cos(lean), np.sin(lean)])
normal = np.cross(row, column)
for t, g in enumerate([None, [1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]):
    for k in range(6):
        d = Dataset()
        d.SOPClassUID, d.SOPInstanceUID = MRImageStorage, generate_uid(entropy_srcs=[maker, str(t), str(k)])
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
        d.Modality, d.Manufacturer, d.PatientPosition = "MR", maker, "HFS"
        d.ImageType = ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"]
        d.SeriesNumber, d.InstanceNumber, d.AcquisitionNumber = 1, t * 6 + k + 1, t + 1
        d.StudyDate, d.StudyTime, d.ProtocolName = "20260102", "101010", "dwi"
        d.AcquisitionDate, d.AcquisitionTime = "20260102", f"1010{10 + 2 * t}"
        d.ScanningSequence, d.SequenceVariant, d.MRAcquisitionType = "EP", "NONE", "2D"
        d.RepetitionTime, d.EchoTime, d.FlipAngle = 2000, 80, 90
        d.InPlanePhaseEncodingDirection = "COL"
        d.DiffusionBValue, d.DiffusionDirectionality = (0.0, "NONE") if g is None else (1000.0, "DIRECTIONAL")
        if g is not None:
            d.DiffusionGradientOrientation = g
        d.ImageOrientationPatient = [round(float(v), 8) for v in (*row, *column)]
        d.ImagePositionPatient = [round(float(v), 8) for v in 3 * k * normal]
        d.PixelSpacing, d.SliceThickness, d.SpacingBetweenSlices = [2, 2], 3, 3
        d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 16, 16
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation = 15, 0
        d.PixelData = np.full((16, 16), 100 + 10 * t + k, "<u2").tobytes()
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        FileDataset("", d, b"\0" * 128, meta).save_as(folder / f"{t}{k}.dcm", enforce_file_format=True)
PYTHON
cat >"$folder/show.py" <<'PYTHON'
import sys

import numpy as np

print(sys.argv[2], np.loadtxt(sys.argv[1]).round(2).tolist())
PYTHON
"$folder/venv/bin/dcm2niix" --version | head -1 || true
for maker in "SIEMENS" "TOSHIBA" "CANON_MEC" "GE MEDICAL SYSTEMS"; do
	name=${maker%% *}
	"$folder/venv/bin/python" "$folder/make.py" "$folder/$name" "$maker"
	mkdir "$folder/$name.nii"
	"$folder/venv/bin/dcm2niix" -f x -o "$folder/$name.nii" "$folder/$name" >/dev/null
	"$folder/venv/bin/python" "$folder/show.py" "$folder/$name.nii/x.bvec" "$name" | tee -a "$folder/seen"
done
diff "$folder/seen" - <<'SEEN'
SIEMENS [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, -0.94, -0.34], [0.0, 0.0, -0.34, 0.94]]
TOSHIBA [[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, -0.94, -0.34], [0.0, 0.0, -0.34, 0.94]]
CANON_MEC [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
GE [[0.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]]
SEEN
echo "as in November 2026"
