"""The recipe that `train --init` writes, as a file for people."""

import pytest

from medddim.models import RECIPE, folder_of
from medddim.recipe import Recipe
from medddim.training.document import begins_with, document
from medddim.training.proposal import Found, lasting, proposed


def found(root, modality="MR", **changed):
    known = {
        "root": root, "pattern": "", "scans": {}, "held_out": (), "subjects": 2,
        "modality": modality, "planes": "axial", "pixels_mm": (1.0, 1.0), "slices_mm": (3.0, 5.0),
        "side": 96, "block": 48, "noise": (0.01, 0.02),
    } | changed  # fmt: skip
    return Found(**known)


def made(tmp_path, monkeypatch, model, *, begin, modality="MR", **changed):
    monkeypatch.setattr("medddim.training.proposal._places", lambda *_: ("one.nii.gz",))
    base = Recipe.load(folder_of(model) / RECIPE)
    scans = found(tmp_path, modality, **changed)
    recipe = lasting(proposed(scans, base, name="mine", begin=begin), steps=500)
    return recipe, document(recipe, scans, file="mine.yaml", length="500 steps, about 20.0 min")


@pytest.mark.parametrize("scratch", [False, True], ids=["", "from scratch"])
@pytest.mark.parametrize(
    ("model", "modality"),
    [("mr-denoise-fast", "MR"), ("mr-denoise", "MR"), ("ct-denoise", "CT")],
)
def test_every_key_has_a_comment(tmp_path, monkeypatch, model, modality, scratch):
    begin = "" if scratch else model
    recipe, text = made(tmp_path, monkeypatch, model, begin=begin, modality=modality)
    assert Recipe.parse(text) == recipe
    keys = [line for line in text.splitlines() if ":" in line and not line.startswith("#")]
    bare = [line for line in keys if "  # " not in line and not line.endswith(":")]
    assert not bare


def test_it_says_what_it_begins_with_and_how_fast_that_is(tmp_path, monkeypatch):
    for model, words in (
        ("mr-denoise-fast", "--quality best"), ("mr-denoise", "slower than mr-denoise-fast"),
        ("", "--from-scratch"),
    ):  # fmt: skip
        recipe, text = made(tmp_path, monkeypatch, model or "mr-denoise-fast", begin=model)
        assert words in begins_with(recipe)
        assert text.count(begins_with(recipe)) == 2  # at the top, and at the key


def test_a_patch_is_no_larger_than_its_network_finds_room_for(tmp_path, monkeypatch):
    for model, patch in (("mr-denoise-fast", 48), ("mr-denoise", 96)):
        recipe, _ = made(tmp_path, monkeypatch, model, begin=model, held_out=("one",),
                         scans={"one": None, "two": None})  # fmt: skip
        assert recipe.training.patch == patch
    recipe, _ = made(tmp_path, monkeypatch, "mr-denoise-fast", begin="")
    assert recipe.training.patch == 32  # of a single scan a part is held out
