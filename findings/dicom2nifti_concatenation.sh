#!/usr/bin/env bash
# dicom2nifti 2.6.2 converts one part of a concatenation and leaves the others out without a word: of eight slices
# of an enhanced MR series that came as two instances of four frames, four arrive.
#
# Guess before running: it refuses, or makes one file of eight slices, as a concatenation is one multi-frame image in
# several instances (PS3.3, Multi-frame Functional Groups: ConcatenationUID, InConcatenationNumber). Found (2026-11-30): one NIfTI
# of four slices, no exception, no warning. dcm2niix 1.0.20260724 makes a file of each part, each with its place.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile "dicom2nifti==2.6.2" "dcm2niix==1.0.20260724" "pydicom==3.0.2" "nibabel==5.4.2" "numpy==2.3.5" >/dev/null 2>&1
cat >"$folder/make.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian


def item(**fields):
    made = Dataset()
    for key, value in fields.items():
        setattr(made, key, value)
    return made


folder = Path(sys.argv[1])
folder.mkdir()
kind = {
    "PixelPresentation": "MONOCHROME", "VolumetricProperties": "VOLUME", "VolumeBasedCalculationTechnique": "NONE",
    "ComplexImageComponent": "MAGNITUDE", "AcquisitionContrast": "T1",
}
for part in (0, 1):
    d = item(
        SOPClassUID=EnhancedMRImageStorage, SOPInstanceUID=f"2.25.5{part}", ConcatenationUID="2.25.5",
        InConcatenationNumber=part + 1, InConcatenationTotalNumber=2, ConcatenationFrameOffsetNumber=4 * part,
        SOPInstanceUIDOfConcatenationSource="2.25.59", StudyInstanceUID="2.25.1", SeriesInstanceUID="2.25.2",
        FrameOfReferenceUID="2.25.3", Modality="MR", Manufacturer="SIEMENS", PatientPosition="HFS", PatientID="p",
        PatientName="", StudyDate="20260102", StudyTime="101010", SeriesNumber=1, InstanceNumber=1, AcquisitionNumber=1,
        ImageType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], ProtocolName="t1", MRAcquisitionType="3D",
        AcquisitionDateTime="20260102101010", MagneticFieldStrength=3, **kind,
        SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", Rows=16, Columns=16, NumberOfFrames=4,
        BitsAllocated=16, BitsStored=12, HighBit=11, PixelRepresentation=0,
    )
    d.DimensionOrganizationSequence = [item(DimensionOrganizationUID="2.25.9")]
    d.DimensionIndexSequence = [
        item(DimensionOrganizationUID="2.25.9", DimensionIndexPointer=tag, FunctionalGroupPointer=0x00209111)
        for tag in (0x00209056, 0x00209057)
    ]
    d.SharedFunctionalGroupsSequence = [item(
        PixelMeasuresSequence=[item(PixelSpacing=[1, 1], SliceThickness=3, SpacingBetweenSlices=3)],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
        MRImageFrameTypeSequence=[item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], **kind)],
        PixelValueTransformationSequence=[item(RescaleSlope=1, RescaleIntercept=0, RescaleType="US")],
    )]
    d.PerFrameFunctionalGroupsSequence = [
        item(
            FrameContentSequence=[item(StackID="1", InStackPositionNumber=k + 1, DimensionIndexValues=[1, k + 1])],
            PlanePositionSequence=[item(ImagePositionPatient=[-8, -8, 3 * k])],
        )
        for k in range(4 * part, 4 * part + 4)
    ]
    d.PixelData = np.repeat(np.arange(4 * part + 1, 4 * part + 5, dtype="<u2"), 256).tobytes()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    FileDataset("", d, b"\0" * 128, meta).save_as(folder / f"{part}.dcm", enforce_file_format=True)
PYTHON
cat >"$folder/show.py" <<'SHOW'
import glob
import logging
import sys
import warnings

import dicom2nifti
import nibabel

logging.basicConfig(stream=sys.stdout, level=logging.WARNING)  # whatever it says is shown
warnings.simplefilter("default")
dicom2nifti.dicom_series_to_nifti(f"{sys.argv[1]}/in", f"{sys.argv[1]}/d2n.nii", reorient_nifti=False)
print("dicom2nifti:", nibabel.load(f"{sys.argv[1]}/d2n.nii").shape[2], "of 8 slices")
images = [nibabel.load(path) for path in glob.glob(f"{sys.argv[1]}/x*.nii")]
for image in sorted(images, key=lambda image: image.affine[2, 3]):
    print("dcm2niix:", image.get_fdata()[0, 0].tolist(), "from", image.affine[2, 3])
SHOW
"$folder/venv/bin/python" "$folder/make.py" "$folder/in"
"$folder/venv/bin/dcm2niix" -z n -f x -o "$folder" "$folder/in" >/dev/null
"$folder/venv/bin/python" "$folder/show.py" "$folder" | tee "$folder/seen"
diff "$folder/seen" - <<'SEEN'
dicom2nifti: 4 of 8 slices
dcm2niix: [1.0, 2.0, 3.0, 4.0] from 0.0
dcm2niix: [5.0, 6.0, 7.0, 8.0] from 12.0
SEEN
echo "as in November 2026"
