"""The plan before the run: seconds, memory and tiles; the run keeps to it, the record tells."""

import json

import pytest

from medddim import batch, memory
from medddim.batch import forecast as forecasts
from medddim.checkpoint import Checkpoint
from medddim.inference.cost import Measured
from tests import studies

MB = 10**6


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return studies.model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def run(heads, out, model):
    def run(dry_run=False, **more):
        job = batch.enhance_job(Checkpoint.open(model), precision="fp32", **more)
        return list(batch.run(batch.plan([heads], out), out, job=job, dry_run=dry_run))

    return run


def test_a_dry_run_plans_and_the_run_says_how_far_off_it_was(run, out):
    plans, results = run(dry_run=True), run()
    for planned, done in zip(plans, results, strict=True):
        assert planned.planned["tile"] == done.planned["tile"]
        assert planned.planned["memory_mb"] > 50
        assert done.planned["seconds"] > 0
        assert done.peak_mb > 50
    stated = json.loads((out / "medddim.json").read_text())["planned_and_taken"]
    assert stated["seconds"][1] == pytest.approx(sum(one.seconds for one in results), abs=0.1)
    assert stated["memory_mb"][1] >= done.peak_mb


def test_too_little_memory_is_refused_with_the_numbers(run, out):
    for dry_run in (True, False):
        refused = run(dry_run, memory=10 * MB)
        assert {one.status for one in refused} == {"refused"}
        assert "--memory allows 0.01 GB" in refused[0].reason
        assert "GB of memory in the smallest tiles" in refused[0].reason
    assert sorted(studies.contents(out)) == []


def test_what_the_machine_has_is_the_limit(run, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10 * MB)  # enough to read them
    monkeypatch.setattr("medddim.batch.enhancing.measure", lambda enhancer: Measured(1.0, 1e5))
    (refused, *_) = run(dry_run=True, memory=10**15)
    assert "this machine has" in refused.reason


def test_the_run_keeps_to_the_tiles_of_its_plan(run, out, monkeypatch):
    wide = {"a": 512, "b": 512, "c": 512}
    assert {one.name: one.planned["tile"] for one in run(dry_run=True)} == wide
    monkeypatch.setattr(forecasts, "_within", lambda costs, room: costs[3])
    small = run()
    assert {one.planned["tile"] for one in small} == {160}
    assert {one.facts["tile"] for one in small} == {160}


def within_the_usual(costs, room):
    """The smallest tiles, where little room is asked for; the largest, where much is."""
    return costs[0] if room > forecasts.USUAL else costs[3]


@pytest.mark.parametrize(("slower", "tile"), [(1.0, 512), (1e9, 160)])
def test_smaller_tiles_are_taken_unless_they_take_much_longer(run, monkeypatch, slower, tile):
    """Heads of 48 voxels are one tile of either edge: all that differs is the bound."""
    monkeypatch.setattr(forecasts, "_within", within_the_usual)
    monkeypatch.setattr(memory, "available", lambda: 10**11)
    monkeypatch.setattr(forecasts, "SLOWER", slower - 0.5)
    assert {one.planned["tile"] for one in run(dry_run=True)} == {tile}


def test_work_without_a_forecast_has_no_plan(heads, out, halving):
    (done, *_) = batch.run(batch.plan([heads], out), out, job=halving())
    assert done.planned == {}
