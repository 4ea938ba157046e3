"""The workers of Dask do what one process does: the same bytes, the same record, nothing lost."""

import json
import sys
import threading
import time
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import psutil
import pytest

from medddim import batch, record
from medddim.batch import cluster, crew
from medddim.checkpoint import Checkpoint
from medddim.errors import CheckpointError, EnvironmentProblem
from tests import studies

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def scheduler():
    """The address of a cluster whose one worker is a thread of this process."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=1,
        threads_per_worker=3,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        worker_dashboard_address=None,
    ) as running:
        yield running.scheduler_address


def test_workers_give_the_same_bytes_and_the_same_record(heads, out, tmp_path, halving, scheduler):
    studies.truncated(heads, "z.nii.gz")
    scans = batch.plan([heads], out)
    alone = list(batch.run(scans, tmp_path / "alone", job=halving()))
    engine = batch.Cluster(scheduler=scheduler)
    shared = list(batch.run(scans, out, job=halving(), engine=engine))
    assert studies.contents(out) == studies.contents(tmp_path / "alone")
    plain = [record.Outcome(**{**vars(one), "seconds": 0.0, "peak_mb": 0}) for one in alone]
    others = sorted(shared, key=lambda one: one.name)
    assert [
        record.Outcome(**{**vars(one), "seconds": 0.0, "peak_mb": 0}) for one in others
    ] == plain
    manifests = [
        json.loads((place / batch.MANIFEST).read_text()) for place in (out, tmp_path / "alone")
    ]
    assert manifests[0]["job"] == manifests[1]["job"]
    again = batch.run(scans, out, job=halving(), engine=engine)
    assert sorted(one.status for one in again) == [*["done before"] * 3, "refused"]
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []


def test_what_is_finished_when_a_run_is_given_up_is_on_record(heads, out, halving, scheduler):
    """Nothing stays announced, and the same run goes on."""
    scans, engine = batch.plan([heads], out), batch.Cluster(scheduler=scheduler)
    run = batch.run(scans, out, job=halving(), engine=engine)
    assert next(run).status == "ok"
    run.close()
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []
    assert set(studies.contents(out)) == {
        name for one in record.last_lines(out).values() for name in one.outputs
    }
    assert {one.good for one in batch.run(scans, out, job=halving(), engine=engine)} == {True}


def test_a_worker_with_other_weights_is_refused_by_name(heads, out, tmp_path, scheduler):
    model = studies.model(tmp_path / "model")
    job = batch.enhance_job(Checkpoint.open(model))
    studies.model(tmp_path / "model", network={"widths": (8, 8, 16)})
    scans, engine = batch.plan([heads], out), batch.Cluster(scheduler=scheduler)
    with pytest.raises(CheckpointError, match=r"the worker tcp://127.*weights of tiny.*sha256"):
        list(batch.run(scans, out, job=job, engine=engine))
    assert studies.contents(out) == {}


def test_a_worker_with_other_versions_is_refused_by_name(
    heads, out, halving, scheduler, monkeypatch
):
    before = record.versions()
    monkeypatch.setattr(cluster, "_versions", lambda: before | {"torch": "0.1"})
    scans, engine = batch.plan([heads], out), batch.Cluster(scheduler=scheduler)
    with pytest.raises(EnvironmentProblem, match=r"the worker tcp://127.*expected torch 0.1"):
        list(batch.run(scans, out, job=halving(), engine=engine))


def test_a_scheduler_that_is_not_there_is_a_problem_of_the_environment(
    heads, out, halving, monkeypatch
):
    monkeypatch.setattr(cluster, "SECONDS", 1)
    scans, engine = batch.plan([heads], out), batch.Cluster(scheduler="tcp://127.0.0.1:9")
    with pytest.raises(EnvironmentProblem, match="no scheduler answers"):
        list(batch.run(scans, out, job=halving(), engine=engine))


def test_without_dask_workers_are_an_environment_problem(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EnvironmentProblem, match=r"medddim\[cluster\]"):
        batch.Cluster(workers=2)


def test_a_scan_over_which_workers_died_is_done_alone_before_it_fails(
    heads, out, halving, scheduler, monkeypatch, tmp_path
):
    """The neighbour of the scan that kills workers is done; that one fails, after all others."""
    from distributed import KilledWorker

    undisturbed = cluster.work

    def killed(order, task):
        name = task.series.name
        if name[0] == "b" or (name[0] == "a" and not (tmp_path / name).exists()):
            (tmp_path / name).touch()
            raise KilledWorker(name, SimpleNamespace(address=""), 5)
        return undisturbed(order, task)

    monkeypatch.setattr(cluster, "work", killed)
    engine = batch.Cluster(scheduler=scheduler)
    done = list(batch.run(batch.plan([heads], out), out, job=halving(), engine=engine))
    first, *later = [(one.name[0], one.status) for one in done]
    assert first == ("c", "ok")
    assert sorted(later) == [("a", "ok"), ("b", "failed")]
    failed = next(one for one in done if one.name[0] == "b")
    assert (failed.reason, failed.files) == (cluster.DIED, 1)


def test_a_scan_that_its_worker_gave_up_is_given_out_again(
    heads, out, halving, scheduler, monkeypatch, tmp_path
):
    """For the sake of a neighbour that has met what would end the run; it may have died, too."""
    undisturbed = cluster.work

    def stopped(order, task):
        if not (tmp_path / task.series.name).exists():
            (tmp_path / task.series.name).touch()
            return None
        return undisturbed(order, task)

    monkeypatch.setattr(cluster, "work", stopped)
    engine = batch.Cluster(scheduler=scheduler)
    done = list(batch.run(batch.plan([heads], out), out, job=halving(), engine=engine))
    assert [one.status for one in done] == ["ok"] * 3


def test_a_worker_that_lacks_a_package_is_a_problem_of_the_environment(
    heads, out, halving, scheduler, monkeypatch
):
    def lacking(order, task):
        raise ModuleNotFoundError("No module named 'medddim'", name="medddim")

    monkeypatch.setattr(cluster, "work", lacking)
    scans, engine = batch.plan([heads], out), batch.Cluster(scheduler=scheduler)
    with pytest.raises(EnvironmentProblem, match="lacks the package medddim"):
        list(batch.run(scans, out, job=halving(), engine=engine))


def test_a_scheduler_without_workers_is_waited_for_and_then_named(heads, out, halving, monkeypatch):
    from distributed import LocalCluster

    monkeypatch.setattr(cluster, "NONE_S", 0.2)
    monkeypatch.setattr(cluster, "LOOK_S", 0.1)
    with LocalCluster(
        n_workers=0, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        scans, engine = batch.plan([heads], out), batch.Cluster(scheduler=empty.scheduler_address)
        with pytest.raises(EnvironmentProblem, match=r"has had no worker.*same command goes on"):
            list(batch.run(scans, out, job=halving(), engine=engine))


def command_of(process):
    """Its command line; "" of one that has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a zombie, too
        return ""


def listens(process):
    """The addresses a process listens on; none of one that has ended."""
    try:
        return {one.laddr.ip for one in process.net_connections() if one.status == "LISTEN"}
    except psutil.NoSuchProcess:
        return set()


def workers():
    """The worker processes of this one."""
    family = psutil.Process().children(recursive=True)
    return [one for one in family if "batch.worker" in command_of(one)]


@contextmanager
def watched(look):
    """Call `look` again and again meanwhile, in a thread."""
    over = threading.Event()

    def looking():
        while not over.wait(0.02):
            look()

    thread = threading.Thread(target=looking)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def enhancing(tmp_path):
    """A job that worker processes can unpickle and that gives the same bytes in each."""
    model = studies.model(tmp_path / "model")
    return batch.enhance_job(Checkpoint.open(model), precision="fp32")


@pytest.mark.slow
def test_a_cluster_of_its_own_listens_on_loopback_alone(heads, out, tmp_path, enhancing, capfd):
    """Two processes give the same bytes as none, and say nothing of themselves."""
    scans = batch.plan([heads], out)
    list(batch.run(scans, tmp_path / "alone", job=enhancing))
    listening = set()

    def look():
        for process in (psutil.Process(), *workers()):
            listening.update(listens(process))

    with watched(look):
        engine = batch.Cluster(workers=2)
        assert {one.status for one in batch.run(scans, out, job=enhancing, engine=engine)} == {"ok"}
    assert studies.contents(out) == studies.contents(tmp_path / "alone")
    assert listening == {"127.0.0.1"}
    assert workers() == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.parametrize("moment_s", [0, 1.5, 3])
def test_workers_killed_at_any_moment_cost_nothing_but_time(
    heads, out, tmp_path, enhancing, moment_s
):
    """Three of them, the first of which is starting, has come up, or is at work."""
    scans = batch.plan([heads], out)
    list(batch.run(scans, tmp_path / "alone", job=enhancing))
    killed = set()

    def kill():
        for one in workers():
            if len(killed) < 3 and time.time() - one.create_time() >= moment_s:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
                    killed.add(one.pid)

    with watched(kill):
        engine = batch.Cluster(workers=2)
        assert {one.status for one in batch.run(scans, out, job=enhancing, engine=engine)} == {"ok"}
    assert killed
    assert studies.contents(out) == studies.contents(tmp_path / "alone")
    assert [path for path in out.iterdir() if path.name.startswith(".")] == []


@pytest.mark.slow
def test_workers_that_are_killed_for_ever_end_the_run_with_what_is_finished(
    heads, out, enhancing, monkeypatch
):
    monkeypatch.setattr(crew, "KILLS", 2)
    scans = batch.plan([heads], out)
    list(batch.run(scans[:1], out, job=enhancing))
    before = studies.contents(out)

    def kill():
        for one in workers():
            with suppress(psutil.NoSuchProcess):
                one.kill()

    with watched(kill), pytest.raises(EnvironmentProblem, match="ended one after the other"):
        list(batch.run(scans, out, job=enhancing, engine=batch.Cluster(workers=1)))
    assert studies.contents(out) == before
    assert {one.status for one in batch.run(scans, out, job=enhancing)} == {"ok", "done before"}
