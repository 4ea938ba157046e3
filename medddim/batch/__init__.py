"""A folder of scans: what is done to each, the run over all of them, and the record it leaves.

The names are imported when they are first used: a wrong request is judged before torch is loaded.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medddim.batch.choice import by_modality, require_fitting
    from medddim.batch.cluster import Cluster
    from medddim.batch.engine import Engine, Here
    from medddim.batch.enhancing import enhance_job
    from medddim.batch.extras import Extras
    from medddim.batch.jobs import Job, degrade_job, identity_job
    from medddim.batch.locks import LOCK, Shard
    from medddim.batch.running import find, plan, run
    from medddim.inference.own import skipping_own
    from medddim.inference.settings import Settings
    from medddim.record import MANIFEST, RECORD, Outcome, versions

_HOME = {
    "Cluster": "batch.cluster",
    "Engine": "batch.engine",
    "Extras": "batch.extras",
    "Here": "batch.engine",
    "Job": "batch.jobs",
    "LOCK": "batch.locks",
    "MANIFEST": "record",
    "Outcome": "record",
    "RECORD": "record",
    "Settings": "inference.settings",
    "Shard": "batch.locks",
    "by_modality": "batch.choice",
    "degrade_job": "batch.jobs",
    "enhance_job": "batch.enhancing",
    "find": "batch.running",
    "identity_job": "batch.jobs",
    "plan": "batch.running",
    "require_fitting": "batch.choice",
    "run": "batch.running",
    "skipping_own": "inference.own",
    "versions": "record",
}

__all__ = [
    "LOCK",
    "MANIFEST",
    "RECORD",
    "Cluster",
    "Engine",
    "Extras",
    "Here",
    "Job",
    "Outcome",
    "Settings",
    "Shard",
    "by_modality",
    "degrade_job",
    "enhance_job",
    "find",
    "identity_job",
    "plan",
    "require_fitting",
    "run",
    "skipping_own",
    "versions",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"medddim.{_HOME[name]}"), name)
