"""Reading, computing and writing overlap; what was begun is ended, and nothing else is begun."""

import threading

import pytest

from medddim import batch
from medddim.batch.jobs import Job, NothingToPlan
from medddim.batch.overlap import DEPTH
from tests import studies

SECONDS = 60


@pytest.fixture
def four(heads):
    studies.nifti(heads, "d", seed=3)
    studies.nifti(heads, "e", seed=4)
    return heads


def job(plan=lambda volume: NothingToPlan(), *, work=lambda progress, volume: None):
    def start(progress):
        def done(volume, plan):
            work(progress, volume)
            return volume, {}

        return done

    return Job("identity", "Copied", {}, start, plan=plan)


def test_the_next_scan_is_read_and_the_last_written_while_one_is_computed(heads, out):
    read = {name: threading.Event() for name in "abc"}

    def plan(volume):
        read[volume.name].set()
        return NothingToPlan()

    def work(progress, volume):
        if volume.name == "b":
            assert read["c"].wait(SECONDS)
            written = threading.Event()
            while not (out / "a.nii.gz").exists():
                assert not written.wait(0.01)

    scans = batch.plan([heads], out)
    outcomes = list(batch.run(scans, out, job=job(plan, work=work)))
    assert [(one.name, one.status) for one in outcomes] == [(name, "ok") for name in "abc"]


class Halves:
    """Work whose end waits until the beginning of the next scan is done, and the other way."""

    def __init__(self):
        self.begun_of, self.ended_of = ({name: threading.Event() for name in "abc"} for _ in "ab")

    def begun(self, volume, plan):
        if volume.name == "c":
            assert self.ended_of["a"].wait(SECONDS)
        self.begun_of[volume.name].set()

        def rest():
            if volume.name == "a":
                assert self.begun_of["b"].wait(SECONDS)
            self.ended_of[volume.name].set()
            return volume, {}

        return rest

    def __call__(self, volume, plan):
        pytest.fail("not in one")


def test_the_end_of_the_work_overlaps_with_the_beginning_of_the_next(heads, out):
    in_two = Job("identity", "Copied", {}, lambda progress: Halves())
    outcomes = list(batch.run(batch.plan([heads], out), out, job=in_two))
    assert [(one.name, one.status) for one in outcomes] == [(name, "ok") for name in "abc"]


def test_no_more_scans_are_held_than_there_are_stages(four, out):
    planned = []
    scans = batch.plan([four], out)
    running = batch.run(scans, out, job=job(lambda volume: planned.append(1) or NothingToPlan()))
    for number, _ in enumerate(running, start=1):
        assert len(planned) <= number + DEPTH
    assert len(planned) == 5


def test_a_closed_run_gives_up_what_is_computed_and_keeps_what_is_done(four, out):
    begun = threading.Event()

    def work(progress, volume):
        if volume.name == "b":
            begun.set()
            while True:  # until progress says that nobody waits for the answer
                progress(0.5)

    scans = batch.plan([four], out)
    running = batch.run(scans, out, job=job(work=work))
    assert next(running).name == "a"
    assert begun.wait(SECONDS)
    running.close()
    assert sorted(studies.contents(out)) == ["a.nii.gz"]
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []
    again = {one.name: one.status for one in batch.run(scans, out, job=job())}
    assert again == {"a": "done before", "b": "ok", "c": "ok", "d": "ok", "e": "ok"}


def test_a_large_scan_goes_its_way_alone(four, out, monkeypatch):
    """What is planned has been read: not before the last one is written, nor the next beside it."""
    monkeypatch.setattr("medddim.batch.overlap.LARGE", 10)
    written = []

    def plan(volume):
        written.append(len(list(out.glob("*.nii.gz"))))
        return NothingToPlan()

    scans = batch.plan([four], out)
    assert {one.status for one in batch.run(scans, out, job=job(plan))} == {"ok"}
    assert written == [0, 1, 2, 3, 4]
