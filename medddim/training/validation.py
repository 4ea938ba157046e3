"""How a model is judged while it is trained: held-out scans, made worse, in one step.

The same degradation with the same seed at every validation, on few slices: figures to follow a run
by and to choose its best checkpoint with, not to quote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from medddim.degradation import LowDose, RicianNoise
from medddim.degradation.larger_voxels import LargerVoxels
from medddim.inference.enhancer import Enhancer
from medddim.metrics import compare
from medddim.metrics.noise import estimate_noise
from medddim.recipe import LargerVoxelsRecipe, LowDoseRecipe, Recipe
from medddim.training.dataset import middle_slices
from medddim.volume import Volume

VALIDATION_SLICES = 5
VALIDATION_BLOCK = 96
PSNR, INPUT = "psnr_db_at_", "input_psnr_db_at_"


def mean_psnr(figures: Mapping[str, float]) -> float | None:
    """What the best checkpoint is chosen by: the mean over levels; None without a validation."""
    scores = [value for name, value in figures.items() if name.startswith(PSNR)]
    return float(np.mean(scores)) if scores else None


def validate(enhancer: Enhancer, scans: Mapping[str, Volume]) -> dict[str, float]:
    """Mean foreground PSNR and HF power of the 1-step answer on the middle slices of `scans`.

    Beside them the PSNR of what it was given, for a denoiser: what has to be beaten.
    """
    figures: dict[str, float] = {}
    for name, worsen in _degradations(enhancer.recipe).items() if scans else ():
        scores, before = [], []
        for scan in scans.values():
            clean, worse, given = worsen(scan)
            scores.append(compare(enhancer(worse, **given), clean))
            if worse.shape == clean.shape:
                before.append(compare(worse, clean).psnr_db)
        figures[f"{PSNR}{name}"] = float(np.mean([score.psnr_db for score in scores]))
        figures[f"hf_power_at_{name}"] = float(np.mean([score.hf_power for score in scores]))
        if before:
            figures[f"{INPUT}{name}"] = float(np.mean(before))
    return figures


Worsen = Callable[[Volume], tuple[Volume, Volume, dict[str, Any]]]
"""A scan in; its part that is judged, that part degraded, and what the Enhancer is given."""


def _degradations(recipe: Recipe) -> dict[str, Worsen]:
    """How scans are made worse to validate a model, by the name of the figures."""
    drawn = recipe.degradation
    if isinstance(drawn, LargerVoxelsRecipe):
        return {"x".join(map(str, f)): partial(_coarser, LargerVoxels(f)) for f in drawn.factors}
    if isinstance(drawn, LowDoseRecipe):
        return {f"{dose:g}": partial(_lower_dose, dose) for dose in drawn.validate_doses}
    return {f"{level:g}": partial(_noisier, level) for level in drawn.validate_levels}


def _noisier(level: float, scan: Volume) -> tuple[Volume, Volume, dict[str, Any]]:
    clean, degradation = middle_slices(scan, VALIDATION_SLICES), RicianNoise(level)
    noisy = degradation(clean, np.random.default_rng(0))
    return clean, noisy, {"noise": degradation.sigma(clean)}


def _lower_dose(fraction: float, scan: Volume) -> tuple[Volume, Volume, dict[str, Any]]:
    clean = middle_slices(scan, VALIDATION_SLICES)
    worsen = LowDose(fraction, noise_hu=estimate_noise(clean) or None)
    return clean, worsen(clean, np.random.default_rng(0)), {}


def _coarser(larger: LargerVoxels, scan: Volume) -> tuple[Volume, Volume, dict[str, Any]]:
    """Judged on a block in the middle: the axis with the first factor is the slice axis."""
    sizes = [
        min(n, VALIDATION_BLOCK) // f * f for n, f in zip(scan.shape, larger.factors, strict=True)
    ]
    starts = [(n - size) // 2 for n, size in zip(scan.shape, sizes, strict=True)]
    box = [slice(first, first + size) for first, size in zip(starts, sizes, strict=True)]
    clean = scan.crop(*box)
    coarse = larger(clean, np.random.default_rng(0))
    return clean, coarse, {"factor": larger.factors}
