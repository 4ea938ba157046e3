#!/usr/bin/env bash
# dcm2niix 1.0.20260724 with `-e y` puts slope and intercept of CT of unsigned numbers of 16 bits into `oldmin` and
# `oldmax` of the NRRD header, which SimpleITK 2.5.7 and pynrrd 1.1.3 do not apply: Hounsfield units come 1024 too high.
# The same CT of signed numbers is exported in Hounsfield units.
#
# Guess before running: NRRD has no slope as NIfTI has, so the export holds Hounsfield units. Found (2026-11-30): it
# depends on how the scanner stored its numbers. The two fields are those of the format for quantised data, and with
# them the file is not wrong (-1024 and 64511 are what 0 and 65535 stand for), but neither reader undoes it or says so:
# water reads as 1024. Exported as NIfTI the same series is right in both readers.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "dcm2niix==1.0.20260724" "SimpleITK==2.5.7" "pynrrd==1.1.3" "nibabel==5.4.2" "pydicom==3.0.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/make.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

folder = Path(sys.argv[1])
folder.mkdir()
pixels = np.full((16, 16), 24, "<u2")  # air, -1000 HU
pixels[4:12, 4:12] = 1024  # water, 0 HU
for k in range(6):
    d = Dataset()
    d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, generate_uid(entropy_srcs=["old min", str(k)])
    d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
    d.Modality, d.Manufacturer, d.PatientPosition, d.KVP = "CT", "SIEMENS", "HFS", 120
    d.ImageType, d.SeriesNumber, d.InstanceNumber, d.AcquisitionNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], 1, k + 1, 1
    d.StudyDate, d.StudyTime, d.ProtocolName = "20260102", "101010", "head"
    d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-8, -8, 3 * k]
    d.PixelSpacing, d.SliceThickness, d.RescaleSlope, d.RescaleIntercept = [1, 1], 3, 1, -1024
    d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 16, 16
    d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 16, 15, int(sys.argv[2])
    d.PixelData = pixels.tobytes()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    FileDataset("", d, b"\0" * 128, meta).save_as(folder / f"{k}.dcm", enforce_file_format=True)
PYTHON
cat >"$folder/show.py" <<'SHOW'
import sys

import nibabel
import nrrd
import SimpleITK

as_nifti, as_nrrd = f"{sys.argv[1]}/n/x.nii", f"{sys.argv[1]}/y/x.nrrd"
for what, values in {
    "NIfTI, nibabel": nibabel.load(as_nifti).get_fdata(),
    "NIfTI, SimpleITK": SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(as_nifti)),
    "NRRD, SimpleITK": SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(as_nrrd)),
    "NRRD, pynrrd": nrrd.read(as_nrrd)[0],
}.items():
    print(f"{what}: air {values.min():.0f}, water {values.max():.0f}")
header = nrrd.read_header(as_nrrd)
print(header["type"], "old min", header.get("oldmin"), "old max", header.get("oldmax"))
SHOW
for signed in 0 1; do
	mkdir "$folder/$signed"
	"$folder/venv/bin/python" "$folder/make.py" "$folder/$signed/ct" $signed
	for kind in n y; do
		mkdir "$folder/$signed/$kind"
		"$folder/venv/bin/dcm2niix" -e $kind -z n -f x -o "$folder/$signed/$kind" "$folder/$signed/ct" >"$folder/log" 2>&1
		grep -i -e slope -e intercept -e rescale "$folder/log" && exit 1
	done
	"$folder/venv/bin/python" "$folder/show.py" "$folder/$signed"
done | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
NIfTI, nibabel: air -1000, water 0
NIfTI, SimpleITK: air -1000, water 0
NRRD, SimpleITK: air 24, water 1024
NRRD, pynrrd: air 24, water 1024
uint16 old min -1024.0 old max 64511.0
NIfTI, nibabel: air -1000, water 0
NIfTI, SimpleITK: air -1000, water 0
NRRD, SimpleITK: air -1000, water 0
NRRD, pynrrd: air -1000, water 0
int16 old min None old max None
SEEN
echo "as in November 2026"
