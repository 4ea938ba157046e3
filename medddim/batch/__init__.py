"""A folder of scans: what is done to each, the run over all of them, and the record it leaves."""

from medddim.batch.choice import by_modality
from medddim.batch.cluster import Cluster
from medddim.batch.engine import Engine, Here
from medddim.batch.enhancing import enhance_job
from medddim.batch.jobs import Job, degrade_job, identity_job
from medddim.batch.locks import LOCK, Shard
from medddim.batch.own import skipping_own
from medddim.batch.run import find, plan, run
from medddim.inference.settings import Settings
from medddim.record import MANIFEST, RECORD, Outcome, versions

__all__ = [
    "LOCK",
    "MANIFEST",
    "RECORD",
    "Cluster",
    "Engine",
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
    "run",
    "skipping_own",
    "versions",
]
