"""Whether a training can begin: judged before it is begun, and by the trainer itself."""

import pytest

from medddim import formats
from medddim.errors import RecipeError, UnreadableScan, WriteRefused
from medddim.recipe import Recipe
from medddim.training.places import RESUME
from medddim.training.request import require_same, require_scans, require_sound
from tests import studies
from tests.recipes import tiny


def test_another_run_is_not_overwritten(tmp_path):
    (tmp_path / RESUME).touch()
    with pytest.raises(WriteRefused, match="--resume"):
        require_sound(tiny(), tmp_path)
    require_sound(tiny(training={"start_from": "gone"}), tmp_path, resume=True)


def test_a_batch_that_cannot_be_shared_and_a_model_that_is_not_there(tmp_path):
    with pytest.raises(RecipeError, match="cannot share it evenly"):
        require_sound(tiny(), tmp_path, devices=5)


def test_a_run_that_ends_within_its_warmup_is_not_begun_but_one_that_was_cut_short_is_a_model(
    tmp_path,
):
    short = tiny(training={"steps": 20, "warmup": 20})
    with pytest.raises(RecipeError, match="ends within its warmup of 20"):
        require_sound(short, tmp_path)
    (tmp_path / "recipe.yaml").write_text(short.dump())
    assert Recipe.load(tmp_path / "recipe.yaml").training.steps == 20


def test_scans_are_looked_for_by_pattern_or_by_modality(tmp_path):
    studies.nifti(tmp_path / "train")
    require_scans(tiny(), tmp_path)
    for train in (("train/*.mgz",), ()):
        recipe = tiny(modality="CT", data={"train": train, "validate_on": ()})
        studies.dicom(tmp_path / "mr", f"series{len(train)}")
        with pytest.raises(UnreadableScan, match=r"nothing below|expected CT scans"):
            require_scans(recipe, tmp_path if train else tmp_path / "mr")


def test_scans_of_another_modality_are_left_out_before_their_geometry_is_looked_at(tmp_path):
    studies.gap(tmp_path)
    verdicts = [formats.find_for(tmp_path, modality)[0].refusal for modality in ("MR", "CT")]
    assert list(map(bool, verdicts)) == [True, False]
    with pytest.raises(UnreadableScan, match="expected CT scans"):
        require_scans(tiny(modality="CT", data={"train": (), "validate_on": ()}), tmp_path)


def test_a_run_goes_on_with_the_recipe_it_was_begun_with(tmp_path):
    begun = tiny()
    require_same(begun, tiny(training={"steps": 50}), tmp_path)
    with pytest.raises(RecipeError, match=r"another training\.patch"):
        require_same(begun, tiny(training={"patch": 8}), tmp_path)
