"""The plan of a scan: found without weights, and all that the answer depends on."""

import sys
from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from medddim.errors import RequestProblem, UnsupportedScan
from medddim.inference.plan import plan_scan
from medddim.inference.settings import Asked, Settings
from medddim.scaling import Scaling
from medddim.volume import Volume
from tests.inference.test_superresolution import FINER
from tests.inference.test_superresolution import scan as coarse
from tests.phantoms import head, textured
from tests.recipes import tiny
from tests.studies import enhancer

DRAWING = {"diffusion": {"path": "variance-preserving", "prediction": "v"}}


def test_the_noise_is_the_same_in_the_scans_unit_and_as_a_share():
    scan = head()
    scale = Scaling.fit(scan).scale
    by_unit = plan_scan(tiny(), scan, Settings(noise=0.0712345 * scale))
    by_share = plan_scan(tiny(), scan, Settings(noise_share=0.0712345))
    assert by_unit.strength == by_share.strength == (pytest.approx(0.07123, abs=1e-12),)
    assert by_unit.facts == by_share.facts
    assert by_unit.facts["noise_level"] == 0.07123


def test_a_scan_that_its_scanner_denoised_is_warned_of():
    said = SimpleNamespace(beside=SimpleNamespace(said={"ImageTypeText": ["M", "DRB"]}))
    found = plan_scan(tiny(), replace(head(), source=said), Settings(noise_share=0.05))
    assert "Deep Resolve Boost" in found.facts["warning"]


def test_a_plan_is_made_without_the_network(monkeypatch):
    monkeypatch.setitem(sys.modules, "medddim.networks", None)  # importing it would fail
    assert plan_scan(tiny(), head()).facts["noise_level"] > 0


def test_a_plan_is_carried_out_as_often_as_asked():
    wired, scan = enhancer(), textured((24, 20, 4))
    plan = wired.plan(scan, Settings(steps=2, seed=1))
    assert plan.network_evaluations == 2
    first, again = wired.answer(plan), wired.answer(plan)
    assert np.array_equal(first.voxels, again.voxels)
    assert np.array_equal(first.voxels, wired(scan, steps=2, seed=1).voxels)


def test_the_derivation_is_what_was_asked_and_what_was_found():
    plan = plan_scan(tiny(), head(), Settings(steps=3, seed=2))
    made = plan.derivation(sha256="ab", precision="fp32")
    assert list(made.parameters) == [
        "kind", "model", "model_sha256", "recipe_sha256", "steps", "fidelity", "seed", "noise",
        "precision", "network_evaluations", "noise_level", "warning",
    ]  # fmt: skip
    assert made.parameters["noise"] == "estimated"
    finer = plan_scan(tiny(**FINER), coarse(), Settings(factor=4)).derivation(
        sha256="ab", precision="fp32"
    )
    assert finer.parameters["factor"] == [1, 1, 4]
    assert "noise" not in finer.parameters


def test_a_scan_that_does_not_say_what_it_is_is_taken_for_the_models_modality():
    silent = replace(head(), modality="")
    plan = plan_scan(tiny(), silent)
    assert plan.facts["taken_for"] == plan.scan.modality == "MR"
    assert plan.volume is silent
    assert enhancer()(silent).modality == ""


@pytest.mark.parametrize(
    ("settings", "evaluations"),
    [
        ({}, 1),
        ({"steps": 4}, 4),
        ({"steps": 4, "fidelity": 1}, 1),
        ({"steps": 4, "samples": 3}, 12),
    ],
)
def test_evaluations_are_steps_times_samples(settings, evaluations):
    plan = plan_scan(tiny(**DRAWING), head(), Settings(**settings))
    assert plan.network_evaluations == evaluations


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"steps": 0}, "at least 1 step, found 0"),
        ({"fidelity": 1.5}, "fidelity from 0 to 1"),
        ({"fidelity": float("nan")}, "fidelity from 0 to 1"),
        ({"noise": -1.0}, "noise of 0 or more"),
        ({"noise_share": float("inf")}, "noise of 0 or more"),
        ({"noise": 1.0, "noise_share": 0.1}, "say the same thing"),
        ({"factor": 2, "spacing_mm": (1.0,)}, "say the same thing"),
        ({"samples": 3, "fidelity": 0.5}, "fidelity would shrink"),
        ({"steps": 2.5}, "a whole number as steps, found 2.5"),
        ({"steps": "4"}, "a whole number as steps, found '4'"),
        ({"seed": None}, "a whole number as seed, found None"),
        ({"samples": 2.0}, "a whole number as samples"),
        ({"noise": "5%"}, "a number as noise, found '5%'"),
        ({"noise_share": [0.05, 0.1]}, "a number as noise_share"),
        ({"fidelity": np.ones(3)}, "a number as fidelity"),
        ({"sampler": 3}, "expected a sampler of"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(wrong, why):
    with pytest.raises(RequestProblem, match=why):
        Settings(**wrong)


def test_numbers_of_other_libraries_become_plain_ones():
    given = Settings(steps=np.int64(4), seed=torch.tensor(3), noise=np.float32(0.5), fidelity=1)
    plain = {"steps": 4, "seed": 3, "noise": 0.5, "fidelity": 1.0}
    assert {name: type(getattr(given, name)) for name in plain} == {
        name: type(value) for name, value in plain.items()
    }
    assert given == Settings(**plain)


@pytest.mark.parametrize(
    ("recipe", "settings", "why"),
    [
        ({}, {"factor": 2}, "takes no factor"),
        ({}, {"spacing_mm": (1.0,)}, "no spacing"),
        (FINER, {}, "needs a factor"),
        ({}, {"samples": 2, "steps": 8}, "draws no noise"),
        (DRAWING, {"samples": 2}, "more than 1 step"),
        (DRAWING, {"samples": 1, "steps": 8}, "2 samples or more, found 1"),
        ({}, {"sampler": "euler"}, "a sampler of ddim, second-order, ancestral, found 'euler'"),
    ],
)
def test_settings_not_meant_for_the_model_are_refused(recipe, settings, why):
    with pytest.raises(RequestProblem, match=why):
        Settings(**settings).require_fitting(tiny(**recipe))


def test_another_modality_is_refused():
    scan = Volume(head().voxels, np.eye(4), modality="CT", unit="HU")
    with pytest.raises(UnsupportedScan, match="for MR and the scan is CT"):
        plan_scan(tiny(), scan)


def test_the_keyword_arguments_are_the_settings():
    assert set(Asked.__annotations__) == {one.name for one in fields(Settings)} - {"samples"}


def test_fast_takes_one_view_and_says_so():
    recipe = tiny(self_ensemble=True)
    best, fast = (plan_scan(recipe, head(), Settings(quality=q)) for q in ("best", "fast"))
    assert (len(best.views), len(fast.views)) == (4, 1)
    assert fast.network_evaluations == 1
    made = [plan.derivation(sha256="", precision="fp32").parameters for plan in (best, fast)]
    assert ["quality" in one for one in made] == [False, True]
    with pytest.raises(RequestProblem, match="fast or best, found 'swift'"):
        Settings(quality="swift")


def test_ct_is_seen_from_one_view_unless_the_best_is_asked_for():
    recipe = tiny(
        modality="CT",
        self_ensemble=True,
        scaling={"kind": "window", "window": (0.0, 1000.0)},
        degradation={"kind": "low-dose", "dose": (0.1, 0.5)},
    )
    scan = Volume(1000 * head().voxels - 1000, np.eye(4), modality="CT", unit="HU")
    plans = [plan_scan(recipe, scan, Settings(quality=q)) for q in ("auto", "fast", "best")]
    assert [len(plan.views) for plan in plans] == [1, 1, 4]
    one, same, four = (p.derivation(sha256="", precision="fp32").parameters for p in plans)
    assert one == same != four
