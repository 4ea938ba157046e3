"""The plan before the run: seconds, memory and tiles; the run keeps to it, the record tells."""

import json
from types import SimpleNamespace

import pytest

from medddim import batch, memory
from medddim.batch import forecast as forecasts
from medddim.batch.extras import Extras
from medddim.checkpoint import Checkpoint
from medddim.errors import UnsupportedScan
from medddim.inference.cost import Cost, Measured
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


GB = 10**9
COSTS = [Cost(8.0, 1 * GB, 3 * GB, 512), Cost(9.0, 1 * GB, 1 * GB, 256), Cost(12.0, GB, 0, 128)]
"""Of three edges: 4.4, 2.2 and 1.1 GB as the allocators keep them."""


@pytest.fixture
def forecast_of(monkeypatch):
    """What is forecast on a machine that holds and has so many bytes."""
    plan = SimpleNamespace(consistency=SimpleNamespace(shape=(1, 4, 5, 6)))

    def forecast(held, available, limit=None, peak=0, costs=COSTS, **beside):
        monkeypatch.setattr(memory, "held", lambda: held)
        monkeypatch.setattr(memory, "available", lambda: available)
        monkeypatch.setattr(memory, "peak", lambda: peak)
        monkeypatch.setattr(forecasts, "tiles_for", lambda enhancer: range(3))
        monkeypatch.setattr(forecasts, "cost_of", lambda *args, tile: costs[tile])
        known = Measured(1.0, 1.0)
        return forecasts.forecast(None, plan, known, limit=limit, beside=Extras(**beside))

    return forecast


@pytest.mark.parametrize(
    ("held", "available", "limit", "tile", "total"),
    [
        (0, 9 * GB, 9 * GB, 512, 4.4),  # all there is may be taken, if it is allowed
        (0, 4.4 * GB, 9 * GB, 512, 4.4),
        (0, 4.3 * GB, 9 * GB, 256, 2.2),
        (GB, 9 * GB, 5.4 * GB, 512, 5.4),  # what is held counts
        (GB, 9 * GB, 5.3 * GB, 256, 3.2),
        (0, 9 * GB, None, 512, 4.4),  # in the usual 2 GB it would take half as long again
        (0, 1.2 * GB, None, 128, 1.1),
    ],
)
def test_the_largest_tiles_that_fit(forecast_of, held, available, limit, tile, total):
    found = forecast_of(held, available, limit)
    assert found.tile == tile
    assert found.bytes == pytest.approx(total * GB)
    assert found.seconds == next(one.seconds for one in COSTS if one.tile == tile)


@pytest.mark.parametrize(
    ("beside", "held", "after"),
    [
        ({}, 0, 0),
        ({"receipt": True}, 3, 0),
        ({"interval": 90}, 0, 2 + 6),
        ({"residual": True}, 0, 1),
        ({"receipt": True, "interval": 90, "invented": True}, 3 + 3, 3 + 6),
    ],
)
def test_what_is_asked_for_beside_the_answer_is_counted(forecast_of, beside, held, after):
    answer = 4 * 4 * 5 * 6
    for cost, arrays in ((Cost(1.0, GB, GB, 64), held), (Cost(1.0, 0, 0, 64, GB), after)):
        found = forecast_of(0, 9 * GB, costs=[cost] * 3, **beside)
        assert found.bytes == round(1.1 * (cost.bytes + arrays * answer))


def test_the_usual_memory_is_kept_to_where_it_costs_no_more_than_a_quarter(
    forecast_of, monkeypatch
):
    monkeypatch.setattr(forecasts, "USUAL", 2.2 * GB)
    assert forecast_of(0, 9 * GB).tile == 256  # 9 s for 8
    monkeypatch.setattr(forecasts, "USUAL", 1.1 * GB)
    assert forecast_of(0, 9 * GB).tile == 512  # 12 s for 8
    assert forecast_of(0, 9 * GB, limit=9 * GB).tile == 512
    assert forecasts.SLOWER == 1.25
    monkeypatch.setattr(forecasts, "SLOWER", 1.5)
    assert forecast_of(0, 9 * GB).tile == 128


def test_what_the_process_has_taken_before_is_its_peak(forecast_of):
    assert forecast_of(0, 9 * GB, 9 * GB, peak=6 * GB).bytes == 6 * GB


@pytest.mark.parametrize(
    ("available", "limit", "whose"),
    [
        (GB, None, "this machine has 1.50"),
        (GB, 9 * GB, "this machine has 1.50"),
        (9 * GB, 1.25 * GB, "--memory allows 1.25"),
    ],
)
def test_what_does_not_fit_is_refused_in_numbers(forecast_of, available, limit, whose):
    with pytest.raises(UnsupportedScan) as said:
        forecast_of(GB / 2, available, limit)
    assert str(said.value) == (
        f"an answer of 1×4×5×6 voxels takes 1.60 GB of memory in the smallest tiles, and {whose} "
        "GB for this process; end other programs, allow more, or cut the scan into smaller ones"
    )


def test_a_forecast_for_the_record():
    found = forecasts.Forecast(2.0, 1_499_600_000, 64).facts(reading_s=1.256)
    assert found == {"seconds": 3.256, "memory_mb": 1500, "tile": 64}
