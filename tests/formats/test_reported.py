"""Faults that users and scanners' files brought to light, and the tests that show what is right.

A name that no test has any more fails: whoever renames or removes one says here what shows it now.
"""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
ORDER, STACK_BY = "formats/dicom/test_order.py", "formats/dicom/test_stack_by.py"
BESIDE, PLACE = "formats/dicom/test_beside_others.py", "formats/test_nifti_place.py"
PRIVATE, SIDECAR = "formats/dicom/test_private_diffusion.py", "formats/test_sidecar.py"
CONTENT, SIGNS = "formats/test_content.py", "formats/test_voxel_signs.py"
OWN, OTHERS = "inference/test_own.py", "formats/test_others.py"

REPORTED = {
    "volumes in the order of a value": f"{ORDER}::test_volumes_come_as_acquired",
    "frames in any order": f"{ORDER}::test_frames_in_any_order_leave_it_to_the_clock",
    "verify looks at the order": f"{ORDER}::test_a_result_in_another_order_is_found",
    "directions in private attributes": f"{PRIVATE}::test_a_result_says_b_values_and_directions",
    "directions that cannot be kept": f"{PRIVATE}::"
    "test_directions_that_cannot_be_turned_are_warned_of",
    "b-tables by other tools": "formats/dicom/test_b_tables.py::"
    "test_b_tables_of_a_result_are_those_of_its_source",
    "PET, phase and field maps by their JSON": f"{CONTENT}::test_the_json_file",
    "maps and masks by their name": f"{CONTENT}::test_names_of_bids_and_of_tools",
    "z map by its intent": f"{CONTENT}::test_intents_of_nifti",
    "phase and z map by their voxels": f"{SIGNS}::test_signed_values_are_no_magnitude",
    "phase by SW_P_FFE, ADC, FA": f"{CONTENT}::test_words_of_image_type",
    "a map by its unit": "formats/dicom/test_kinds.py::test_a_unit_tells_a_map",
    "CT without its intercept": f"{SIGNS}::test_ct_without_its_intercept",
    "inspect says what enhance refuses": "cli/test_inspect.py::"
    "test_what_only_the_voxels_show_is_refused_as_by_enhance",
    "own results in the tree": f"{OWN}::test_own_results_are_skipped_and_described",
    "own results after an archive": f"{OWN}::test_a_result_is_known_by_its_series_description",
    "own results without their JSON": f"{SIDECAR}::test_a_result_is_known_without_its_json_file",
    "json, bval, bvec left behind": f"{SIDECAR}::test_json_and_tables_go_along",
    "tables of other names": f"{SIDECAR}::test_tables_of_other_names_go_along",
    "names of BIDS": "formats/test_naming.py::test_a_bids_name_is_kept_whole",
    "a quaternion over 1": f"{PLACE}::test_a_quaternion_over_1_by_rounding_is_read",
    "a sound sform suffices": f"{PLACE}::test_a_sound_sform_suffices",
    "qfac 0": f"{PLACE}::test_a_qfac_of_0_counts_as_1",
    "NIfTI pairs": f"{PLACE}::test_a_pair_is_known_by_either_file",
    "mha, nrrd, mgz": "formats/test_contract.py::test_a_round_trip_keeps_voxels_affine_and_unit",
    "formats that are named": f"{OTHERS}::test_a_named_file_is_refused_with_the_way_to_convert",
    "formats in a folder": f"{OTHERS}::test_in_a_folder_scans_of_such_a_format_are_a_warning",
    "a scout in the series": f"{STACK_BY}::test_a_scout_is_left_out",
    "echoes in private attributes": f"{STACK_BY}::test_a_private_attribute_is_named_and_taken",
    "label and control": f"{STACK_BY}::test_label_and_control_are_refused_by_name",
    "repeats that numbers tell apart": f"{STACK_BY}::test_numbers_alone_if_they_are_complete",
    "a second run over a part": f"{STACK_BY}::"
    "test_runs_over_different_ranges_become_volumes_of_their_own",
    "cardiac phases": f"{STACK_BY}::test_a_cardiac_phase_that_is_said_as_a_share",
    "PET beside CT": "formats/dicom/test_kinds.py::test_other_kinds_are_refused_with_the_reason",
    "mDIXON": f"{STACK_BY}::test_water_and_fat_are_stacked_by_image_type",
    "cine and perfusion by a clock": f"{STACK_BY}::test_a_clock_that_runs_through_the_slices",
    "one frame a file": "formats/dicom/test_enhanced.py::"
    "test_a_series_of_several_multi_frame_files_is_one",
    "phase beside magnitude": f"{STACK_BY}::test_phases_beside_magnitudes_are_left_out",
    "integers coarser than noise": f"{SIDECAR}::"
    "test_integers_too_coarse_for_the_noise_become_float32",
    "the same in DICOM": f"{BESIDE}::test_coarse_integers_are_described",
    "one slice with a factor": "inference/test_superresolution.py::"
    "test_one_slice_is_not_cut_into_several",
    "1500 small volumes share batches": "inference/test_together.py::"
    "test_small_slices_of_all_volumes_go_through_the_network_at_once",
    "values far from 1": "test_scaling.py::test_percentile_follows_the_gain_of_the_scanner",
    "an interrupted 4D scan": "batch/test_parts.py::test_an_interrupted_scan_goes_on_where_it_was",
    "a flipped twin": "test_volume.py::test_one_place_in_another_orientation_is_said",
    "CIFTI": f"{PLACE}::test_cifti_is_named",
    "parts of a split series": f"{BESIDE}::test_parts_of_a_split_series_are_separated",
    "frames of a map": "formats/dicom/test_maps.py::"
    "test_a_grid_against_the_order_of_files_gives_the_same_map",
    "brackets": f"{BESIDE}::test_no_rule_that_takes_the_result_takes_its_map",
    "two places on a finer grid": f"{PLACE}::test_both_places_are_moved_by_the_same_change_of_grid",
    "a scale that counts twice": f"{PLACE}::test_a_slope_counts_once_on_a_finer_grid_too",
    "a screenshot in the series": f"{STACK_BY}::test_a_screenshot_is_left_out",
    "a copy that was clipped": f"{BESIDE}::test_a_copy_that_was_clipped_is_still_one",
    "invalid optional values": f"{BESIDE}::test_what_is_invalid_and_optional_goes",
    "faults of the source": f"{BESIDE}::test_faults_of_the_source_are_set_apart",
    "Laterality": f"{BESIDE}::test_laterality_follows_the_region",
    "errors that the source lacks": "formats/dicom/test_no_new_errors.py::test_stacks",
    "UIH VFRAME": f"{BESIDE}::test_a_uih_vframe_is_named",
    "one 4D series by dcm2niix": f"{BESIDE}::test_a_trigger_time_without_a_trigger_stays_behind",
}


@pytest.mark.parametrize("fault", REPORTED)
def test_each_is_shown_by_a_test(fault: str) -> None:
    file, _, name = REPORTED[fault].partition("::")
    assert f"def {name}(" in (TESTS / file).read_text(encoding="utf-8")
