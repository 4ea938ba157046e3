"""Which of the shipped models for which scan, where the user names none."""

from __future__ import annotations

from collections.abc import Callable

from medddim.batch.jobs import Job, Settings, enhance_job
from medddim.batch.modality import modality_of
from medddim.checkpoint import Checkpoint
from medddim.formats import Series

DENOISER = {"MR": "mr-denoise", "CT": "ct-denoise"}
SUPERRESOLVER = "mr-superres"


def by_modality(
    settings: Settings | None = None, *, device: str = "auto"
) -> Callable[[Series], Job]:
    """A job for each scan: the denoiser of its modality, or super-resolution if a grid is asked.

    Scans of no modality known here get the job for MR, which refuses them. Raises RequestProblem
    for settings that make no sense for any of the models.
    """
    settings = settings or Settings()
    finer = settings.factor is not None or settings.spacing_mm is not None
    names = dict.fromkeys(DENOISER, SUPERRESOLVER) if finer else DENOISER
    jobs = {
        name: enhance_job(Checkpoint.open(name), settings, device=device)
        for name in set(names.values())
    }
    return lambda series: jobs[names.get(modality_of(series), names["MR"])]
