"""Which scans are trained on: all below a folder, but those held out."""

import pytest

from medddim.errors import RecipeError
from medddim.recipe import DataRecipe
from medddim.training.scans import chosen, last_subjects, load_volumes
from tests import studies


@pytest.fixture
def root(tmp_path):
    """Two subjects with NIfTI files in folders, a DICOM series, and what is no scan."""
    for place in ("sub-01/ses-1/anat", "sub-01/ses-2/anat", "sub-02/anat"):
        studies.nifti(tmp_path / place, "T1w")
    studies.dicom(tmp_path / "sub-03")
    studies.truncated(tmp_path)
    return tmp_path


def names(scans):
    return [set(one) for one in scans]


def test_without_patterns_all_scans_are_taken_and_the_last_subject_is_held_out(root):
    train, held_out = names(chosen(DataRecipe(), root, modality="MR"))
    assert train == {"sub-01/ses-1/anat/T1w", "sub-01/ses-2/anat/T1w", "sub-02/anat/T1w"}
    assert held_out == {"sub-03/series"}


def test_what_is_held_out_by_name_is_not_trained_on(root):
    known = DataRecipe(validate_on=("sub-01/*/anat/*.nii.gz",))
    train, held_out = names(chosen(known, root, modality="MR"))
    assert train == {"sub-02/anat/T1w", "sub-03/series"}
    assert len(held_out) == 2


def test_a_pattern_takes_a_folder_of_dicom(root):
    assert load_volumes(root, ["sub-03/series"])["sub-03/series"].shape


def test_one_subject_alone_is_not_held_out(tmp_path):
    studies.nifti(tmp_path, "sub-01_T1w")
    train, held_out = names(chosen(DataRecipe(), tmp_path, modality="MR"))
    assert (train, held_out) == ({"sub-01_T1w"}, set())
    assert last_subjects({}) == []


def test_a_folder_without_scans_of_the_modality_says_what_to_do(root):
    with pytest.raises(RecipeError, match=r"expected CT scans .* found none among 5"):
        chosen(DataRecipe(), root, modality="CT")
    with pytest.raises(RecipeError, match=r"nothing .* is left to train on"):
        chosen(DataRecipe(validate_on=("sub-*",)), root, modality="MR")
