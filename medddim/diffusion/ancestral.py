"""Ancestral sampling, the DDPM way: what DDIM is compared with."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor

from medddim.diffusion.ddim import CleanEstimate, NoiseDraw
from medddim.diffusion.path import Path
from medddim.errors import DiffusionError


def ancestral(
    denoise: CleanEstimate, start: Tensor, ladder: Tensor, *, path: Path, noise: NoiseDraw
) -> Iterator[Tensor]:
    """Clean estimates along `ladder`, each next state drawn from the posterior; last is the answer.

    Formula: Ho et al. 2020 (arXiv 2006.11239), eq. 6 and 7, between any two levels s < t:
    alpha_ts = alpha_t / alpha_s, beta = sigma_t^2 - alpha_ts^2 sigma_s^2,
    mean = (alpha_ts sigma_s^2 x_t + alpha_s beta x0hat) / sigma_t^2,
    variance = beta sigma_s^2 / sigma_t^2. Raises DiffusionError unless the source is white noise.
    """
    if not path.white:
        raise DiffusionError("ancestral sampling needs a path whose source is white noise")
    state = start
    for index, pair in enumerate(pairwise(ladder.tolist())):
        clean = denoise(state, pair[0])
        yield clean
        levels = torch.tensor(pair, dtype=torch.float64)
        (alpha_t, alpha_s), (sigma_t, sigma_s) = path.alpha(levels), path.sigma(levels)
        alpha_ts = alpha_t / alpha_s
        beta = sigma_t**2 - (alpha_ts * sigma_s) ** 2
        from_state = (alpha_ts * sigma_s**2 / sigma_t**2).item()
        from_clean = (alpha_s * beta / sigma_t**2).item()
        spread = math.sqrt(max((beta * sigma_s**2 / sigma_t**2).item(), 0.0))
        state = from_state * state + from_clean * clean + spread * noise(index)
