"""The attributes a derived image keeps of its source: an allow-list, so that nothing lies or leaks.

Left out on purpose: everything private but diffusion (Siemens CSA and Philips scale factors would
describe a grid and a scale that no longer hold), overlays, curves, icons, look-up tables,
signatures, thumbnails, performed procedure steps, and whatever the writer states anew.
"""

from __future__ import annotations

import copy

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from medddim.formats.dicom.files import is_number
from medddim.formats.dicom.vendor import private_diffusion

PATIENT = """
    SpecificCharacterSet TimezoneOffsetFromUTC
    PatientName PatientID TypeOfPatientID IssuerOfPatientID IssuerOfPatientIDQualifiersSequence
    OtherPatientIDs OtherPatientIDsSequence OtherPatientNames PatientBirthDate PatientBirthTime
    PatientSex PatientComments EthnicGroup EthnicGroupCodeSequence QualityControlSubject
    PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence
    PatientSpeciesDescription PatientSpeciesCodeSequence PatientBreedDescription
    PatientBreedCodeSequence BreedRegistrationSequence StrainDescription
    ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization
    ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID
    ClinicalTrialSiteName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID
    ClinicalTrialProtocolEthicsCommitteeName ClinicalTrialProtocolEthicsCommitteeApprovalNumber
"""
STUDY = """
    StudyInstanceUID StudyDate StudyTime StudyID StudyDescription AccessionNumber
    IssuerOfAccessionNumberSequence ReferringPhysicianName ReferringPhysicianIdentificationSequence
    ConsultingPhysicianName PhysiciansOfRecord NameOfPhysiciansReadingStudy RequestingService
    ProcedureCodeSequence AdmissionID ServiceEpisodeID ServiceEpisodeDescription ReasonForVisit
    ReasonForVisitCodeSequence AdmittingDiagnosesDescription AdmittingDiagnosesCodeSequence
    PatientAge PatientSize PatientWeight PatientBodyMassIndex PatientState PatientSexNeutered
    PregnancyStatus LastMenstrualDate AdditionalPatientHistory MedicalAlerts Allergies Occupation
    SmokingStatus ClinicalTrialTimePointID ClinicalTrialTimePointDescription
    LongitudinalTemporalOffsetFromEvent LongitudinalTemporalEventType
"""
SERIES = """
    Modality SOPClassUID SeriesNumber SeriesDescription ProtocolName BodyPartExamined Laterality
    PatientPosition AnatomicalOrientationType RequestAttributesSequence AnatomicRegionSequence
    FrameOfReferenceUID PositionReferenceIndicator
"""
EQUIPMENT = """
    Manufacturer ManufacturerModelName InstitutionName InstitutionAddress StationName
    InstitutionalDepartmentName DeviceSerialNumber SoftwareVersions SpatialResolution
    DateOfLastCalibration TimeOfLastCalibration ContributingEquipmentSequence
"""
ACQUISITION = """
    AcquisitionDate AcquisitionTime AcquisitionDateTime AcquisitionNumber ImageType ImageComments
    ContrastBolusAgent ContrastBolusAgentSequence ContrastBolusRoute ContrastBolusVolume
    ContrastBolusStartTime ContrastBolusStopTime ContrastBolusTotalDose ContrastFlowRate
    ContrastBolusIngredient ContrastBolusIngredientConcentration
    QualityControlImage BurnedInAnnotation RecognizableVisualFeatures
    LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod
"""
MR = """
    ScanningSequence SequenceVariant ScanOptions MRAcquisitionType SequenceName AngioFlag
    RepetitionTime EchoTime EchoTrainLength InversionTime TriggerTime NumberOfAverages
    ImagingFrequency ImagedNucleus EchoNumbers MagneticFieldStrength NumberOfPhaseEncodingSteps
    PercentSampling PercentPhaseFieldOfView PixelBandwidth NominalInterval BeatRejectionFlag
    LowRRValue HighRRValue IntervalsAcquired IntervalsRejected HeartRate
    CardiacNumberOfImages TriggerWindow ReconstructionDiameter ReceiveCoilName TransmitCoilName
    AcquisitionMatrix InPlanePhaseEncodingDirection FlipAngle VariableFlipAngleFlag SAR dBdt
    TemporalPositionIdentifier NumberOfTemporalPositions TemporalResolution
    DiffusionBValue DiffusionGradientOrientation DiffusionDirectionality
"""
CT = """
    KVP DataCollectionDiameter DistanceSourceToDetector DistanceSourceToPatient
    GantryDetectorTilt TableHeight RotationDirection ExposureTime XRayTubeCurrent Exposure
    ExposureInuAs FilterType GeneratorPower FocalSpots ConvolutionKernel RevolutionTime
    SingleCollimationWidth TotalCollimationWidth TableSpeed TableFeedPerRotation
    SpiralPitchFactor ExposureModulationType EstimatedDoseSaving CTDIvol
"""
IMAGE = """
    PixelSpacing ImageOrientationPatient ImagePositionPatient SliceThickness SpacingBetweenSlices
    PhotometricInterpretation BitsStored RescaleSlope RescaleIntercept RescaleType
    PixelPaddingValue PixelPaddingRangeLimit PresentationLUTShape
    WindowCenter WindowWidth WindowCenterWidthExplanation VOILUTFunction SOPInstanceUID
"""
NAMES = ("PatientName", "ReferringPhysicianName")
ENUMERATED = {"PregnancyStatus": (None, 1, 2, 3, 4)}
"""Attributes some scanners fill with 0, of the values that the standard has for them."""
BLANK = "  "
"""A name taken out of a file; who compares two files of one patient compares its bytes."""

KEPT = frozenset(" ".join((PATIENT, STUDY, SERIES, EQUIPMENT, ACQUISITION, MR, CT, IMAGE)).split())


def kept(dataset: Dataset) -> Dataset:
    """A copy of the allowed attributes alone; nothing private inside their sequences."""
    blank = [keyword for keyword in NAMES if _is_blank(dataset, keyword)]
    chosen = Dataset()
    for element in dataset:
        if element.keyword in KEPT:
            chosen.add(copy.deepcopy(element))
    chosen.remove_private_tags()
    _drop_invalid(chosen)
    chosen.update(private_diffusion(dataset))
    for keyword in blank:
        setattr(chosen, keyword, BLANK)
    return chosen


def _drop_invalid(chosen: Dataset) -> None:
    """Take out what breaks the standard wherever it is copied to, and says nothing."""
    for element in chosen:
        if element.VR == "SQ":
            for item in element.value:
                _drop_empty_sequences(item)
    for element in [one for one in chosen if one.VR in ("DS", "IS") and not is_number(one.value)]:
        del chosen[element.tag]
    for keyword, allowed in ENUMERATED.items():
        if keyword in chosen and chosen.get(keyword) not in allowed:
            delattr(chosen, keyword)


def _drop_empty_sequences(item: Dataset) -> None:
    """Inside another sequence none may be empty that a scan has (PS3.3 10.6, 10.8 and others)."""
    for element in list(item):
        if element.VR != "SQ":
            continue
        if not element.value:
            del item[element.tag]
        for inner in element.value:
            _drop_empty_sequences(inner)


def _is_blank(dataset: Dataset, keyword: str) -> bool:
    """Whether the file holds spaces there, which pydicom reads as nothing at all."""
    raw = dataset.get_item(keyword) if keyword in dataset else None
    return isinstance(raw, RawDataElement) and raw.value == BLANK.encode()
