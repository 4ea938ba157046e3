"""What goes on record of a scan beside what its plan says."""

from dataclasses import replace
from pathlib import Path

from medddim.batch.facts import found, with_repairs
from medddim.formats import Derivation, Series
from tests.phantoms import head


def series(**facts):
    return Series("nifti", "head", (Path("head.nii"),), facts=facts)


def test_what_only_the_answer_could_say_is_found():
    made = Derivation("denoise", "denoised", {"model": "m", "tile": 64, "steps": 1})
    answer = replace(head(), derivation=made)
    assert found((answer, {}), known={"model": "m", "steps": 1}) == {"tile": 64}
    assert found((head(), {}), known={"model": "m"}) == {}


def test_a_sound_scan_has_the_facts_of_its_plan():
    facts = {"noise_level": 0.1, "warning": "noisy"}
    assert with_repairs(facts, series()) is facts
    assert with_repairs(facts, series(repairs=[], notes=[])) is facts


def test_repairs_and_notes_are_a_warning_too():
    scan = series(repairs=["a slice", "a tilt"], notes=["a localizer left out"])
    assert with_repairs({"warning": "noisy", "steps": 1}, scan) == {
        "steps": 1,
        "repairs": ["a slice", "a tilt"],
        "warning": "noisy; a slice; a tilt; a localizer left out",
    }
    assert with_repairs({}, series(notes=["left out"])) == {"warning": "left out"}
    assert with_repairs({}, series(repairs=["a tilt"])) == {
        "repairs": ["a tilt"],
        "warning": "a tilt",
    }
