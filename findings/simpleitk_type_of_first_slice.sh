#!/usr/bin/env bash
# SimpleITK 2.5.7 and imageio 2.38.1 give a DICOM series the number type that its first slice needs. Where the first has
# the slope 1 and others a fraction, as PET may, their values are cut to whole numbers; where the first CT slice has the
# intercept 0 and the others -1024, -923 HU come as 64613 (SimpleITK) or unscaled (imageio). No message.
#
# Guess before running: rescaling is each slice's own, and the type of the result is wide enough for all. Found
# (2026-11-30): the slopes are each slice's own, the type is not, so that SimpleITK is right or wrong by the end from
# which the files are named. One by one it reads all of them right. (Its issue 1636 saw the first kind in 2022.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "SimpleITK==2.5.7" "imageio==2.38.1" "pydicom==3.0.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys
import warnings
from pathlib import Path

import imageio.v2
import numpy as np
import SimpleITK
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, PositronEmissionTomographyImageStorage, generate_uid

warnings.simplefilter("ignore")
root = Path(sys.argv[1])


def series(modality, rescale):
    """Four slices of one stored number; the folder they are in."""
    folder = root / f"{modality}{rescale[0][0]}"
    folder.mkdir()
    for k, (slope, intercept) in enumerate(rescale):
        d = Dataset()
        d.SOPClassUID = CTImageStorage if modality == "CT" else PositronEmissionTomographyImageStorage
        d.SOPInstanceUID = generate_uid(entropy_srcs=[str(folder), str(k)])
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
        d.Modality, d.SeriesNumber, d.InstanceNumber, d.AcquisitionNumber = modality, 1, k + 1, 1
        d.ImageType, d.PatientPosition = ["ORIGINAL", "PRIMARY", "AXIAL"], "HFS"
        d.StudyDate, d.StudyTime, d.SeriesDescription = "20260102", "101010", "trial"
        d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 3 * k]
        d.PixelSpacing, d.SliceThickness, d.RescaleSlope, d.RescaleIntercept = [1, 1], 3, slope, intercept
        d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 16, 16
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
        d.PixelData = np.full((16, 16), 101, "<u2").tobytes()
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        FileDataset("", d, b"\0" * 128, meta).save_as(folder / f"{k}.dcm", enforce_file_format=True)
    return folder


def show(what, values):
    print(f"{what}:", [round(float(value), 2) + 0.0 for value in values])


for modality, rescale in {
    "PT": [(1, 0), (0.37, 0), (0.005, 0), (0.5, 0)],
    "CT": [(1, 0), (1, -1024), (1, -1024), (1, -1024)],
}.items():
    folder = series(modality, rescale)
    files = [str(folder / f"{k}.dcm") for k in range(4)]
    show(f"{modality} in truth", [101 * slope + intercept for slope, intercept in rescale])
    show("  SimpleITK, one by one", [SimpleITK.ReadImage(file)[0, 0, 0] for file in files])
    show("  SimpleITK, series", SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(files))[:, 0, 0])
    show("  SimpleITK, from the other end", SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(files[::-1]))[::-1, 0, 0])
    show("  imageio, series", np.asarray(imageio.v2.volread(folder, "DICOM"))[:, 0, 0])
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>"$folder/err" | grep -v -e "^Reading" -e "Found" | tee "$folder/seen"
grep -i -e warn -e trunc -e overflow "$folder/err" && exit 1
diff "$folder/seen" - <<'SEEN'
PT in truth: [101.0, 37.37, 0.51, 50.5]
  SimpleITK, one by one: [101.0, 37.37, 0.51, 50.5]
  SimpleITK, series: [101.0, 37.0, 0.0, 50.0]
  SimpleITK, from the other end: [101.0, 37.37, 0.51, 50.5]
  imageio, series: [101.0, 37.0, 0.0, 50.0]
CT in truth: [101.0, -923.0, -923.0, -923.0]
  SimpleITK, one by one: [101.0, -923.0, -923.0, -923.0]
  SimpleITK, series: [101.0, 64613.0, 64613.0, 64613.0]
  SimpleITK, from the other end: [101.0, -923.0, -923.0, -923.0]
  imageio, series: [101.0, 101.0, 101.0, 101.0]
SEEN
echo "as in November 2026"
