"""Kill a batch at random moments, again and again, and look at what it leaves.

    python benchmarks/kills.py [--kills 100] [--scans 20] [--model mr-denoise] [--workers N]

Makes small scans, every tenth of them 4D, runs `medddim enhance` once undisturbed and once with a
SIGKILL at a random moment, started again each time, until it has been killed so often and is then
left to end. With --workers it is not the run that is killed but one of its workers. Prints a JSON
line; exits with 1 if a result differs, a file is broken, a finished scan was done again, or a
temporary file is left.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from medddim import formats, record
from medddim.cli import main as medddim
from medddim.digest import sha256_of
from medddim.formats import Derivation
from medddim.volume import Volume


def make_scans(folder: Path, count: int) -> None:
    """Noisy ellipsoids, `folder/00.nii.gz` and so on."""
    rng = np.random.default_rng(0)
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 32, 6)), indexing="ij")
    clean = 800.0 * (x**2 + y**2 + z**2 / 4 < 0.7)
    for number in range(count):
        volumes = 6 if number % 10 == 5 else 1
        voxels = np.abs(clean + rng.normal(0, 40, (volumes, *clean.shape)))
        scan = Volume(voxels.astype(np.float32), np.eye(4), modality="MR")
        formats.write(scan, folder, name=f"{number:02d}", derivation=Derivation("made", "made"))


def start(folder: Path, out: Path, options: list[str]) -> int:
    """The process id of a batch; forked, so that the packages are imported once."""
    child = os.fork()
    if child:
        return child
    os.setpgid(0, 0)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    code = 1
    try:
        medddim(["enhance", str(folder), "-o", str(out), *options], standalone_mode=False)
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        os._exit(code)


def end(child: int) -> int:
    """Wait; the exit code, negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def kill_runs(folder: Path, out: Path, options: list[str], *, kills: int, longest_s: float) -> int:
    """Kill so many runs, and let one end; how many runs it took, less than 0 if it did not."""
    killed, runs = 0, 0
    while True:
        child, runs = start(folder, out, options), runs + 1
        if killed < kills:
            time.sleep(random.uniform(0, longest_s))
            os.kill(child, signal.SIGKILL)
        code = end(child)
        if killed >= kills:
            return runs if code == 0 else -code
        killed += code == -signal.SIGKILL


def kill_workers(folder: Path, out: Path, options: list[str], *, kills: int, every_s: float) -> int:
    """Kill one worker after another, from their first moment on, in as many runs as that takes.

    Each has a folder of its own. How many there were; less than 0 if one did not end well.
    """
    killed, runs = 0, 0
    while killed < kills:
        child, runs = start(folder, out / str(runs), options), runs + 1
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
            time.sleep(random.uniform(0, every_s))
            workers = workers_of(child)
            if workers and killed < kills:
                with suppress(ProcessLookupError):  # ended meanwhile
                    os.kill(random.choice(workers), signal.SIGKILL)
                    killed += 1
        if ended[1]:
            return -1
    return runs


def workers_of(run: int) -> list[int]:
    """The process ids of the workers of a run, those that are still starting among them."""
    import psutil  # comes with Dask

    try:
        family = psutil.Process(run).children(recursive=True)
        return [one.pid for one in family if "batch.worker" in " ".join(one.cmdline())]
    except psutil.NoSuchProcess:  # ended meanwhile
        return []


def contents(folder: Path) -> dict[str, bytes]:
    """Every result by its name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in files
        if not path.name.lstrip(".").startswith("medddim.")
    }


def judge(out: Path, undisturbed: dict[str, bytes]) -> dict[str, Any]:
    """What is wrong with the results and the record of disturbed runs."""
    found, lines = contents(out), (out / record.RECORD).read_bytes().splitlines()
    whole = [json.loads(line) for line in lines if line.endswith(b"}")]
    made = Counter(line["name"] for line in whole if line["status"] == "ok")
    last = record.last_lines(out).values()
    corrupt = [
        file
        for outcome in last
        for file, sha256 in outcome.outputs.items()
        if not (out / file).is_file() or sha256_of(out / file) != sha256
    ]
    return {
        "scans": len(undisturbed),
        "differing": sum(found.get(name) != data for name, data in undisturbed.items()),
        "strangers": len(found.keys() - undisturbed.keys()),
        "corrupt": len(corrupt),
        "done_again": sum(count - 1 for count in made.values()),
        "temporary_files": sum(path.name.startswith(".") for path in out.rglob("*")),
    }


def main() -> int:
    """Run, kill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--workers", type=int, default=0)
    asked = parser.parse_args()
    random.seed(0)
    options = ["--model", asked.model]
    if asked.model != "identity":
        options.append("--force")  # an ellipsoid is out of the range of every model
    with tempfile.TemporaryDirectory() as place:
        folder, out = Path(place) / "in", Path(place) / "out"
        make_scans(folder, asked.scans)
        began = time.monotonic()
        if end(start(folder, Path(place) / "undisturbed", options)) != 0:
            return 1
        took = time.monotonic() - began
        undisturbed = contents(Path(place) / "undisturbed")
        if asked.workers:
            options += ["--workers", str(asked.workers)]
            runs = kill_workers(folder, out, options, kills=asked.kills, every_s=took / 4)
            verdicts = [judge(out / str(number), undisturbed) for number in range(runs)]
        else:
            runs = kill_runs(folder, out, options, kills=asked.kills, longest_s=took / 2)
            verdicts = [judge(out, undisturbed)] if runs > 0 else []
        all_s = time.monotonic() - began - took
    wrong = sum(sum(v for key, v in one.items() if key != "scans") for one in verdicts)
    total = {key: sum(one[key] for one in verdicts) for key in (verdicts or [{}])[0]}
    seconds = {
        "undisturbed_s": round(took, 1),
        # also the start of a run, or of the worker that replaces the killed one
        "lost_s_a_kill": round(max(all_s - took, 0) / asked.kills, 2),
    }
    print(json.dumps({"kills": asked.kills, "runs": runs, **seconds, **total}))
    return 1 if wrong or not verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
