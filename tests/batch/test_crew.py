"""Worker processes are replaced wherever they end, and given up where that is no use."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from medddim.batch import crew
from medddim.batch.crew import Crew
from medddim.errors import EnvironmentProblem

WAITING = "import sys; sys.stdin.buffer.read()"


@pytest.fixture
def waiting(monkeypatch):
    """Workers that do nothing until their pipe closes, in place of those of Dask."""
    monkeypatch.setattr(crew, "COMMAND", WAITING)


def test_a_worker_that_is_killed_is_replaced_and_the_others_stay(waiting):
    with Crew(2, "tcp://127.0.0.1:1") as workers:
        first, second = workers.processes
        first.kill()
        first.wait()
        workers.keep_up()
        assert workers.processes[0].pid != first.pid
        assert workers.processes[1] is second
        assert second.poll() is None


def test_workers_end_with_the_run_and_leave_no_folder(waiting):
    with Crew(2, "tcp://127.0.0.1:1") as workers:
        processes, folder = workers.processes, workers.folder
        assert os.path.isdir(folder)
    assert [one.poll() for one in processes] == [0, 0]
    assert not os.path.exists(folder)


def test_a_worker_that_does_not_end_is_killed(monkeypatch):
    monkeypatch.setattr(crew, "COMMAND", "import time; time.sleep(100)")
    monkeypatch.setattr(crew, "PATIENCE_S", 0.01)
    with Crew(1, "tcp://127.0.0.1:1") as workers:
        (process,) = workers.processes
    assert process.poll() not in (None, 0)


STARTER = """
import sys
from medddim.batch import crew
crew.COMMAND = sys.argv[1]
with crew.Crew(2, "tcp://127.0.0.1:1") as workers:
    print(workers.folder, *(one.pid for one in workers.processes), flush=True)
    sys.stdin.read()
"""
ENDING = "import sys; from medddim.batch import worker; worker._end_with_the_starter(sys.argv[2])"


def killed(command):
    """The folder of a run that was killed, and the processes of its workers."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as run:
        folder, *workers = run.stdout.readline().decode().split()
        run.kill()
    return Path(folder), [int(pid) for pid in workers]


def wait_until(done):
    end = time.monotonic() + 60
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.slow
def test_workers_end_with_a_run_that_is_killed_and_remove_their_folder():
    folder, workers = killed(ENDING)
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in workers))
    assert not folder.exists()


def test_the_next_run_removes_the_folder_of_workers_that_could_not(waiting):
    """That of a run which goes on stays."""
    folder, _ = killed(WAITING)
    assert folder.exists()
    with Crew(1, "tcp://127.0.0.1:1") as going_on:
        assert not folder.exists()
        crew.clear_left()
        assert os.path.isdir(going_on.folder)


def ending(workers):
    """Look again and again until the workers are given up; what is said then."""

    def look():
        while True:
            workers.keep_up()
            time.sleep(0.005)

    with pytest.raises(EnvironmentProblem) as said:
        look()
    return str(said.value)


def test_workers_that_end_by_a_fault_of_their_own_are_given_up(monkeypatch):
    monkeypatch.setattr(crew, "COMMAND", "import os; os._exit(7)")
    monkeypatch.setattr(crew, "FAULTS", 1)
    with Crew(2, "tcp://127.0.0.1:1") as workers:
        assert "3 workers ended one after the other" in ending(workers)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_workers_that_are_killed_are_given_up_later_and_counted_from_the_last_scan(monkeypatch):
    monkeypatch.setattr(crew, "COMMAND", "import os; os.kill(os.getpid(), 9)")
    monkeypatch.setattr(crew, "KILLS", 3)
    with Crew(1, "tcp://127.0.0.1:1") as workers:
        while workers.killed < 3:
            workers.keep_up()
            time.sleep(0.005)
        workers.scan_done()
        assert workers.killed == 0
        assert "4 workers ended" in (said := ending(workers))
        assert "killed by signal 9" in said
        assert "the same command goes on" in said


def test_workers_share_the_cores_and_know_the_modules_of_this_process(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(sys, "path", ["", "/here", "/there"])
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    environment = crew._environment(3)
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "2"
    assert environment["PYTHONPATH"] == os.pathsep.join(["/here", "/there"])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert crew._environment(3)["OMP_NUM_THREADS"] == "1"


@pytest.mark.parametrize(
    ("code", "how", "count"),
    [(-9, "was killed by signal 9", 21 + 20), (7, "ended with exit code 7", 4 + 3)],
)
def test_what_is_said_when_workers_are_given_up(caplog, code, how, count):
    workers = Crew(2, "")
    assert (crew.KILLS, crew.FAULTS) == (20, 3)
    with caplog.at_level("DEBUG", logger=crew.__name__):
        for _ in range(count - 1):
            workers._require_use(code)
    assert caplog.messages[0] == f"a worker ended with exit code {code}"
    with pytest.raises(EnvironmentProblem) as said:
        workers._require_use(code)
    assert str(said.value) == (
        f"{count} workers ended one after the other and no scan was done; the last {how}. What was "
        "finished is kept, and the same command goes on; fewer --workers need less memory, and "
        "`medddim --debug` shows what they say"
    )


def test_a_worker_that_ends_well_counts_as_killed():
    """As of a scheduler that has forgotten it: the next one may stay."""
    workers = Crew(1, "")
    workers._require_use(0)
    assert (workers.killed, workers.failed) == (1, 0)
    workers._require_use(1)
    assert (workers.killed, workers.failed) == (1, 1)
    workers.scan_done()
    assert (workers.killed, workers.failed) == (0, 0)


def test_a_worker_is_a_python_that_serves_the_scheduler_and_ends_with_this_process(monkeypatch):
    started = []
    monkeypatch.setattr(
        crew.subprocess, "Popen", lambda command, **more: started.append((command, more))
    )
    workers = Crew(3, "tcp://there:1")
    workers.folder = "here"
    workers._started()
    monkeypatch.setattr(crew.log, "isEnabledFor", lambda level: level == 10)
    workers._started()
    (command, more), (_, shown) = started
    assert command == [sys.executable, "-c", crew.COMMAND, "tcp://there:1", "here"]
    assert more["stdin"] == crew.subprocess.PIPE
    assert more["start_new_session"] is True
    assert more["env"] == crew._environment(3)
    assert (more["stdout"], more["stderr"]) == (crew.subprocess.DEVNULL,) * 2
    assert (shown["stdout"], shown["stderr"]) == (None, None)


def test_there_is_one_core_for_each_worker_at_least(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for cores, threads in ((None, "1"), (2, "1"), (9, "3")):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        found = crew._environment(3)
        assert found["OPENBLAS_NUM_THREADS"] == found["MKL_NUM_THREADS"] == threads
        assert found["OMP_NUM_THREADS"] == threads
        assert found.items() >= {k: v for k, v in os.environ.items() if k not in found}.items()
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert crew._environment(3)["OMP_NUM_THREADS"] == "2"
    monkeypatch.setenv("ONLY_HERE", "x")
    assert crew._environment(3)["ONLY_HERE"] == "x"
