#!/usr/bin/env bash
# dcm2niix 1.0.20260724 converts a Parametric Map of integers without its real world values: an ADC map whose numbers
# count 1e-6 mm2/s comes out a million times too large, and neither the NIfTI header nor the JSON file says by how much.
#
# Guess before running: refused, or right; if not applied, the slope is at least in the JSON file. Found (2026-11-30):
# exit 0, no message, scl_slope 1, no key that holds the slope or the unit. In a Parametric Map of integers the Real World
# Value Mapping is the one place that says what the numbers mean (its rescale slope is 1). highdicom 0.28.2 reads the
# same file right; a map of floats comes out of dcm2niix as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "dcm2niix==1.0.20260724" "highdicom==0.28.2" "nibabel==5.4.2" "pydicom==3.0.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/make.py" <<'PYTHON'
import sys
from pathlib import Path

import highdicom
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

folder = Path(sys.argv[1])
folder.mkdir()
sources = []
for k in range(4):
    d = Dataset()
    d.SOPClassUID, d.SOPInstanceUID = MRImageStorage, f"2.25.1{k}"
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
    d.PatientID, d.PatientName, d.PatientBirthDate, d.PatientSex, d.AccessionNumber = "p", "", "", "", ""
    d.StudyID, d.StudyDate, d.StudyTime, d.ReferringPhysicianName = "1", "20260102", "101010", ""
    d.Modality, d.SeriesNumber, d.InstanceNumber = "MR", 1, k + 1
    d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 3 * k]
    d.PixelSpacing, d.SliceThickness, d.Rows, d.Columns = [1, 1], 3, 16, 16
    d.PositionReferenceIndicator = ""
    d.file_meta = FileMetaDataset()
    d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    sources.append(d)
mapping = highdicom.pm.RealWorldValueMapping(
    lut_label="ADC", lut_explanation="ADC", unit=codes.UCUM.SquareMillimeterPerSecond, value_range=(0, 4095),
    slope=1e-6, intercept=0.0,
)
highdicom.pm.ParametricMap(
    sources, np.full((4, 16, 16), 800, np.uint16), "2.25.20", 2, "2.25.21", 1, "Maker", "Model", "1", "1",
    contains_recognizable_visual_features=False, real_world_value_mappings=[mapping], window_center=800,
    window_width=800,
).save_as(folder / "adc.dcm")
PYTHON
cat >"$folder/show.py" <<'SHOW'
import json
import sys

import highdicom
import nibabel

print(f"highdicom: {highdicom.imread(sys.argv[1] + '/in/adc.dcm').get_volume().array.max():.4g} mm2/s")
print(f"dcm2niix: {nibabel.load(sys.argv[1] + '/x.nii').get_fdata().max():.4g}")
with open(sys.argv[1] + "/x.json") as file:
    said = json.load(file)
print("JSON:", [key for key in said if any(word in key.lower() for word in ("slope", "rwv", "real", "unit"))])
SHOW
"$folder/venv/bin/python" -W ignore "$folder/make.py" "$folder/in"
"$folder/venv/bin/dcm2niix" -z n -f x -o "$folder" "$folder/in" >"$folder/log" 2>&1
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
grep -i -e slope -e "real world" -e parametric "$folder/log" && exit 1
diff "$folder/seen" - <<'SEEN'
highdicom: 0.0008 mm2/s
dcm2niix: 800
JSON: []
SEEN
echo "as in November 2026"
