"""A DICOM node: studies in, derived series out; and one study by DICOMweb."""
