"""Which scans are trained on: all below a folder, but those held out."""

import pytest

from medddim import formats
from medddim.errors import RecipeError, UnreadableScan
from medddim.formats import Derivation
from medddim.recipe import DataRecipe
from medddim.training.proposal import look_at
from medddim.training.scans import chosen, last_subjects, load_volumes
from tests import studies

DENOISED = Derivation("denoise", "AI denoised", {"model": "x"})


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


@pytest.fixture
def mixed(root):
    """The same folder, with results of medddim in two of its folders."""
    scan = formats.read(root / "sub-02/anat/T1w.nii.gz")
    for place in ("sub-02/anat", "better"):
        formats.write(scan, root / place, name="T1w_done", derivation=DENOISED)
    return root


@pytest.mark.parametrize(
    "known",
    [
        DataRecipe(),
        DataRecipe(validate_on=("sub-03/series",)),
        DataRecipe(train=("sub-0[12]/**/*.nii.gz",), validate_on=("sub-03/*",)),
    ],
    ids=["all", "held out", "patterns"],
)
def test_results_of_medddim_are_left_out_and_one_line_says_so(mixed, known, caplog):
    both = chosen(known, mixed, modality="MR")
    again = chosen(known, mixed, modality="MR")
    there = {name for one in both for name in one}
    assert there == {name for one in again for name in one}
    assert not [name for name in there if "done" in name]
    said = [line for line in caplog.messages if "results of medddim" in line]
    assert len(said) == 1
    assert "2 of 7" in said[0] or "1 of 4" in said[0]


@pytest.mark.parametrize("patterns", [(), ("better/*",), ("better",)], ids=str)
def test_results_of_medddim_alone_are_nothing_to_learn_from(mixed, patterns):
    known = DataRecipe(train=patterns)
    with pytest.raises(UnreadableScan, match=r"all 1 scans .* would learn its own answers"):
        chosen(known, mixed if patterns else mixed / "better", modality="MR")


def test_a_recipe_for_a_folder_leaves_results_out(mixed):
    found = look_at(str(mixed))
    assert len(found.scans) == 4
    assert found.subjects == 3


def test_one_subject_alone_is_not_held_out(tmp_path):
    studies.nifti(tmp_path, "sub-01_T1w")
    train, held_out = names(chosen(DataRecipe(), tmp_path, modality="MR"))
    assert (train, held_out) == ({"sub-01_T1w"}, set())
    assert last_subjects({}) == []


def test_a_folder_without_scans_of_the_modality_says_what_to_do(root):
    with pytest.raises(UnreadableScan, match=r"expected CT scans .* found none among 5"):
        chosen(DataRecipe(), root, modality="CT")
    with pytest.raises(RecipeError, match=r"nothing .* is left to train on"):
        chosen(DataRecipe(validate_on=("sub-*",)), root, modality="MR")
