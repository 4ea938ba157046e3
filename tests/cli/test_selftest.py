"""`medddim selftest`: passes here, and fails where the arithmetic is wrong."""

import json

import pytest

from medddim import selftest
from medddim.selftest import Check

SOUND = [Check("one", 1e-16, 0.0, 1e-10), Check("two", 2.0, 1.85, 2.15)]


@pytest.mark.parametrize(
    ("figure", "code"), [(1e-12, 0), (1.0, 1), (float("nan"), 1)], ids=["sound", "wrong", "nan"]
)
def test_one_wrong_figure_is_exit_code_1(medddim, monkeypatch, figure, code):
    monkeypatch.setattr(selftest, "run", lambda: [*SOUND, Check("three", figure, 0.0, 1e-10)])
    result = medddim("selftest")
    assert result.exit_code == code
    assert ("WRONG" in result.stdout) == bool(code)
    lines = [json.loads(line) for line in medddim("selftest", "--json").stdout.splitlines()]
    assert [line["ok"] for line in lines] == [True, True, not code]


@pytest.mark.parametrize(
    "counts",
    [(1, 2, 10), pytest.param(selftest.COUNTS, marks=pytest.mark.slow)],
    ids=["few", "all"],
)
def test_this_machine_passes(medddim, monkeypatch, counts):
    monkeypatch.setattr(selftest, "COUNTS", counts)
    result = medddim("selftest")
    assert result.exit_code == 0, result.stdout
    assert "0 wrong" in result.stdout
