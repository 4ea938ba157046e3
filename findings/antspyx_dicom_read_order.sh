#!/usr/bin/env bash
# antspyx 0.6.3: ants.dicom_read stacks the slices of a series in the order in which the folder lists its files, and
# takes the origin of the first that is listed. Neither ImagePositionPatient nor InstanceNumber is looked at.
#
# Guess before running: origin, spacing, direction and voxels as SimpleITK gives them. Found (2026-11-30): of four slices
# named 0.dcm to 3.dcm the third and the fourth came first, with the origin of the third, and no message. Which order
# comes depends on the disk; so the same eight slices are read here from two folders, one named along the axis and one
# against it. Both hold one volume, and a reader that sorts gives the same one twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "antspyx==0.6.3" "SimpleITK==2.5.7" "pydicom==3.0.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import sys
from pathlib import Path

import ants
import numpy as np
import SimpleITK
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid


def series(folder, places):
    """Eight slices 3 mm apart from z = 0, named in this order, each of which holds its place in mm, plus 1000."""
    folder.mkdir()
    for name, k in enumerate(places):
        d = Dataset()
        d.SOPClassUID, d.SOPInstanceUID = MRImageStorage, generate_uid(entropy_srcs=[str(k)])
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = "2.25.1", "2.25.2", "2.25.3"
        d.Modality, d.SeriesNumber, d.InstanceNumber, d.PatientPosition = "MR", 1, k + 1, "HFS"
        d.ImageType, d.StudyDate, d.StudyTime = ["ORIGINAL", "PRIMARY", "M"], "20260102", "101010"
        d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [0, 0, 3 * k]
        d.PixelSpacing, d.SliceThickness, d.SpacingBetweenSlices = [1, 1], 3, 3
        d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 16, 16
        d.BitsAllocated, d.BitsStored, d.HighBit, d.PixelRepresentation = 16, 12, 11, 0
        d.PixelData = np.full((16, 16), 1000 + 3 * k, "<u2").tobytes()
        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        FileDataset("", d, b"\0" * 128, meta).save_as(folder / f"{name}.dcm", enforce_file_format=True)
    return str(folder)


def in_place(values, origin, step):
    """Whether every slice lies where it was acquired."""
    return bool(np.allclose(np.asarray(values) - 1000, origin + step * np.arange(8)))


root = Path(sys.argv[1])
folders = [series(root / "along", range(8)), series(root / "against", reversed(range(8)))]
images = [ants.dicom_read(folder) for folder in folders]
said = [in_place(i.numpy()[0, 0], i.origin[2], i.spacing[2] * i.direction[2, 2]) for i in images]
print("ants.dicom_read: every slice in its place in both folders:", all(said))
files = [SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(folder) for folder in folders]
images = [SimpleITK.ReadImage(names) for names in files]
arrays = [SimpleITK.GetArrayFromImage(image)[:, 0, 0] for image in images]
said = [in_place(a, i.GetOrigin()[2], i.GetSpacing()[2] * i.GetDirection()[8]) for a, i in zip(arrays, images)]
print("SimpleITK: every slice in its place in both folders:", all(said))
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
ants.dicom_read: every slice in its place in both folders: False
SimpleITK: every slice in its place in both folders: True
SEEN
echo "as in November 2026"
