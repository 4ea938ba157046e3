"""DDIM: one formula, walked along a ladder of levels."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from medddim.diffusion.path import Path
from medddim.errors import DiffusionError

CleanEstimate = Callable[[Tensor, float], Tensor]
"""`(state, level) -> clean estimate`: a Denoiser, or one wrapped to cut and blend a whole scan."""

NoiseDraw = Callable[[int], Tensor]
"""`step -> unit white noise` in the shape of the state."""


def ddim(
    denoise: CleanEstimate,
    start: Tensor,
    ladder: Tensor,
    *,
    path: Path,
    eta: float = 0.0,
    noise: NoiseDraw | None = None,
) -> Iterator[Tensor]:
    """Clean estimates along `ladder`, noisiest first; the last one is the answer.

    Each step puts the state on the next level that the ladder itself holds; nothing recomputes a
    "previous timestep". With one step the answer is the denoiser's own estimate, the regression.
    `eta` above 0 exchanges a share of the state's noise for fresh `noise`; 1 is ancestral
    sampling. Raises DiffusionError for an `eta` without noise, or on a path whose source is not
    white noise.

    Formula: Song et al. 2021 (arXiv 2010.02502), eq. 12 with the variance of eq. 16.
    """
    if eta > 0 and (noise is None or not path.white):
        raise DiffusionError(
            "eta above 0 needs a noise draw and a path whose source is white noise"
        )
    state = start
    for index, (level, following) in enumerate(pairwise(ladder.tolist())):
        clean = denoise(state, level)
        yield clean
        kept, fresh = exchange(path, level=level, following=following, eta=eta)
        state = step(state, clean, path=path, level=level, following=following, kept=kept)
        if fresh > 0 and noise is not None:
            state = state + fresh * noise(index)


def second_order(
    denoise: CleanEstimate, start: Tensor, ladder: Tensor, *, path: Path
) -> Iterator[Tensor]:
    """Like `ddim`, steered by a line through the last two clean estimates; deterministic.

    The same step towards another target: with clean estimates extrapolated in log(alpha / sigma)
    the DDIM step becomes DPM-Solver++ (2M), Lu et al. 2022 (arXiv 2211.01095), algorithm 2. Where
    that logarithm is infinite, at pure noise and at clean, the step is of first order.
    """
    state, before = start, None
    for level, following in pairwise(ladder.tolist()):
        clean = denoise(state, level)
        yield clean
        lead = log_snr(path, following) - log_snr(path, level)
        target = clean
        if before is not None and math.isfinite(lead) and math.isfinite(before[1]):
            target = clean + (clean - before[0]) * (lead / (2 * before[1]))
        state = step(state, target, path=path, level=level, following=following)
        before = (clean, lead)


def invert(
    denoise: CleanEstimate,
    answer: Tensor,
    ladder: Tensor,
    *,
    path: Path,
    iterations: int = 100,
    tolerance: float = 1e-12,
) -> Tensor:
    """The start from which `ddim` (eta = 0) along `ladder` gives `answer`, by fixed point.

    Each step is solved for the state it came from, to `tolerance` of the largest value. Raises
    DiffusionError if an iteration does not converge: the denoiser is then no contraction there.
    """
    state = answer
    require_invertible(path, level=ladder[0].item())
    for following, level in pairwise(reversed(ladder.tolist())):
        reached, state = state, state.clone()
        ratio = _ratio(path, level=level, following=following)
        gain = 1 / ratio if ratio > 0 else 1.0
        for _ in range(iterations):
            clean = denoise(state, level)
            there = step(state, clean, path=path, level=level, following=following)
            change = gain * (reached - there)
            state = state + change
            if change.abs().max() <= tolerance * state.abs().max():
                break
        else:
            raise DiffusionError(f"no fixed point from level {following:g} up to {level:g}")
    return state


def step(
    state: Tensor,
    clean: Tensor,
    *,
    path: Path,
    level: float,
    following: float,
    kept: float | None = None,
) -> Tensor:
    """The state at `following`, on the line from `state` at `level` towards `clean`.

    `kept` is the share of the state's own noise that goes on, sigma(following) / sigma(level) if
    nothing is exchanged.
    """
    alpha, alpha_next = path.alpha(_exact(level, following)).tolist()
    share = _ratio(path, level=level, following=following) if kept is None else kept
    stepped: Tensor = alpha_next * clean + share * (state - alpha * clean)
    return stepped


def exchange(path: Path, *, level: float, following: float, eta: float) -> tuple[float, float]:
    """How much of the state's noise a step keeps, and how much fresh noise it adds.

    Together they have the variance of `following`: Song et al. 2021, eq. 16, for any alpha, sigma.
    """
    alpha, alpha_next = path.alpha(_exact(level, following)).tolist()
    sigma, sigma_next = path.sigma(_exact(level, following)).tolist()
    between = max(sigma**2 - (alpha / alpha_next * sigma_next) ** 2, 0.0) if eta else 0.0
    fresh = eta * sigma_next / sigma * math.sqrt(between)
    return math.sqrt(max(sigma_next**2 - fresh**2, 0.0)) / sigma, fresh


def log_snr(path: Path, level: float) -> float:
    """log(alpha / sigma), infinite at both ends of a path that reaches pure noise."""
    alpha, sigma = path.alpha(_exact(level)).item(), path.sigma(_exact(level)).item()
    if sigma == 0:
        return math.inf
    return math.log(alpha / sigma) if alpha > 0 else -math.inf


def require_invertible(path: Path, *, level: float) -> None:
    """Raise DiffusionError where alpha is 0: pure noise has forgotten what it came from."""
    if path.alpha(_exact(level)).item() == 0:
        raise DiffusionError(
            f"alpha is 0 at level {level:g}: the answer does not determine its start there; "
            "invert along a ladder that begins below it"
        )


def _ratio(path: Path, *, level: float, following: float) -> float:
    sigma, sigma_next = path.sigma(_exact(level, following)).tolist()
    return float(sigma_next / sigma)


def _exact(*levels: float) -> Tensor:
    return torch.tensor(levels, dtype=torch.float64)
