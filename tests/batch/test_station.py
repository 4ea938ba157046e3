"""One scan at one process: what is on record of it to the last field, and each way to fail."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from medddim import batch, formats, record
from medddim.batch import parts, station
from medddim.batch.jobs import Always, Job, NothingToPlan
from medddim.batch.station import Station, Task
from medddim.digest import sha256_of
from medddim.errors import CheckpointError, EnvironmentProblem, RequestProblem, UnsupportedScan
from medddim.formats import Series
from medddim.record import Outcome
from tests import studies


@pytest.fixture
def scan(heads, out):
    return batch.plan([heads / "a.nii.gz"], out)[0]


def job_of(work, *, plan=lambda volume: NothingToPlan(), **more):
    return Job("degrade", "Halved", {"factor": 0.5}, lambda progress: work, plan=plan, **more)


def done(scan, out, job, **task):
    out.mkdir(exist_ok=True)
    place = Station(out, Always(job))
    outcome = place.write(place.compute(place.read(Task(scan, **task))))
    record.append(out, outcome)
    return outcome


def halve(volume, plan):
    return volume.with_voxels(volume.voxels / 2), {}


def test_the_outcome_to_the_last_field(scan, out):
    def plan(volume):
        return NothingToPlan({"noise_level": 0.1, "warning": "noisy"})

    noted = replace(scan, facts=scan.facts | {"notes": ["one left out"]}, part=0)
    outcome = done(noted, out, job_of(halve, plan=plan, device="cpu"))
    assert outcome.seconds > 0
    assert outcome.peak_mb > 50
    assert asdict(replace(outcome, seconds=0.0, peak_mb=0)) == asdict(
        Outcome(
            "a",
            "ok",
            files=1,
            inputs={str(scan.files[0]): sha256_of(scan.files[0])},
            job={"kind": "degrade", "factor": 0.5},
            facts={"noise_level": 0.1, "warning": "noisy; one left out"},
            reading={
                "format": "nifti", "part": 0, "on_gap": "refuse", "on_tilt": "refuse",
                "stack_by": "",
            },
            outputs={"a.nii.gz": sha256_of(out / "a.nii.gz")},
            versions=record.versions(),
            device="cpu",
        )
    )  # fmt: skip
    assert formats.read(out / "a.nii.gz").voxels.mean() > 0


def test_a_plan_says_where_the_result_will_lie(scan, out):
    outcome = Station(out, Always(job_of(halve))).planned(Task(scan))
    assert outcome.status == "planned"
    assert outcome.facts == scan.facts | {"place": f"{out}/a.nii.gz"}
    assert not out.exists()


def altered(out, earlier):
    (out / "a.nii.gz").write_bytes(b"x")


def from_other_files(out, earlier):
    earlier.inputs.update(dict.fromkeys(earlier.inputs, "0"))


def with_other_settings(out, earlier):
    earlier.job["factor"] = 2


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (altered, ", altered since it was made"),
        (from_other_files, ", made from other files"),
        (with_other_settings, ", made with other settings (factor 2)"),
    ],
)
def test_what_is_there_is_not_overwritten_and_why_is_said(scan, out, spoil, why):
    earlier = done(scan, out, job_of(halve))
    spoil(out, earlier)
    refused = done(scan, out, job_of(halve), earlier=earlier)
    assert (refused.status, refused.files) == ("refused", 1)
    there = f"{out / 'a.nii.gz'} is there already"
    assert refused.reason == f"{there}{why}; remove it or choose another folder"
    alone = done(scan, out, job_of(halve))
    assert alone.reason == f"{there}; remove it or choose another folder"


def test_what_is_done_is_not_read(scan, out, monkeypatch):
    earlier = done(scan, out, job_of(halve))
    monkeypatch.setattr(formats, "read", lambda series: pytest.fail("read"))
    again = done(scan, out, job_of(halve), earlier=earlier)
    same = {"seconds": 0.0, "peak_mb": 0, "status": "done before"}
    assert replace(again, **same) == replace(earlier, **same)
    assert again.status == "done before"
    assert again.reason == ""


def test_what_is_to_be_skipped_or_refused_is_not_read(scan, out, monkeypatch):
    monkeypatch.setattr(formats, "read", lambda series: pytest.fail("read"))
    skipped = done(replace(scan, skip="a result"), out, job_of(halve))
    assert (skipped.status, skipped.reason, skipped.files) == ("skipped", "a result", 1)
    refused = done(replace(scan, refusal="a map"), out, job_of(halve))
    assert (refused.status, refused.reason, refused.files) == ("refused", "a map", 1)
    assert skipped.name == refused.name == "a"


@pytest.mark.parametrize(
    ("problem", "status", "reason"),
    [
        (UnsupportedScan("a scan of nothing"), "refused", "a scan of nothing"),
        (RequestProblem("no such thing"), "refused", "no such thing"),
        (OSError(5, "Input/output error", "disk/x"), "refused", "disk/x: Input/output error"),
        (OSError(5, "Input/output error"), "refused", "a: Input/output error"),
        (
            ZeroDivisionError(studies.CANARY),
            "failed",
            "unexpected ZeroDivisionError; `medddim --debug` with this scan shows more",
        ),
    ],
)
def test_a_problem_of_one_scan_is_its_outcome(scan, out, caplog, problem, status, reason):
    def fail(volume, plan):
        raise problem

    with caplog.at_level("DEBUG", logger="medddim"):
        outcome = done(scan, out, job_of(fail))
    assert replace(outcome, seconds=0.0) == Outcome("a", status, reason, 1)
    assert ("a failed" in caplog.text) == (status == "failed")
    assert studies.CANARY not in caplog.text


@pytest.mark.parametrize("problem", [EnvironmentProblem("full"), CheckpointError("torn")])
def test_what_the_next_scan_would_meet_too_ends_the_run(scan, out, problem):
    def fail(volume, plan):
        raise problem

    with pytest.raises(type(problem), match=str(problem)):
        done(scan, out, job_of(fail))


def test_what_the_machine_lacks_for_one_scan_costs_that_scan(scan, out, monkeypatch):
    def lacking(series):
        raise EnvironmentProblem("no decoder for it")

    monkeypatch.setattr(formats, "read", lacking)
    outcome = done(scan, out, job_of(halve))
    assert (outcome.status, outcome.reason) == ("refused", "no decoder for it")


def test_the_seconds_of_the_stages_add_up(scan, out, monkeypatch):
    clock = iter(range(0, 100, 7))
    monkeypatch.setattr(station.time, "monotonic", lambda: next(clock))
    assert done(scan, out, job_of(halve)).seconds == 21


def test_a_job_is_started_once_and_its_progress_is_that_of_the_run(scan, out):
    started, shares = [], []

    def start(progress):
        started.append(1)

        def work(volume, plan):
            progress(0.25)
            return halve(volume, plan)

        return work

    place = Station(out, Always(job := Job("degrade", "Halved", {}, start)))
    place.progress = shares.append
    assert place.load(job) is place.load(job)
    out.mkdir()
    assert place.write(place.compute(place.read(Task(scan)))).status == "ok"
    assert (started, shares) == ([1], [0.25])
    other = Job("degrade", "Halved", {}, start)
    assert place.load(other) is not place.load(job)
    assert started == [1, 1]


def test_work_in_parts_keeps_what_is_finished_when_it_ends_early(scan, out):
    class Work:
        parts = None

        def __call__(self, volume, plan):
            self.parts.put("first", np.ones(2))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        done(scan, out, job_of(Work()))
    (folder,) = out.glob(f"{parts.PARTS}.*")
    assert [path.name for path in folder.iterdir()] == ["first.npy"]
    assert done(scan, out, job_of(halve)).status == "ok"
    assert list(out.glob(f"{parts.PARTS}.*")) == []


def test_what_the_answer_says_of_its_making_is_a_fact(scan, out):
    def work(volume, plan):
        made = formats.Derivation("degrade", "Halved", {"factor": 0.5, "tile": 64, "planned": 1})
        return replace(halve(volume, plan)[0], derivation=made), {}

    outcome = done(scan, out, job_of(work, plan=lambda volume: NothingToPlan({"planned": 1})))
    assert outcome.facts == {"planned": 1, "tile": 64}


def test_a_scan_that_shares_a_number_with_none_is_the_first():
    assert Task(Series("nifti", "a", (Path("a"),))).number == 0
