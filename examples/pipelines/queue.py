"""Enhance a folder with workers that SLURM, LSF or SGE starts: `python queue.py STUDY OUT`.

For clusters whose jobs may open sockets to each other; pip install 'medddim[cluster,queue]'.
LSFCluster, SGECluster, PBSCluster and others take the same arguments in the place of SLURMCluster.
Name of the queue, wall time, memory and number of jobs are yours to set.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from dask_jobqueue import SLURMCluster


def enhance(cluster: Any, arguments: list[str]) -> int:
    """Run the command on the workers of the cluster; its exit code."""
    command = ["medddim", "enhance", *arguments, "--scheduler", cluster.scheduler_address]
    return subprocess.run(command, check=False).returncode  # noqa: S603 - no shell


if __name__ == "__main__":
    study, out = sys.argv[1:]
    with SLURMCluster(
        queue="normal",
        walltime="04:00:00",
        memory="8GB",
        processes=1,
        cores=3,  # a scan is read, another computed, a third written
        worker_extra_args=["--no-nanny"],
        job_script_prologue=["export OMP_NUM_THREADS=2"],  # cores of the network
    ) as cluster:
        cluster.scale(jobs=20)
        cluster.wait_for_workers(1)
        sys.exit(enhance(cluster, [study, "-o", out]))
