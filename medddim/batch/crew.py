"""The processes of `--workers`: started, and started again wherever one has ended."""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

from filelock import FileLock, Timeout

from medddim.errors import EnvironmentProblem

KILLS = 20
"""Workers that may be killed one after the other, for each there is to be, and no scan done."""
FAULTS = 3
"""The same of workers that end by a fault of their own, which the next one will have, too."""
PATIENCE_S = 5
"""How long a worker may take to end."""
FOLDERS, LOCK = "medddim-workers-", "medddim.lock"
"""What the names of the workers' folders begin with, and what the run holds in its own."""
COMMAND = "import sys; from medddim.batch.worker import serve; serve(*sys.argv[1:])"

log = logging.getLogger(__name__)


class Crew:
    """So many worker processes; one that dies, at whatever moment, is replaced by the next look.

    Used as a context manager. They end with this process, however that ends.
    """

    def __init__(self, count: int, scheduler: str) -> None:
        """`scheduler` is the address that they work for; nothing is started."""
        self.count, self.scheduler = count, scheduler
        self.processes: list[subprocess.Popen[bytes]] = []
        self.killed, self.failed = 0, 0

    def __enter__(self) -> Crew:
        """Start them."""
        with ExitStack() as end:
            clear_left()
            self.folder = end.enter_context(TemporaryDirectory(prefix=FOLDERS))
            end.enter_context(FileLock(Path(self.folder) / LOCK))
            end.callback(self._stop)
            self.processes = [self._started() for _ in range(self.count)]
            self.end = end.pop_all()
        return self

    def __exit__(self, *problem: object) -> None:
        """End them."""
        self.end.close()

    def keep_up(self) -> None:
        """Put a new worker in the place of each that has ended.

        Raises EnvironmentProblem where that is no use: they end, and no scan gets done.
        """
        for place, process in enumerate(self.processes):
            code = process.poll()
            if code is not None:
                self._require_use(code)
                _closed(process)
                self.processes[place] = self._started()

    def scan_done(self) -> None:
        """The workers do get something done."""
        self.killed, self.failed = 0, 0

    def _require_use(self, code: int) -> None:
        self.killed += code <= 0
        self.failed += code > 0
        log.debug("a worker ended with exit code %d", code)
        if self.killed > KILLS * self.count or self.failed > FAULTS * self.count:
            how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise EnvironmentProblem(
                f"{self.killed + self.failed} workers ended one after the other and no scan was "
                f"done; the last {how}. What was finished is kept, and the same command goes on; "
                "fewer --workers need less memory, and `medddim --debug` shows what they say"
            )

    def _started(self) -> subprocess.Popen[bytes]:
        quiet = None if log.isEnabledFor(logging.DEBUG) else subprocess.DEVNULL
        return subprocess.Popen(  # noqa: S603 - this Python, and no shell
            [sys.executable, "-c", COMMAND, self.scheduler, self.folder],
            stdin=subprocess.PIPE,  # closed when this process ends: theirs end with it
            stdout=quiet,
            stderr=quiet,
            env=_environment(self.count),
            start_new_session=True,  # Ctrl-C is for this process, which ends them in order
        )

    def _stop(self) -> None:
        for process in self.processes:
            _closed(process)
        for process in self.processes:
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def clear_left() -> None:
    """Remove the folders of runs that were killed together with their workers."""
    for folder in Path(gettempdir()).glob(f"{FOLDERS}*"):
        with suppress(Timeout, OSError):  # of a run that goes on, or of somebody else
            if not folder.is_symlink() and (folder / LOCK).is_file():
                with FileLock(folder / LOCK, timeout=0):
                    shutil.rmtree(folder, ignore_errors=True)


def _closed(process: subprocess.Popen[bytes]) -> None:
    if process.stdin:
        process.stdin.close()


def _environment(workers: int) -> dict[str, str]:
    """That of this process; where it looks for modules; its cores, shared out among the workers."""
    share = max((os.cpu_count() or 1) // workers, 1)
    share = min(share, int(os.environ.get("OMP_NUM_THREADS") or share))
    threads = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    modules = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return os.environ | modules | dict.fromkeys(threads, str(share))
