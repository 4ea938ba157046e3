"""How fast many small scans are enhanced: beside the network alone, other commands, workers.

    python benchmarks/throughput.py [--scans 50] [--shape 64 64 20] [--model mr-denoise]
        [--single 3] [--volumes 500] [--against TREE] [--workers 2]

Makes noisy ellipsoids. In one run, side by side: a batch over all of them, with how much of its
time the network took; `medddim enhance` for one scan after another, for the first --single of
them; with --against, a 4D scan of --volumes volumes by this tree and by another one (a git
worktree); with --workers, the batch by so many processes and by one with as many threads.
Prints one JSON line each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from medddim import formats
from medddim.formats import Derivation
from medddim.volume import Volume

HERE = Path(__file__).resolve().parent.parent
COMMAND = "import sys; from medddim.cli import main; main(prog_name='medddim')"


def make(folder: Path, name: str, shape: tuple[int, ...], *, volumes: int = 1) -> None:
    """A noisy ellipsoid as NIfTI."""
    rng = np.random.default_rng(len(name) + volumes)
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    clean = 800.0 * (sum(axis**2 for axis in axes) < 0.7)
    voxels = np.abs(clean + rng.normal(0, 40, (volumes, *shape))).astype(np.float32)
    scan = Volume(voxels, np.diag([3.0, 3.0, 3.0, 1.0]), modality="MR")
    formats.write(scan, folder, name=name, derivation=Derivation("made", "made"))


def batch_here(scans: Path, out: Path, model: str) -> dict[str, Any]:
    """One run over all scans in this process; the seconds of the network are counted in it.

    Of a thread that computes alone, so the CPU seconds hold with one thread (OMP_NUM_THREADS=1).
    """
    from medddim import batch
    from medddim.checkpoint import Checkpoint
    from medddim.diffusion.denoiser import Denoiser

    call, network = Denoiser.__call__, [0.0, 0.0]

    def timed(self: Any, *given: Any, **more: Any) -> Any:
        began, used = time.perf_counter(), time.thread_time()
        answer = call(self, *given, **more)
        network[0] += time.perf_counter() - began
        network[1] += time.thread_time() - used
        return answer

    job = batch.enhance_job(Checkpoint.open(model), force=True)
    Denoiser.__call__ = timed
    try:
        began, used = time.perf_counter(), time.process_time()
        done = list(batch.run(batch.plan([scans], out), out, job=job))
        took, used = time.perf_counter() - began, time.process_time() - used
    finally:
        Denoiser.__call__ = call
    assert {one.status for one in done} == {"ok"}
    return {
        "measured": "batch",
        "scans": len(done),
        "seconds": round(took, 2),
        "network_s": round(network[0], 2),
        "share_of_network": round(network[0] / took, 3),
        "cpu_s": round(used, 2),
        "network_cpu_s": round(network[1], 2),
    }


def command(arguments: list[str], *, tree: Path = HERE, threads: int = 1) -> tuple[float, float]:
    """Seconds, and CPU seconds, of a whole process."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": str(threads)}
    before, began = os.times(), time.perf_counter()
    subprocess.run([sys.executable, "-c", COMMAND, *arguments], check=True, env=environment,
                   cwd=tree, stdout=subprocess.DEVNULL)  # fmt: skip
    after = os.times()
    used = sum(after[2:4]) - sum(before[2:4])
    return time.perf_counter() - began, used


def singles(scans: Path, out: Path, options: list[str], count: int) -> dict[str, Any]:
    """One command a scan."""
    files = sorted(scans.glob("*.nii.gz"))[:count]
    took = [command(["enhance", str(file), "-o", str(out), *options]) for file in files]
    seconds, used = np.mean(took, axis=0)
    return {
        "measured": "one command a scan",
        "scans": len(took),
        "seconds_a_scan": round(float(seconds), 2),
        "cpu_s_a_scan": round(float(used), 2),
    }


def versus(scan: Path, out: Path, options: list[str], against: Path) -> dict[str, Any]:
    """A 4D scan by two trees, in turn, in CPU seconds of one thread.

    A tree that has not the model takes its own default.
    """
    found: dict[str, Any] = {"measured": "4D scan"}
    for name, tree in (("here", HERE), ("against", against.resolve())):
        known = options if name == "here" else options[: options.index("--force")]
        if not (tree / "medddim" / "weights" / known[1]).exists():
            known = []
        took, used = command(["enhance", str(scan), "-o", str(out / name), *known], tree=tree)
        found |= {f"{name}_s": round(took, 1), f"{name}_cpu_s": round(used, 1)}
    return found | {"times_faster": round(found["against_cpu_s"] / found["here_cpu_s"], 2)}


def shared(scans: Path, out: Path, options: list[str], workers: int) -> dict[str, Any]:
    """So many workers, and one process with as many threads."""
    threads, threads_cpu = command(["enhance", str(scans), "-o", str(out / "threads"), *options],
                         threads=workers)  # fmt: skip
    cluster, cluster_cpu = command(["enhance", str(scans), "-o", str(out / "workers"), *options,
                          "--workers", str(workers)])  # fmt: skip
    return {
        "measured": f"{workers} workers, {workers} threads",
        "threads_s": round(threads, 1),
        "threads_cpu_s": round(threads_cpu, 1),
        "workers_s": round(cluster, 1),
        "workers_cpu_s": round(cluster_cpu, 1),
        "threads_over_workers": round(threads / cluster, 2),
    }


def main() -> None:
    """Make, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scans", type=int, default=50)
    parser.add_argument("--shape", type=int, nargs=3, default=(64, 64, 20))
    parser.add_argument("--model", default="mr-denoise")
    parser.add_argument("--single", type=int, default=3)
    parser.add_argument("--volumes", type=int, default=500)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--workers", type=int, default=0)
    asked = parser.parse_args()
    options = ["--model", asked.model, "--force"]
    with tempfile.TemporaryDirectory() as place:
        scans, long, out = (Path(place) / name for name in ("in", "long", "out"))
        for number in range(asked.scans):
            make(scans, f"{number:03d}", tuple(asked.shape))
        if asked.scans:
            found = batch_here(scans, out / "batch", asked.model)
            print(json.dumps(found), flush=True)
        if asked.single:
            alone = singles(scans, out / "single", options, asked.single)
            for times, of in (("times_the_batch", "seconds"), ("times_its_cpu", "cpu_s")):
                alone[times] = round(alone[f"{of}_a_scan"] / found[of] * found["scans"], 2)
            print(json.dumps(alone), flush=True)
        if asked.against:
            make(long, "fmri", (32, 32, 10), volumes=asked.volumes)
            against = versus(long, out / "long", options, asked.against)
            print(json.dumps({**against, "volumes": asked.volumes}), flush=True)
        if asked.workers:
            print(json.dumps(shared(scans, out / "two", options, asked.workers)), flush=True)


if __name__ == "__main__":
    main()
