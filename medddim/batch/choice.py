"""Which of the shipped models for which scan, where the user names none."""

from __future__ import annotations

from collections.abc import Callable

from medddim.batch.enhancing import Settings, enhance_job
from medddim.batch.jobs import Job
from medddim.checkpoint import Checkpoint
from medddim.formats import Series, modality_of

DENOISER = {"MR": "mr-denoise", "CT": "ct-denoise"}
SAMPLER, SUPERRESOLVER = "mr-denoise-vp", "mr-superres"


def by_modality(
    settings: Settings | None = None, *, device: str = "auto"
) -> Callable[[Series], Job]:
    """A job for each scan: the denoiser of its modality, or what samples or makes finer if asked.

    Samples and finer grids are for MR; that job refuses all other scans, as it does those of no
    modality known here. Raises RequestProblem for settings that make no sense for the models.
    """
    settings, names = settings or Settings(), DENOISER
    if settings.factor is not None or settings.spacing_mm is not None:
        names = {"MR": SUPERRESOLVER}
    elif settings.samples is not None:
        names = {"MR": SAMPLER}
    jobs = {
        name: enhance_job(Checkpoint.open(name), settings, device=device)
        for name in set(names.values())
    }
    return lambda series: jobs[names.get(modality_of(series), names["MR"])]
