"""Metrics beside the six of `Scores`: one module, one line.

A metric is `(candidate, reference, terms) -> float`: voxels `(channel, x, y, z)` as the protocol
sees them, and the protocol with its mask, window and slice axis. It stands in every table and file
under its name.
"""

from __future__ import annotations

from collections.abc import Callable

from medddim.metrics.protocols import Protocol
from medddim.volume import Array

Metric = Callable[[Array, Array, Protocol], float]

METRICS: dict[str, Metric] = {}
