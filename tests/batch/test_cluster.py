"""The workers of Dask do what one process does: the same bytes, the same record, nothing lost."""

import json
import sys
import threading

import psutil
import pytest

from medddim import batch, record
from medddim.batch import cluster
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
        dashboard_address=None,
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


@pytest.mark.slow
def test_a_cluster_of_its_own_listens_on_loopback_alone(heads, out, tmp_path):
    """Two processes give the same bytes as none; one of them is killed on the way."""
    job = batch.enhance_job(Checkpoint.open(studies.model(tmp_path / "model")), precision="fp32")
    scans = batch.plan([heads], out)
    list(batch.run(scans, tmp_path / "alone", job=job))
    listening, killed, running = set(), [], threading.Event()

    def look():
        me = psutil.Process()
        while not running.wait(0.02):
            for process in (me, *me.children(recursive=True)):
                listening.update(listens(process))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        engine = batch.Cluster(workers=2)
        for one in batch.run(scans, out, job=job, engine=engine):
            assert one.status == "ok"
            # one that is still starting is its nanny's concern
            up = [w for w in psutil.Process().children(True) if "dask worker" in command_of(w)]
            if up and not killed:
                up[0].kill()
                killed.append(up[0].pid)
    finally:
        running.set()
        watching.join()
    assert studies.contents(out) == studies.contents(tmp_path / "alone")
    assert listening == {"127.0.0.1"}
    assert killed
    assert killed
