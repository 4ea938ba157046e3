"""About how long an answer takes here, known without torch: for `medddim inspect`.

A benchmark counts what a model computes for a voxel, and what share of the rate of a matrix product
it reaches from a file read to a file written; the rate is measured on this machine.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from medddim.inference import measured

SPEED = "speed.json"
SIDE = 1024
"""Of the square matrices that are multiplied, three times: a twentieth of a second on one core."""


@dataclass(frozen=True)
class Speed:
    """What a model computes: GFLOP per million voxels, and its share of the rate of a product."""

    gflop_per_mvoxel: float
    share: float

    @classmethod
    def load(cls, folder: Path) -> Speed | None:
        """That of the model in a folder; None if it has none. Raises CheckpointError."""
        return measured.read(folder / SPEED, cls, by="benchmarks/speed.py --save")

    def save(self, folder: Path) -> None:
        """Write it beside the weights."""
        (folder / SPEED).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def seconds(self, voxels: int) -> float:
        """How long this many voxels take on the CPU of this machine, once the model is loaded."""
        return voxels / 1e6 * self.gflop_per_mvoxel / (self.share * matrix_rate())


@cache
def matrix_rate() -> float:
    """GFLOP per second of a matrix product in float32 on all threads: the best of three."""
    square = np.ones((SIDE, SIDE), np.float32)
    taken = []
    for _ in range(3):
        began = time.thread_time()  # whatever else the machine does meanwhile
        square @ square
        taken.append(time.thread_time() - began)
    return 2 * SIDE**3 / min(taken) / 1e9
