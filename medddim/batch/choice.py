"""Which of the shipped models for which scan, where the user names none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from medddim.formats import Series, modality_of
from medddim.inference.settings import Settings

if TYPE_CHECKING:
    from medddim.batch.jobs import Job

DENOISER = {
    "auto": {"MR": "mr-denoise-fast", "CT": "ct-denoise"},
    "best": {"MR": "mr-denoise", "CT": "ct-denoise"},
    "fast": {"MR": "mr-denoise-fast", "CT": "ct-denoise"},
}
SAMPLER, SUPERRESOLVER = "mr-denoise-vp", "mr-superres"


def by_modality(settings: Settings | None = None, **options: Any) -> Callable[[Series], Job]:
    """A job for each scan: the denoiser of its modality, or what samples or makes finer if asked.

    Samples and finer grids are for MR; that job refuses all other scans, as it does those of no
    modality known here. `options` are those of `enhance_job`. Raises RequestProblem for settings
    that make no sense for the models.
    """
    from medddim.batch.enhancing import enhance_job  # with torch, which `model_for` does not need
    from medddim.checkpoint import Checkpoint

    settings = settings or Settings()
    names = models_for(settings)
    jobs = {
        name: enhance_job(Checkpoint.open(name), settings, **options)
        for name in set(names.values())
    }
    return lambda series: jobs[names.get(modality_of(series), names["MR"])]


def model_for(modality: str) -> str:
    """The model that a scan of this modality, "" where it does not say, gets by itself."""
    names = models_for(Settings())
    return names.get(modality, names["MR"])


def models_for(settings: Settings) -> dict[str, str]:
    """The model for each modality."""
    if settings.finer:
        return {"MR": SUPERRESOLVER}
    return {"MR": SAMPLER} if settings.samples is not None else DENOISER[settings.quality]
