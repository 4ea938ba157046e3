"""Which of the shipped models for which scan, where the user names none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from medddim.batch.extras import Extras
from medddim.errors import RequestProblem, UnsupportedScan
from medddim.formats import Series, modality_of, read
from medddim.inference.settings import Settings
from medddim.models import RECIPE, folder_of
from medddim.recipe import Recipe
from medddim.volume import Volume

if TYPE_CHECKING:
    from medddim.batch.jobs import Job

DENOISER = {
    "auto": {"MR": "mr-denoise-fast", "CT": "ct-denoise"},
    "best": {"MR": "mr-denoise", "CT": "ct-denoise"},
    "fast": {"MR": "mr-denoise-fast", "CT": "ct-denoise"},
}
Made = TypeVar("Made")
SAMPLER, SUPERRESOLVER = "mr-denoise-vp", "mr-superres"


def by_modality(settings: Settings | None = None, **options: Any) -> Callable[[Series], Job]:
    """A job for each scan: the denoiser of its modality, or what samples or makes finer if asked.

    Samples and finer grids are for MR; that job refuses all other scans, as it does those of no
    modality known here. What one of the models cannot do is refused for its scans alone. `options`
    are those of `enhance_job`. Raises RequestProblem for settings that none of the models can do.
    """
    from medddim.batch.enhancing import enhance_job  # with torch, which `model_for` does not need
    from medddim.checkpoint import Checkpoint

    settings = settings or Settings()
    names = models_for(settings)
    jobs, refused = _able(
        names, lambda name: enhance_job(Checkpoint.open(name), settings, **options)
    )

    return _ByModality(names, jobs, refused)


@dataclass(frozen=True)
class _ByModality:
    """The jobs of the models by name, and why some of those are refused."""

    names: Mapping[str, str]
    jobs: Mapping[str, Job]
    refused: Mapping[str, RequestProblem]

    def __call__(self, series: Series) -> Job:
        return self.of(series, partial(read, series))

    def of(self, series: Series, reader: Callable[[], Volume]) -> Job:
        """The job of a scan, which is read where its header does not say what it is."""
        name = self.names.get(modality_of(series, reader), self.names["MR"])
        if name in self.refused:
            raise UnsupportedScan(str(self.refused[name]))
        return self.jobs[name]


def require_fitting(model: str, settings: Settings, extras: Extras) -> None:
    """Judge a request without torch, and before scans are looked at; `model` may be "auto".

    Raises CheckpointError if there is no such model, RequestProblem for what it cannot do.
    """

    def judge(name: str) -> None:
        folder = folder_of(name)
        recipe = Recipe.load(folder / RECIPE)
        settings.require_fitting(recipe)
        extras.require_fitting(folder, recipe, settings)

    _able(models_for(settings) if model == "auto" else {"": model}, judge)


def _able(
    names: Mapping[str, str], ask: Callable[[str], Made]
) -> tuple[dict[str, Made], dict[str, RequestProblem]]:
    """What is made of the models that can do it, and why others cannot; raises if none can."""
    made, refused = dict[str, Made](), dict[str, RequestProblem]()
    for name in dict.fromkeys(names.values()):
        try:
            made[name] = ask(name)
        except RequestProblem as problem:
            refused[name] = problem
    if not made:
        raise next(iter(refused.values()))
    return made, refused


def model_for(modality: str) -> str:
    """The model that a scan of this modality, "" where it does not say, gets by itself."""
    names = models_for(Settings())
    return names.get(modality, names["MR"])


def models_for(settings: Settings) -> dict[str, str]:
    """The model for each modality."""
    if settings.finer:
        return {"MR": SUPERRESOLVER}
    return {"MR": SAMPLER} if settings.samples is not None else DENOISER[settings.quality]
