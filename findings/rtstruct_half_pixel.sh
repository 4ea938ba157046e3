#!/usr/bin/env bash
# rt-utils 1.2.7 and DicomRTTool 6.2.0 make structures too large when they read an RTSTRUCT, by half a pixel all around: a
# tumour of 4 mm radius has 37 % more area in pixels of 1 mm, one of 10 mm radius 25 % more in pixels of 2 mm. Written by
# rt-utils a structure is as much too small, and both read back what it wrote, so that a round trip shows nothing.
#
# Guess before running: the mask of a circle has its area within 3 %, the contours of a mask have that of its pixels within
# 5 % (with a suspicion that they run through the centres of pixels). Found (2026-12-01): vertices are rounded to the
# centres of pixels, and all pixels that the line touches count as within (fillPoly of OpenCV); on the way out the line
# runs through the centres of the outermost pixels (findContours). A mask of 10 x 15 pixels is a structure of 126 mm2 in
# any other program, not of 150, one of 4 x 4 pixels 9 mm2, not 16. The pixels whose centres lie within are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "rt-utils==1.2.7" "DicomRTTool==6.2.0" "pydicom==3.0.2" "numpy==2.3.5" "scikit-image==0.26.0" >/dev/null 2>&1
cat >"$folder/show.py" <<'PYTHON'
import os
import sys

import numpy as np
import pydicom
from DicomRTTool.ReaderWriter import DicomReaderWriter
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from rt_utils import RTStructBuilder
from skimage.measure import grid_points_in_poly


def scan(folder, spacing):
    """Six CT slices of 64 x 64 pixels, 3 mm apart, the first pixel at -20, -30, 5 mm."""
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
        d.PixelSpacing, d.SliceThickness = [spacing, spacing], 3
        d.SamplesPerPixel, d.PhotometricInterpretation, d.Rows, d.Columns = 1, "MONOCHROME2", 64, 64
        d.BitsAllocated = d.BitsStored = 16
        d.HighBit, d.PixelRepresentation, d.RescaleSlope, d.RescaleIntercept = 15, 0, 1, -1024
        d.PixelData = bytes(2 * 64 * 64)
        d.file_meta = FileMetaDataset()
        d.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        d.save_as(f"{folder}/{k}.dcm", enforce_file_format=True)


def area(contour):
    """The area within one closed contour, in mm2 (shoelace)."""
    x, y, _ = np.reshape(contour, (-1, 3)).T.astype(float)
    return 0.5 * abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1)))


def structure(folder, rows, columns):
    """An RTSTRUCT of rt-utils with a box on slices 2 to 4."""
    box = np.zeros((64, 64, 6), bool)
    box[20 : 20 + rows, 20 : 20 + columns, 2:5] = True
    made = RTStructBuilder.create_new(folder)
    made.add_roi(mask=box, name="gtv")
    return made, box


def read(folder):
    """The pixels of the middle slice that each package gives the structure in folder/rs.dcm."""
    mine = RTStructBuilder.create_from(folder, f"{folder}/rs.dcm").get_roi_mask_by_name("gtv")
    reader = DicomReaderWriter(description="", verbose=False)
    reader.walk_through_folders(folder)
    reader.set_contour_names_and_associations(["gtv"])
    reader.get_images_and_mask()
    return mine[:, :, 3].sum(), (reader.mask[3] > 0).sum()


for number, (spacing, radius) in enumerate(((1.0, 10.0), (2.0, 10.0), (1.0, 4.0))):
    folder = f"{sys.argv[1]}/circle{number}"
    scan(folder, spacing)
    made, _ = structure(folder, 4, 4)
    centre, angle = 30.3 * spacing, np.linspace(0, 2 * np.pi, 120, endpoint=False)
    x, y = centre + radius * np.cos(angle), centre + radius * np.sin(angle)
    for contour in made.ds.ROIContourSequence[0].ContourSequence:  # the same slices, a circle instead of the box
        z = contour.ContourData[2]
        contour.ContourData = np.round(np.stack([x - 20, y - 30, np.full(120, z)], -1), 3).ravel().tolist()
        contour.NumberOfContourPoints = 120
    made.ds.save_as(f"{folder}/rs.dcm", enforce_file_format=True)
    true = area(pydicom.dcmread(f"{folder}/rs.dcm").ROIContourSequence[0].ContourSequence[1].ContourData)
    centres = grid_points_in_poly((64, 64), np.stack([y, x], -1) / spacing).sum()
    got = {name: n * spacing**2 / true - 1 for name, n in zip(("rt-utils", "DicomRTTool"), read(folder))}
    got["centres within"] = centres * spacing**2 / true - 1
    print(f"circle of {radius:.0f} mm, pixels of {spacing:.0f} mm:", {name: f"{one:+.0%}" for name, one in got.items()})
for rows, columns in ((10, 15), (4, 4)):
    folder = f"{sys.argv[1]}/box{rows}"
    scan(folder, 1.0)
    made, box = structure(folder, rows, columns)
    made.ds.save_as(f"{folder}/rs.dcm", enforce_file_format=True)
    drawn = area(made.ds.ROIContourSequence[0].ContourSequence[1].ContourData)
    print(f"box of {rows * columns} mm2: contour of {drawn:.0f} mm2, read back", [int(one) for one in read(folder)])
PYTHON
"$folder/venv/bin/python" "$folder/show.py" "$folder" 2>/dev/null | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
circle of 10 mm, pixels of 1 mm: {'rt-utils': '+11%', 'DicomRTTool': '+11%', 'centres within': '+1%'}
circle of 10 mm, pixels of 2 mm: {'rt-utils': '+25%', 'DicomRTTool': '+25%', 'centres within': '+3%'}
circle of 4 mm, pixels of 1 mm: {'rt-utils': '+37%', 'DicomRTTool': '+37%', 'centres within': '-0%'}
box of 150 mm2: contour of 126 mm2, read back [150, 150]
box of 16 mm2: contour of 9 mm2, read back [16, 16]
SEEN
echo "as in December 2026"
