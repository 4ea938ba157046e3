"""Disks that fill up, folders nobody may write to, runs that race: a defined end, nothing lost."""

import errno
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from medddim import batch, record
from medddim.errors import EnvironmentProblem, WriteRefused
from tests import studies

SIZES = (0, 64, 500, 1500, 4000, 8000, 11000, 13000, 14000, 30000)
"""Bytes from nothing to more than a result, its record and its manifest."""


@contextmanager
def largest_file(size):
    """No file of this process becomes larger; a disk that is full answers with another number."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def hidden(out):
    return [path.name for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of the size of a file")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.daily(3)
def test_what_a_disk_does_not_take_is_said_and_done_later(heads, out, tmp_path, halving, size):
    scans = batch.plan([heads], out)
    list(batch.run(scans[:1], out, job=halving()))
    before = studies.contents(out)
    outcomes = []
    try:
        with largest_file(size):
            outcomes += batch.run(scans, out, job=halving())
    except EnvironmentProblem as problem:
        assert " be written: " in str(problem)  # noqa: PT017 - some sizes let it end well
    assert {one.status for one in outcomes} <= {"ok", "done before", "refused"}
    assert studies.contents(out).items() >= before.items()
    assert all(one.good for one in record.last_lines(out).values())
    assert {one.good for one in batch.run(scans, out, job=halving())} == {True}
    list(batch.run(scans, tmp_path / "undisturbed", job=halving()))
    assert studies.contents(out) == studies.contents(tmp_path / "undisturbed")
    assert hidden(out) == []


@pytest.mark.parametrize("moment", range(10))
@pytest.mark.daily(3)
def test_a_full_disk_wherever_it_is_met(heads, out, tmp_path, halving, monkeypatch, moment):
    """The tenth of the calls that a disk can refuse: opening, replacing, making a folder."""
    scans, calls, undisturbed = batch.plan([heads], out), iter(range(1000)), os.replace

    def full(*places, **more):
        if next(calls) >= moment:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(places[-1]))
        return undisturbed(*places, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        patch.setattr(Path, "replace", lambda self, target: full(self, target) or Path(target))
        try:
            outcomes = list(batch.run(scans, out, job=halving()))
            assert {one.status for one in outcomes} <= {"ok", "refused"}
        except EnvironmentProblem as problem:
            assert "No space left" in str(problem)  # noqa: PT017 - some moments let it end well
    assert {one.good for one in batch.run(scans, out, job=halving())} == {True}
    list(batch.run(scans, tmp_path / "undisturbed", job=halving()))
    assert studies.contents(out) == studies.contents(tmp_path / "undisturbed")
    assert hidden(out) == []


def test_a_folder_nobody_may_write_to_ends_the_run(heads, out, halving, monkeypatch):
    """Denied by what opens files, for root may write wherever the mode forbids it."""
    scans, undisturbed = batch.plan([heads], out), Path.open
    list(batch.run(scans[:1], out, job=halving()))
    before = studies.contents(out)

    def denied(self, mode="r", *more, **options):
        if mode[0] in "wax" and out in self.parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return undisturbed(self, mode, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", denied)
        with pytest.raises(EnvironmentProblem, match="Permission denied"):
            list(batch.run(scans, out, job=halving()))
    assert studies.contents(out) == before


def test_two_runs_that_race_make_each_result_once(heads, out, tmp_path, halving):
    scans = batch.plan([heads], out)
    list(batch.run(scans, tmp_path / "undisturbed", job=halving()))

    def run(place):
        try:
            return [one.status for one in batch.run(scans, place, job=halving())]
        except (EnvironmentProblem, WriteRefused) as problem:
            return [str(problem)]

    for number in range(10):
        place = tmp_path / str(number)
        with ThreadPoolExecutor(2) as both:
            ends = list(both.map(run, (place, place)))
        made = [end for end in ends if "ok" in end]
        assert made == [["ok"] * 3]
        other = next(end for end in ends if "ok" not in end)
        assert other == ["done before"] * 3 or "another run" in other[0]
        assert studies.contents(place) == studies.contents(tmp_path / "undisturbed")
        assert hidden(place) == []
