"""What is no MR magnitude and no CT in HU is known by its words, its JSON file, name and intent."""

import pytest

from medddim.formats import content


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["ORIGINAL", "PRIMARY", "M", "ND", "NORM"], None),
        (["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"], None),
        (["DERIVED", "PRIMARY", "DIFFUSION", "TRACEW"], None),
        (["DERIVED", "PRIMARY", "OPP_PHASE", "DIXON"], None),
        (["DERIVED", "PRIMARY", "IN_PHASE"], None),
        (["ORIGINAL", "PRIMARY", "P", "ND"], content.PHASE),
        (["ORIGINAL", "PRIMARY", "SW_P_FFE"], content.PHASE),
        (["ORIGINAL", "PRIMARY", "VELOCITY MAP"], content.PHASE),
        (["ORIGINAL", "PRIMARY", "R_FFE"], content.REAL),
        (["ORIGINAL", "PRIMARY", "i_se"], content.IMAGINARY),
        (["DERIVED", "PRIMARY", "DIFFUSION", "ADC"], content.DIFFUSION),
        (["DERIVED", "PRIMARY", "T2_STAR MAP"], content.TISSUE),
        (["DERIVED", "PRIMARY", "RELCBF"], content.PERFUSION),
        (["DERIVED", "PRIMARY", "M", "UNI"], content.RATIO),
        (["DERIVED", "PRIMARY", "M", "SUB"], content.DIFFERENCE),
        (["DERIVED", "PRIMARY", "VOLUME", "SUBTRACTION"], content.DIFFERENCE),
        (["DERIVED", "PRIMARY", "PERFUSION", "STD_DEVIATION"], content.STATISTIC),
        (["DERIVED", "SECONDARY", "M", "MNIP"], content.PROJECTION),
        (["DERIVED", "PRIMARY", "T2-MAP"], content.TISSUE),
        (["ORIGINAL", "PRIMARY", "B0_UNSPECIFIED", "B0"], content.FIELD),
        (["DERIVED", "PRIMARY", "MPR", "NORM"], None),
        (["ORIGINAL", "PRIMARY", "ADC_UNSPECIFIED", "ADC", "UNSPECIFIED"], content.DIFFUSION),
        (["DERIVED", "PRIMARY", "T1_MAP_UNSPECIFIED"], content.TISSUE),
        (["DERIVED", "PRIMARY", "FATFRACTION"], content.TISSUE),
        (["DERIVED", "PRIMARY", "R2_STAR"], content.TISSUE),
        (["DERIVED", "PRIMARY", "TEMPERATURE", "QUANTITY"], content.TISSUE),
        (["DERIVED", "PRIMARY", "DIFFUSION", "DIFFUSION_ANISO"], content.DIFFUSION),
        (["DERIVED", "PRIMARY", "PHASE_DIFF"], content.PHASE),
        (["DERIVED", "PRIMARY", "R_COEFFICIENT"], content.STATISTIC),
        (["DERIVED", "PRIMARY", "Z_SCORE"], content.STATISTIC),
        (["DERIVED", "PRIMARY", "UNI-DEN"], content.RATIO),
        (["DERIVED", "PRIMARY", "SNR_MAP"], content.COMPUTED),
        (["DERIVED", "PRIMARY", "SNR MAP_SE"], content.COMPUTED),
        (["DERIVED", "PRIMARY", "PROJECTION IMAGE", "MAX_IP"], content.PROJECTION),
        (["ORIGINAL", "PRIMARY", "T1", "NONE"], None),
        (["ORIGINAL", "PRIMARY", "T2_STAR", "NONE"], None),
        (["DERIVED", "PRIMARY", "TENSOR_B0"], None),
        (["ORIGINAL", "PRIMARY", "PHASE CONTRAST M"], None),
    ],
)
def test_words_of_image_type(words, found):
    assert content.of_words(words[2:]) == found


def test_words_of_mr_mean_nothing_in_ct():
    assert content.of_words(["AXIAL", "P"], "CT") is None
    assert content.of_words(["AXIAL", "ELECTRON_DENSITY"], "CT") == content.MATERIAL
    assert content.of_words(["AXIAL", "MIP"], "CT") == content.PROJECTION


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({}, ""),
        ({"Modality": "MR", "ImageType": ["ORIGINAL", "PRIMARY", "M"], "Units": "arbitrary"}, ""),
        ({"Modality": "CT", "Units": "HU", "ImageType": ["ORIGINAL", "PRIMARY", "P"]}, ""),
        ({"EchoTime": 0.003, "EchoTime2": 0.005}, ""),
        ({"Modality": "PT"}, "PET"),
        ({"Modality": "US"}, "another Modality"),
        ({"Modality": 5}, "another Modality"),
        ({"TracerName": "FDG", "Units": "Bq/mL"}, "PET"),
        ({"Units": "Bq/mL"}, "PET"),
        ({"Units": "Hz"}, "a field map"),
        ({"Units": "rad"}, "a phase image"),
        ({"Units": "ppm"}, "a susceptibility map"),
        ({"Units": "s"}, "a tissue property"),
        ({"Units": "ZZPHI"}, "another unit"),
        ({"EchoTime1": 0.005, "EchoTime2": 0.007}, "a phase image"),
        ({"Modality": "MR", "ImageType": ["DERIVED", "PRIMARY", "FIELDMAPHZ"]}, "a field map"),
        ({"ImageType": ["ORIGINAL"], "ImageTypeText": ["ORIGINAL", "PRIMARY", "P"]}, "a phase"),
        ({"ImageType": ["ORIGINAL", "PRIMARY"], "ComplexImageComponent": "REAL"}, "the real part"),
        ({"Units": "mm2/s"}, "a diffusion map"),
        ({"Units": "%"}, "a tissue property"),
        ({"Units": "10^-6 mm^2/s"}, "a diffusion map"),
        ({"Units": "m/s2"}, "another unit"),
        ({"ImageType": "ORIGINAL\\PRIMARY\\P"}, "a phase image"),
    ],
)
def test_the_json_file(said, reason):
    reported = content.of_sidecar(said, "sub-01_bold")
    assert reason in reported
    assert bool(reported) == bool(reason)
    assert "ZZPHI" not in reported


def test_two_echo_times_belong_to_the_magnitudes_of_a_field_map_too():
    both = {"EchoTime1": 0.005, "EchoTime2": 0.007}
    assert content.of_sidecar(both, "sub-01_magnitude1") == ""
    assert content.of_sidecar(both | {"ImageType": ["ORIGINAL", "PRIMARY", "M"]}, "x") == ""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sub-01_T1w", None),
        ("sub-01_part-mag_bold", None),
        ("sub-01_magnitude1", None),
        ("phantom_real", None),
        ("patient_MD", None),
        ("head", None),
        ("sub-01_part-phase_bold", content.PHASE),
        ("sub-01_part-imag_bold", content.IMAGINARY),
        ("sub-01_phasediff", content.PHASE),
        ("5_gre_field_mapping_e2_ph", content.PHASE),
        ("sub-01_fieldmap", content.FIELD),
        ("sub-01_Chimap", content.SUSCEPTIBILITY),
        ("sub-01_T1map", content.TISSUE),
        ("sub-01_UNIT1", content.RATIO),
        ("sub-01_trc-FDG_rec-1_dyn", content.PET),
        ("sub-01_pet", content.PET),
        ("sub-01_desc-brain_mask", content.LABELS),
        ("sub-01_label-GM_probseg", content.LABELS),
        ("sub-01_FA", content.DIFFUSION),
        ("dti_ADC", content.DIFFUSION),
        ("dti_FA", content.DIFFUSION),
        ("sub01_dtifit_L2", content.DIFFUSION),
        ("FA", content.DIFFUSION),
        ("vibe_FA", None),
        ("Segmentation.seg", content.LABELS),
        ("head-label", content.LABELS),
        ("T1_pve_2", content.LABELS),
        ("wmparc", content.LABELS),
        ("brainmask", None),
        ("sub-01_space-T1w_brainmask", content.LABELS),
        ("zstat1", content.STATISTIC),
        ("spmT_0001", content.STATISTIC),
        ("sub-01_stat-z_statmap", content.STATISTIC),
        ("T1_map", content.TISSUE),
        ("knee_R2s_map", content.COMPUTED),
        ("R2star", content.TISSUE),
        ("fat_fraction", content.TISSUE),
        ("b0_map", content.FIELD),
        ("phase_unwrapped", content.PHASE),
        ("liver-ADC", content.DIFFUSION),
        ("dwi_FA", content.DIFFUSION),
        ("MP2RAGE_UNI_den", content.RATIO),
        ("swi_mIP", content.PROJECTION),
        ("SUVbw", content.PET),
        ("mwc1T1", content.LABELS),
        ("log_jacobian", content.TRANSFORM),
        ("sub-01_acq-phase_T1w", None),
        ("sub-01_magnitude", None),
        ("scan_mean", None),
        ("T1_std", None),
    ],
)
def test_names_of_bids_and_of_tools(name, found):
    assert content.of_name(name) == found


@pytest.mark.parametrize(
    ("code", "text", "found"),
    [
        (0, "", None),
        (2001, "", None),
        (5, "", content.STATISTIC),
        (0, "SPM{T_[70.0]} - contrast 1", content.STATISTIC),
        (1002, "", content.LABELS),
        (1007, "", content.TRANSFORM),
        (3002, "", content.SURFACE),
        (2006, "", content.TRANSFORM),
    ],
)
def test_intents_of_nifti(code, text, found):
    assert content.of_intent(code, text) == found


def test_a_reason_names_what_was_found_where_and_the_remedy():
    assert content.PHASE.at("ImageType") == (
        "expected an MR magnitude image or CT in Hounsfield units, found a phase image (ImageType);"
        " give the magnitude image instead"
    )
