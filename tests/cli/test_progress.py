"""How far a run is, for programs: lines of JSON, not too many."""

import json

from medddim.cli import progress


def said(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_events_come_once_a_second_at_most(monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.events(4) as tell:
        for tenth in range(25):  # of a second
            now = 100 + tenth / 10
            tell(tenth / 10)
    assert said(capsys) == [{"progress": 1.0, "scans": 4}, {"progress": 2.0, "scans": 4}]


def test_where_nobody_watches_a_line_a_minute_says_that_it_goes_on(monkeypatch, capsys):
    now = 100.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    with progress.bar(2) as tell:
        for now in (110.0, 150.0, 161.0, 219.0, 222.0):
            tell(now / 200)
    assert capsys.readouterr().err.splitlines() == ["scan 1 of 2", "scan 2 of 2"]


def test_a_run_in_json_says_on_stderr_how_far_it_is(medddim, study, monkeypatch):
    monkeypatch.setattr(progress.time, "monotonic", iter(range(10000)).__next__)
    result = medddim("enhance", "study", "-o", "out", "--model", "identity", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    events = [json.loads(line) for line in result.stderr.splitlines()]
    assert [line["status"] for line in lines] == ["ok", "ok"]
    assert events[-1] == {"progress": 2, "scans": 2}


def test_exit_zero_hides_scans_that_were_refused_and_nothing_else(medddim, study):
    (study / "broken.nii.gz").write_bytes(b"no scan")
    command = ("enhance", "study", "-o", "out", "--model", "identity")
    assert medddim(*command).exit_code == 1
    assert medddim(*command, "--exit-zero").exit_code == 0
    assert medddim(*command, "--exit-zero", "--workers", "0").exit_code == 2
    assert medddim("enhance", "study", "-o", "study", "--exit-zero").exit_code == 2
