"""The attributes a derived image keeps of its source: an allow-list, so that nothing lies or leaks.

Left out on purpose: everything private but diffusion (Siemens CSA and Philips scale factors would
describe a grid and a scale that no longer hold), overlays, curves, icons, look-up tables,
signatures, thumbnails, performed procedure steps, and whatever the writer states anew.
"""

from __future__ import annotations

import copy

from pydicom.config import IGNORE, RAISE
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.valuerep import validate_value

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
    QualityControlImage BurnedInAnnotation SyntheticData RecognizableVisualFeatures
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
CHECKED = {"AS", "CS", "DA", "DS", "DT", "TM"}
OLDEST = "1800"
"""No date of a scan is older: 00010101 is how some software says that it knows none."""
NOT_NEGATIVE = {"SpacingBetweenSlices"}
ENUMERATED = {"PregnancyStatus": (None, 1, 2, 3, 4)}
"""Attributes some scanners fill with 0, of the values that the standard has for them."""
BLANK = "  "
"""A name taken out of a file; who compares two files of one patient compares its bytes."""

NEEDED = frozenset(
    """
    PatientPosition PositionReferenceIndicator SeriesNumber Manufacturer AcquisitionNumber
    SliceThickness ScanningSequence SequenceVariant ScanOptions MRAcquisitionType RepetitionTime
    EchoTime EchoTrainLength KVP Laterality ImageType PixelSpacing ImageOrientationPatient
    ImagePositionPatient PhotometricInterpretation SOPClassUID Modality FrameOfReferenceUID
    SOPInstanceUID BitsStored RescaleSlope RescaleIntercept
    """.split()
)
"""What must be there, if only empty, or is judged elsewhere."""
OPTIONAL = (
    frozenset(" ".join((SERIES, EQUIPMENT, ACQUISITION, MR, CT, IMAGE)).split()) - NEEDED
    | {"PatientAge", "AnatomicRegionSequence"}
) - {keyword for keyword in ACQUISITION.split() if keyword.startswith("Contrast")}
"""What a result may lack: empty or invalid, it is taken out. One patient and study keep theirs."""
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
    for item in [item for element in chosen if element.VR == "SQ" for item in element.value]:
        _drop_empty_sequences(item)
    for element in list(chosen):
        if element.VR in ("DS", "IS") and not is_number(element.value):
            del chosen[element.tag]
        elif element.keyword in OPTIONAL and (element.is_empty or not _is_valid(element)):
            _drop_or_correct(chosen, element)
    for keyword, allowed in ENUMERATED.items():
        if keyword in chosen and chosen.get(keyword) not in allowed:
            delattr(chosen, keyword)


def _is_valid(element: DataElement) -> bool:
    """Whether a date, a time, an age or a code string is one."""
    if element.VR not in CHECKED:
        return True
    values = element.value if element.VM > 1 else [element.value]
    for value in map(str, values):
        if element.VR in ("DA", "DT") and value < OLDEST:
            return False
        try:
            validate_value(element.VR, value, RAISE)
        except ValueError:
            return False
    return not (element.keyword in NOT_NEGATIVE and float(element.value) <= 0)


def _drop_or_correct(chosen: Dataset, element: DataElement) -> None:
    """An age of 22Y becomes 022Y, a body part Head becomes HEAD; the rest goes."""
    if element.VR not in ("AS", "CS") or element.VM != 1:
        del chosen[element.tag]
        return
    value = str(element.value).strip().rjust(4 if element.VR == "AS" else 0, "0")
    corrected = DataElement(element.tag, element.VR, value.upper(), validation_mode=IGNORE)
    if value and _is_valid(corrected):
        chosen[element.tag] = corrected
    else:
        del chosen[element.tag]


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
