"""A run that is killed again and again, or whose disk is full, loses nothing that was finished."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medddim import batch, record
from medddim.errors import EnvironmentProblem
from tests import studies

KILLS = Path(__file__).resolve().parents[2] / "benchmarks" / "kills.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows has no fork")
@pytest.mark.slow
def test_kills_at_random_moments_leave_nothing_broken():
    command = [sys.executable, KILLS, "--kills=3", "--scans=3", "--model=identity"]
    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert said["runs"] >= 4
    wrong = ("differing", "strangers", "corrupt", "done_again", "temporary_files")
    assert {key: said[key] for key in wrong} == dict.fromkeys(wrong, 0)


@pytest.mark.parametrize("moment", range(1, 4))
def test_a_disk_that_is_full_ends_the_run_and_the_next_goes_on(
    heads, out, tmp_path, halving, monkeypatch, moment
):
    scans, calls, sync = batch.plan([heads], out), iter(range(1, 100)), os.fsync

    def full(handle):
        if next(calls) >= moment:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(EnvironmentProblem, match="No space left"):
            list(batch.run(scans, out, job=halving()))
    assert all(outcome.good for outcome in record.last_lines(out).values())
    assert {one.good for one in batch.run(scans, out, job=halving())} == {True}
    list(batch.run(scans, tmp_path / "undisturbed", job=halving()))
    assert studies.contents(out) == studies.contents(tmp_path / "undisturbed")
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []
