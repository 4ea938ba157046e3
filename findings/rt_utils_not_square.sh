#!/usr/bin/env bash
# rt-utils 1.2.7 loses structures of slices that are not square: of an RTSTRUCT over slices of 48 rows and 80 columns it
# gives masks of 80 x 48, in which what lies beyond the shorter side is cut off. A tumour there comes back empty.
#
# Guess before running: masks have the rows and columns of the slices, and hold the whole structure. Found (2026-12-01):
# the shape is (Columns, Rows, slices), the structure is drawn in it by (row, column), so that a mask laid over the scan
# does not fit, or, turned to fit, shows the structure mirrored about the diagonal. No error: a mask of 0 is a valid
# answer. Square CT is right, MR of 320 x 260 or a cropped CT is not. DicomRTTool 6.2.0 reads the same files whole.
# Written by rt-utils from a mask of 48 x 80, the contours are right, and rt-utils itself does not find them again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "rt-utils==1.2.7" "DicomRTTool==6.2.0" "pydicom==3.0.1" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import os
import sys

import numpy as np
from DicomRTTool.ReaderWriter import DicomReaderWriter
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder


def scan(folder, rows, columns):
    """Six CT slices with voxels of 1 x 1 x 3 mm, their corner at -20, -30, 5 mm."""
    os.makedirs(folder)
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    for k in range(6):
        d = Dataset()
        d.SOPClassUID, d.SOPInstanceUID = CTImageStorage, generate_uid()
        d.StudyInstanceUID, d.SeriesInstanceUID, d.FrameOfReferenceUID = study, series, frame
        d.Modality, d.PatientID, d.PatientName, d.Manufacturer = "CT", "1", "Phantom", "Maker"
        d.PatientSex, d.PatientBirthDate, d.StudyID, d.AccessionNumber = "O", "", "1", ""
        d.StudyDate, d.StudyTime, d.ReferringPhysicianName = "20260102", "101010", ""
        d.SeriesNumber, d.InstanceNumber = 1, k + 1
        d.ImageOrientationPatient, d.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-20, -30, 5 + 3 * k]
        d.PixelSpacing, d.SliceThickness = [1, 1], 3
        d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", rows, columns
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation, d.RescaleSlope, d.RescaleIntercept = 15, 0, 1, -1024
        d.PixelData = bytes(2 * rows * columns)
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.save_as(f"{folder}/{k}.dcm", enforce_file_format=True)


def show(rows, columns, row, column):
    """Write a box of 10 x 10 x 3 voxels from this row and column on as RTSTRUCT, and read it with both."""
    folder = f"{sys.argv[1]}/{rows}-{columns}-{row}-{column}"
    scan(folder, rows, columns)
    box = np.zeros((rows, columns, 6), bool)
    box[row : row + 10, column : column + 10, 2:5] = True
    written = RTStructBuilder.create_new(folder)
    written.add_roi(mask=box, name="gtv")
    written.save(f"{folder}-rs.dcm")
    found = RTStructBuilder.create_from(folder, f"{folder}-rs.dcm").get_roi_mask_by_name("gtv")
    os.rename(f"{folder}-rs.dcm", f"{folder}/rs.dcm")
    reader = DicomReaderWriter(description="", verbose=False)
    reader.walk_through_folders(folder)
    reader.set_contour_names_and_associations(["gtv"])
    reader.get_images_and_mask()
    other = reader.mask.transpose(1, 2, 0)
    print(f"{rows} rows, {columns} columns, box of {box.sum()} voxels at row {row}, column {column}")
    for name, mask in (("rt-utils", found), ("DicomRTTool", other)):
        print(f"  {name}: {mask.shape[0]} x {mask.shape[1]}, {(mask > 0).sum()} voxels")


show(64, 64, 10, 45)
show(48, 80, 10, 20)
show(48, 80, 10, 43)
show(48, 80, 10, 60)
show(80, 48, 60, 10)
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | grep -v Writing | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
64 rows, 64 columns, box of 300 voxels at row 10, column 45
  rt-utils: 64 x 64, 300 voxels
  DicomRTTool: 64 x 64, 300 voxels
48 rows, 80 columns, box of 300 voxels at row 10, column 20
  rt-utils: 80 x 48, 300 voxels
  DicomRTTool: 48 x 80, 300 voxels
48 rows, 80 columns, box of 300 voxels at row 10, column 43
  rt-utils: 80 x 48, 150 voxels
  DicomRTTool: 48 x 80, 300 voxels
48 rows, 80 columns, box of 300 voxels at row 10, column 60
  rt-utils: 80 x 48, 0 voxels
  DicomRTTool: 48 x 80, 300 voxels
80 rows, 48 columns, box of 300 voxels at row 60, column 10
  rt-utils: 48 x 80, 0 voxels
  DicomRTTool: 80 x 48, 300 voxels
SEEN
echo "as in December 2026"
