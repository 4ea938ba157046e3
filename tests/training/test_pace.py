"""A run that has to end in time."""

import time

import pytest

from medddim.recipe import Recipe, TrainingRecipe
from medddim.training import pace
from medddim.training.pace import Pace
from medddim.training.trainer import train
from tests import studies
from tests.recipes import tiny


def test_steps_follow_from_the_rate_of_the_first_tenth(monkeypatch):
    now = iter([100.0, 105.9, 106.0, 150.0])  # begun, too early, a tenth of a minute gone, later
    monkeypatch.setattr(pace.time, "monotonic", lambda: next(now))
    one, recipe = Pace(1, first=20), TrainingRecipe(steps=10**6)
    assert one.fitted(recipe, 31) is recipe
    fitted = one.fitted(recipe, 32)  # 12 steps in 6 s, and 48 s are left of nine tenths
    assert fitted.steps == 32 + 96
    assert fitted.decay == (fitted.steps - 20) // 2
    assert one.fitted(fitted, 40) is fitted


def test_without_minutes_a_run_is_as_long_as_its_recipe():
    recipe = TrainingRecipe(steps=10)
    assert Pace(None, first=0).fitted(recipe, 9) is recipe


@pytest.mark.slow
def test_a_run_of_some_seconds_ends_in_time_and_says_how_long_it_was(tmp_path):
    studies.nifti(tmp_path / "train", "one", noise=0.0, seed=0)
    began = time.monotonic()
    run = train(
        tiny(training={"steps": 10**7, "decay": 10**6}),
        tmp_path / "run",
        data=tmp_path,
        minutes=0.04,
    )
    assert time.monotonic() - began < 60  # 2.4 s, on a machine that has other things to do
    steps = Recipe.load(run / "recipe.yaml").training.steps
    assert 1 < steps < 10**5
    assert f'"step": {steps}' in (run / "log.jsonl").read_text().splitlines()[-1]
