"""Where the CPU time of small scans goes, stage by stage.

    OMP_NUM_THREADS=1 python benchmarks/stages.py [--scans 24] [--shape 64 64 20] [--model NAME]

Made scans (`throughput.py`) go through the stages one after the other, in one thread: medians over
the scans, in milliseconds of CPU; READ, COMPUTE and WRITE are the stages, the others are in them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from throughput import make

import medddim.inference.plan
from medddim import batch, formats
from medddim.batch import enhancing, station
from medddim.batch.jobs import Always
from medddim.batch.station import Station, Task
from medddim.checkpoint import Checkpoint
from medddim.diffusion import Denoiser
from medddim.inference import enhancer

MEASURED = [
    (Station, "read", "READ"),
    (station, "_read", "  the file"),
    (medddim.inference.plan, "noise_passport", "  the noise passport"),
    (enhancing, "judge", "  the range"),
    (Station, "compute", "COMPUTE"),
    (Denoiser, "__call__", "  the network"),
    (station, "_with_forecast", "  the forecast"),
    (Station, "write", "WRITE"),
    (enhancer, "finished", "  finishing the answer"),
    (formats, "write", "  the file"),
]


def measure(owner: Any, name: str, took: list[float]) -> None:
    """Have each call of a function note its CPU seconds."""
    undisturbed = getattr(owner, name)

    def timed(*given: Any, **more: Any) -> Any:
        began = time.thread_time()
        try:
            return undisturbed(*given, **more)
        finally:
            took.append(time.thread_time() - began)

    setattr(owner, name, timed)


def main() -> None:
    """Make, run, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scans", type=int, default=24)
    parser.add_argument("--shape", type=int, nargs=3, default=(64, 64, 20))
    parser.add_argument("--model", default="mr-denoise-fast")
    asked = parser.parse_args()
    took = defaultdict[tuple[str, str], list[float]](list)
    for owner, name, label in MEASURED:
        measure(owner, name, took[name, label])
    with tempfile.TemporaryDirectory() as place:
        scans, out = Path(place) / "in", Path(place) / "out"
        for number in range(asked.scans):
            make(scans, f"{number:03d}", tuple(asked.shape))
        took["write", "  the file"].clear()  # those made here
        out.mkdir()
        work = Station(out, Always(batch.enhance_job(Checkpoint.open(asked.model), force=True)))
        for number, series in enumerate(batch.plan([scans], out)):
            work.write(work.compute(work.read(Task(series, None, number))))
    for _, name, label in MEASURED:
        print(f"{label:24} {1e3 * statistics.median(took[name, label]):6.1f}")


if __name__ == "__main__":
    main()
